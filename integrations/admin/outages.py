"""Vendor outages on the screen: when a vendor did not answer, how often it was asked, what went when it came back."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import VendorOutage
from . import words
from .base import ChoicesCheckboxFilter, display
from .records import RecordAdmin, Section, facts


@admin.register(VendorOutage)
class VendorOutageAdmin(RecordAdmin):
    """Every outage that there was; a few failed calls that did not become one are not shown."""

    list_display = ("vendor_name", "state", "began", "lasted", "asked", "error", "brought")
    list_display_links = ("vendor_name",)
    list_filter: ClassVar[Any] = (("vendor", ChoicesCheckboxFilter),)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[VendorOutage]:
        """Leave out what was only suspected."""
        return super().get_queryset(request).filter(opened_at__isnull=False)

    @display(description=gettext_lazy("vendor"))
    def vendor_name(self, outage: VendorOutage) -> str:
        """Which vendor."""
        return outage.get_vendor_display()

    @display(description=gettext_lazy("state"))
    def state(self, outage: VendorOutage) -> SafeString:
        """Over, or still."""
        return words.label(_("Over"), "muted") if outage.ended_at else words.label(_("No answer"), "warning")

    @display(description=gettext_lazy("first failed call"))
    def began(self, outage: VendorOutage) -> SafeString | str:
        """When it began."""
        return words.moment(outage.began_at)

    @display(description=gettext_lazy("lasted"))
    def lasted(self, outage: VendorOutage) -> str:
        """How long, so far."""
        return words.span((outage.ended_at or timezone.now()) - outage.began_at)

    @display(description=gettext_lazy("asked in vain"))
    def asked(self, outage: VendorOutage) -> int:
        """How often."""
        return outage.failed_probes

    @display(description=gettext_lazy("error"))
    def error(self, outage: VendorOutage) -> str:
        """What the last call met."""
        return words.reason(outage.last_error_code)

    @display(description=gettext_lazy("brought forward"))
    def brought(self, outage: VendorOutage) -> int | str:
        """How many deliveries did not wait any longer when it was over."""
        return outage.brought_forward if outage.ended_at else words.EMPTY

    def sections(self, request: HttpRequest, record: VendorOutage) -> list[Section]:
        """Return the outage and its end."""
        return [
            facts(_("Vendor outage"), [
                (_("vendor"), record.get_vendor_display()), (_("state"), self.state(record)),
                (_("first failed call"), words.moment(record.began_at)), (_("noticed"), words.moment(record.opened_at)),
                (_("failed calls"), record.failures), (_("error"), self.error(record)),
            ]),
            facts(_("What is done about it"), [
                (_("asked in vain"), record.failed_probes),
                (_("asked again"), "" if record.ended_at else words.upcoming(record.next_probe_at)),
                (_("answered again"), words.moment(record.ended_at)), (_("lasted"), self.lasted(record)),
                (_("brought forward"), self.brought(record)),
            ]),
        ]  # fmt: skip
