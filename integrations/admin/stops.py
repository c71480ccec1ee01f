"""Emergency stops on the screen: stop all writes to a vendor, see what that holds back, end it, the history."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..models import Vendor, VendorStop
from ..stopping import CannotStop, HeldBack, end_stop, held_back, stop_vendor
from ..stops import STOPPED_CODE
from . import words
from .base import ChoicesCheckboxFilter, DropdownFilter, TextareaWidget, display
from .kinds import delivery_models, kind_label
from .reasons import ReasonForm
from .records import RecordAdmin, Section, address_of, facts, list_address, table

PERMISSION = "integrations.stop_vendor"


class EndForm(forms.Form):
    """What was put right before writes go on."""

    reason = forms.CharField(
        label=gettext_lazy("What was put right"),
        max_length=300,
        widget=TextareaWidget(attrs={"rows": 3, "autofocus": True}),
        help_text=gettext_lazy("Kept with your name in the record."),
    )


class OpenFilter(DropdownFilter):
    title = gettext_lazy("state")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Open or ended."""
        return [("yes", _("Writes are stopped")), ("no", _("Ended"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Limit the list."""
        return queryset.filter(ended_at__isnull=self.value() == "yes") if self.value() else queryset


def may_stop(request: HttpRequest) -> bool:
    """Return whether the user may stop the writes to a vendor, and end a stop."""
    return bool(request.user.has_perm(PERMISSION))


def end_address(stop_id: int) -> str:
    """Return where a stop is ended."""
    return reverse("admin:integrations_vendorstop_end", args=[stop_id])


@admin.register(VendorStop)
class VendorStopAdmin(RecordAdmin):
    """The vendors' switches, and every stop that there was."""

    list_before_template = "admin/stops/switches.html"
    list_display = ("vendor_name", "state", "why", "started", "by", "ended", "end_by", "note", "released")
    list_display_links = ("vendor_name",)
    list_filter: ClassVar[Any] = (("vendor", ChoicesCheckboxFilter), OpenFilter)
    sortable_by = ()

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may stop a vendor."""
        return may_stop(request)

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that set and end a stop."""
        view = self.admin_site.admin_view
        return [
            path("stop/<str:vendor>/", view(self.stop_view), name="integrations_vendorstop_stop"),
            path("<int:stop_id>/end/", view(self.end_view), name="integrations_vendorstop_end"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Add a switch for each vendor above the history."""
        stops = {stop.vendor: stop for stop in VendorStop.objects.filter(ended_at__isnull=True)}
        switches = [
            {
                "name": Vendor(vendor).label, "stop": stops.get(vendor),
                "since": words.ago(stops[vendor].started_at) if vendor in stops else "",
                "stop_address": reverse("admin:integrations_vendorstop_stop", args=[vendor]),
                "end_address": end_address(stops[vendor].pk) if vendor in stops else "",
            }
            for vendor in Vendor.values
        ]  # fmt: skip
        more = {"switches": switches, "may_stop": may_stop(request), **(extra_context or {})}
        return super().changelist_view(request, more)

    # --- Setting and ending -----------------------------------------------------------------------

    def stop_view(self, request: HttpRequest, vendor: str) -> HttpResponse:
        """Show what a stop would hold back, ask why, then stop."""
        if not may_stop(request):
            raise PermissionDenied
        if vendor not in Vendor.values:
            raise Http404
        name = Vendor(vendor).label
        form = ReasonForm(request.POST or None)
        if form.is_valid():
            try:
                stop = stop_vendor(vendor, form.cleaned_data["reason"], request.user.get_username())
            except CannotStop as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
                return HttpResponseRedirect(list_address(VendorStop))
            self.message_user(request, _("Nothing is written to %(vendor)s any more.") % {"vendor": name})
            return HttpResponseRedirect(address_of(stop))
        advice = _(
            "From now on nothing is sent to %(vendor)s: not by flows, not by staff. Orders are still read, outcomes"
            " still asked for. A call that has left already cannot be called back. Nothing is lost: what is due"
            " waits, and goes when the stop is ended."
        ) % {"vendor": name}
        title = _("Stop all writes to %(vendor)s") % {"vendor": name}
        button = _("Stop all writes to %(vendor)s now") % {"vendor": name}
        return self._page(request, form, title, advice, button, held_back(vendor), danger=True)

    def end_view(self, request: HttpRequest, stop_id: int) -> HttpResponse:
        """Show what goes when the stop ends, ask what was put right, then end it."""
        if not may_stop(request):
            raise PermissionDenied
        stop = get_object_or_404(VendorStop, pk=stop_id)
        if stop.ended_at is not None:
            self.message_user(request, _("This stop has ended already."), messages.INFO)
            return HttpResponseRedirect(address_of(stop))
        form = EndForm(request.POST or None)
        name = stop.get_vendor_display()
        if form.is_valid():
            try:
                stop = end_stop(stop.pk, form.cleaned_data["reason"], request.user.get_username())
            except CannotStop as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                text = ngettext(
                    "The stop is over: %(n)d delivery to %(vendor)s is due now and goes at once.",
                    "The stop is over: %(n)d deliveries to %(vendor)s are due now and go at once.",
                    stop.released,
                )
                self.message_user(request, text % {"n": stop.released, "vendor": name}, messages.SUCCESS)
            return HttpResponseRedirect(address_of(stop))
        advice = _(
            "Everything that waits for the end of this stop is due at once, nearest deadlines first, and its flows"
            " start. What was cancelled or changed meanwhile is seen before anything is sent."
        )
        title = _("End the emergency stop of %(vendor)s") % {"vendor": name}
        button = _("End the stop and send what waits")
        return self._page(request, form, title, advice, button, held_back(stop.vendor), stop=stop)

    def _page(
        self, request: HttpRequest, form: forms.Form, title: str, advice: str, button: str, numbers: list[HeldBack], *,
        stop: VendorStop | None = None, danger: bool = False,
    ) -> TemplateResponse:  # fmt: skip
        context = {
            **self.admin_site.each_context(request), "title": title, "advice": advice, "button": button,
            "opts": self.opts, "form": form, "numbers": _numbers(numbers), "stop": stop, "danger": danger,
            "total": sum(row.held + row.due for row in numbers), "back": list_address(VendorStop),
            "media": self.media + form.media,
        }  # fmt: skip
        return TemplateResponse(request, "admin/stops/form.html", context)

    # --- Columns ----------------------------------------------------------------------------------

    @display(description=gettext_lazy("vendor"))
    def vendor_name(self, stop: VendorStop) -> str:
        """Which vendor."""
        return stop.get_vendor_display()

    @display(description=gettext_lazy("state"))
    def state(self, stop: VendorStop) -> SafeString:
        """Open or ended."""
        return words.label(_("Ended"), "muted") if stop.ended_at else words.label(_("Writes are stopped"), "danger")

    @display(description=gettext_lazy("reason"))
    def why(self, stop: VendorStop) -> str:
        """Why it was set."""
        return stop.reason

    @display(description=gettext_lazy("stopped at"))
    def started(self, stop: VendorStop) -> SafeString | str:
        """When it was set."""
        return words.moment(stop.started_at)

    @display(description=gettext_lazy("by"))
    def by(self, stop: VendorStop) -> str:
        """Who set it."""
        return stop.started_by

    @display(description=gettext_lazy("stop ended at"))
    def ended(self, stop: VendorStop) -> SafeString | str:
        """When it was ended."""
        return words.moment(stop.ended_at)

    @display(description=gettext_lazy("stop ended by"))
    def end_by(self, stop: VendorStop) -> str:
        """Who ended it."""
        return stop.ended_by or words.EMPTY

    @display(description=gettext_lazy("what was put right"))
    def note(self, stop: VendorStop) -> str:
        """What was said at its end."""
        return stop.end_note or words.EMPTY

    # --- The record's page ------------------------------------------------------------------------

    def buttons(self, request: HttpRequest, record: VendorStop) -> list[SafeString]:
        """Return the button that ends it."""
        if record.ended_at is not None:
            return []
        button = '<a class="ob-button ob-button-primary" href="{}">{}</a>'
        return [format_html(button, end_address(record.pk), _("End the stop …"))]

    def sections(self, request: HttpRequest, record: VendorStop) -> list[Section]:
        """Return the stop, its end, and, while it is open, what it holds back."""
        length = (record.ended_at - record.started_at) if record.ended_at else None
        parts = [
            facts(_("Emergency stop"), [
                (_("vendor"), record.get_vendor_display()), (_("state"), self.state(record)),
                (_("reason"), record.reason), (_("stopped at"), words.moment(record.started_at)),
                (_("by"), record.started_by),
            ]),
            facts(_("End"), [
                (_("stop ended at"), words.moment(record.ended_at)), (_("stop ended by"), record.ended_by),
                (_("what was put right"), record.end_note), (_("lasted"), words.span(length) if length else ""),
                (_("deliveries released"), record.released if record.ended_at else ""),
            ]),
        ]  # fmt: skip
        if record.ended_at is None:
            headers = [_("step"), _("waits for the end of the stop"), _("due"), _("under way when it came")]
            parts.append(table(_("What it holds back"), headers, _numbers(held_back(record.vendor))))
        return parts


def _numbers(rows: list[HeldBack]) -> list[list[Any]]:
    models = delivery_models()
    return [
        [
            kind_label(row.kind),
            _linked(row.held, list_address(models[row.kind], status__exact="waiting", code=STOPPED_CODE)),
            _linked(row.due, list_address(models[row.kind], status__exact="due")),
            row.under_way,
        ]
        for row in rows
        if row.kind in models
    ]


def _linked(number: int, address: str) -> SafeString | str:
    return format_html('<a class="ob-link" href="{}">{}</a>', address, f"{number:,}") if number else "0"
