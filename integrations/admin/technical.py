"""What the machinery keeps for itself: workers, limits, tokens (never their text)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import BooleanField, Case, QuerySet, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import sentences
from ..call_words import whose_and_what
from ..models import BatchSize, Heartbeat, RateLimit, Slot, Vendor, VendorToken
from . import words
from .base import ReadOnlyAdmin, action, display


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    """Which worker machines are alive."""

    list_display = ("worker", "seen")
    list_filter_submit = False
    fields = ("worker", "seen_at")

    @display(description=gettext_lazy("last seen"))
    def seen(self, row: Heartbeat) -> SafeString | str:
        """How long ago it was seen."""
        return words.ago(row.seen_at)


class OperationAdmin(ReadOnlyAdmin):
    """Something about one operation of a vendor, called by what the operation is for."""

    @display(description=gettext_lazy("operation"))
    def operation(self, row: RateLimit | Slot | BatchSize) -> SafeString:
        """Whose operation it is, and what it is for; its own name in the tooltip."""
        return format_html('<span title="{}">{}</span>', row.name, operation_text(row.name))

    def called(self, row: Any) -> str:
        """Return whose operation it is, and what it is for."""
        return operation_text(row.name)


@admin.register(RateLimit)
class RateLimitAdmin(OperationAdmin):
    """Until when the turns of a rate-limited operation are taken."""

    list_display = ("operation", "reserved")
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("operation", "reserved")
    sortable_by = ()

    @display(description=gettext_lazy("reserved until"))
    def reserved(self, row: RateLimit) -> SafeString | str:
        """The time up to which turns are taken."""
        return words.moment(_from_epoch(row.reserved_until))


@admin.register(Slot)
class SlotAdmin(OperationAdmin):
    """Which calls are in flight to LingXing's endpoints of limited capacity."""

    list_display = ("operation", "position", "holder", "held")
    search_fields = ("name",)
    ordering = ("name", "position")
    fields = ("operation", "position", "holder", "held")
    sortable_by = ()

    @display(description=gettext_lazy("held until"))
    def held(self, row: Slot) -> SafeString | str:
        """Until when the slot is taken; the mark of its last holder stays on a free one."""
        until = _from_epoch(row.held_until)
        return words.moment(until) if until and until > timezone.now() else _("free")


@admin.register(BatchSize)
class BatchSizeAdmin(OperationAdmin):
    """How many things a vendor takes in one call, as found by trying."""

    list_display = ("operation", "size", "refused", "when")
    ordering = ("name",)
    fields = ("operation", "size", "refused", "when")
    sortable_by = ()

    @display(description=gettext_lazy("refused at"))
    def when(self, row: BatchSize) -> SafeString | str:
        """When the vendor refused that many."""
        return words.ago(row.refused_at)


@admin.register(VendorToken)
class VendorTokenAdmin(ReadOnlyAdmin):
    """The vendors' access tokens: that they exist and when they end, never what they are."""

    list_display = ("whose", "present", "valid_until", "generation")
    keeps_history = True
    fields: ClassVar[Any] = ("whose", "present", "expires_at", "refresh_expires_at", "generation", "renewing_by")
    actions = ("forget",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Never read the tokens themselves."""
        present = Case(When(access_token="", then=False), default=True, output_field=BooleanField())
        rows: QuerySet[Any] = super().get_queryset(request).annotate(has_token=present)
        return rows.defer("access_token", "refresh_token", "account")

    def called(self, row: VendorToken) -> str:
        """Return the vendor's name."""
        return vendor_text(row.vendor)

    @display(description=gettext_lazy("vendor"))
    def whose(self, row: VendorToken) -> str:
        """The vendor's name."""
        return vendor_text(row.vendor)

    @display(description=gettext_lazy("token"), boolean=True)
    def present(self, row: Any) -> bool:
        """Whether there is a token."""
        return bool(row.has_token)

    @display(description=gettext_lazy("valid until"))
    def valid_until(self, row: VendorToken) -> SafeString | str:
        """Until when it can be used."""
        return words.moment(row.expires_at)

    @action(description=gettext_lazy("Forget token (a new one is fetched when needed)"), permissions=["operate"])
    def forget(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Drop the tokens, for example after the credentials were changed at the vendor."""
        number = VendorToken.objects.filter(pk__in=queryset.values_list("pk", flat=True)).update(
            access_token="",
            refresh_token="",
            expires_at=None,
            refresh_expires_at=None,
        )
        for token in queryset:
            self.log_change(request, token, sentences.gettext("Token forgotten."))
        self.message_user(
            request, _("%(n)d forgotten; the next call fetches a new one.") % {"n": number}, messages.SUCCESS
        )


def operation_text(name: str) -> str:
    """Return what a limit is for (``lingxing:/pb/mp/order/v2/create``) in words."""
    vendor, operation = whose_and_what(name)
    return f"{vendor_text(vendor)} · {words.purpose_text(vendor, operation)}"


def vendor_text(vendor: str) -> str:
    """Return a vendor's name as staff know it."""
    return str(dict(Vendor.choices).get(vendor, vendor))


def _from_epoch(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
