"""What was compared with the vendors, when and with what result; and asking for a range or for orders."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.admin import words
from integrations.admin.base import TextareaWidget, display
from integrations.admin.flows import start_flow, tell_started
from integrations.admin.records import RecordAdmin, Section, facts, list_address, table
from integrations.admin.search import split_numbers

from ..finding import find
from ..models import Order, Reconciliation, Source
from ..reconciling.ranges import BadRequest, request_orders, request_range

LOCAL_TIME = {"type": "datetime-local", "class": "ob-input"}
FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]


class AskForm(forms.Form):
    """A range, or numbers of orders."""

    since = forms.DateTimeField(
        label=gettext_lazy("From"), required=False, input_formats=FORMATS,
        widget=forms.DateTimeInput(attrs=LOCAL_TIME, format=FORMATS[0]),
    )  # fmt: skip
    until = forms.DateTimeField(
        label=gettext_lazy("To"), required=False, input_formats=FORMATS,
        widget=forms.DateTimeInput(attrs=LOCAL_TIME, format=FORMATS[0]),
        help_text=gettext_lazy("By the time of change at the vendors. The end is not part of the range."),
    )  # fmt: skip
    numbers = forms.CharField(
        label=gettext_lazy("Or orders"), required=False, widget=TextareaWidget(attrs={"rows": 5}),
        help_text=gettext_lazy("Order, PO, ERP, tracking or invoice numbers, separated in any way."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Either a whole range or numbers."""
        values = super().clean() or {}
        in_range = bool(values.get("since")) + bool(values.get("until"))
        if not self.errors and (in_range == 2) == bool(values.get("numbers", "").strip()):
            raise forms.ValidationError(_("Give both times of a range, or numbers of orders."))
        return values


@admin.register(Reconciliation)
class ReconciliationAdmin(RecordAdmin):
    """Every range and every list of orders that was compared."""

    list_display = ("compared_range", "asked_by", "state", "started", "duration", "numbers", "problem")
    list_display_links = ("compared_range",)
    list_filter: ClassVar[Any] = ()
    list_before_template = "admin/reconcile/before_runs.html"
    sortable_by = ()

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may ask for a comparison."""
        return bool(request.user.has_perm("integrations.run_flow"))

    def get_urls(self) -> list[URLPattern]:
        """Add asking for a comparison."""
        ask = self.admin_site.admin_view(self.ask_view)
        return [path("ask/", ask, name="orders_reconciliation_ask"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Offer asking to whoever may."""
        return super().changelist_view(
            request, {**(extra_context or {}), "may_ask": self.has_operate_permission(request)}
        )

    def ask_view(self, request: HttpRequest) -> HttpResponse:
        """Show the form, or keep what was asked for and hand it to the workers."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        form = AskForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                asked = self._ask(form.cleaned_data, request.user.get_username())
            except BadRequest as problem:
                form.add_error(None, str(problem))
            else:
                self.log_addition(request, asked, str(asked))
                start_flow("reconcile", request.user.get_username())
                tell_started(self, request, ["reconcile"])
                return HttpResponseRedirect(list_address(Reconciliation))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Compare a range or orders"), "opts": self.opts, "form": form, "media": self.media + form.media,
            "back": list_address(Reconciliation),
        }  # fmt: skip
        return TemplateResponse(request, "admin/reconcile/ask.html", context)

    def _ask(self, values: dict[str, Any], actor: str) -> Reconciliation:
        if values["since"]:
            return request_range(values["since"], values["until"], actor)
        found = find(list(dict.fromkeys(split_numbers(values["numbers"]))))
        known = list(Order.objects.filter(pk__in=found.ids).order_by("pk").values_list("dsco_order_id", flat=True))
        # What nobody here knows may be an order of DSCO that was never pulled.
        return request_orders([*known, *(number for number in found.missing if len(number) <= 64)], actor)

    # --- Columns ----------------------------------------------------------------------------------

    @display(description=gettext_lazy("compared"))
    def compared_range(self, row: Reconciliation) -> SafeString | str:
        """The range, or the orders."""
        if row.order_ids:
            return str(row)
        return format_html("{} – {}", words.moment(row.since), words.moment(row.until))

    @display(description=gettext_lazy("requested by"))
    def asked_by(self, row: Reconciliation) -> str:
        """Who asked for it."""
        return row.requested_by or _("schedule")

    @display(description=gettext_lazy("state"))
    def state(self, row: Reconciliation) -> SafeString:
        """Complete, stopped, or still to do."""
        if row.finished_at is not None:
            return words.label(_("Complete"), "success")
        if row.error:
            return words.label(_("Stopped; goes on with the next run"), "warning", row.error)
        return words.label(_("Under way") if row.started_at else _("Waiting"), "info")

    @display(description=gettext_lazy("started"))
    def started(self, row: Reconciliation) -> SafeString | str:
        """When it began."""
        return words.moment(row.started_at)

    @display(description=gettext_lazy("duration"))
    def duration(self, row: Reconciliation) -> SafeString | str:
        """How long it took."""
        if row.started_at is None or row.finished_at is None:
            return words.EMPTY
        return format_html('<span class="ob-nowrap">{}</span>', words.span(row.finished_at - row.started_at))

    @display(description=gettext_lazy("counts"))
    def numbers(self, row: Reconciliation) -> str:
        """What was compared and found."""
        return words.counts(row.counts)

    @display(description=gettext_lazy("error"))
    def problem(self, row: Reconciliation) -> str:
        """Why it stopped."""
        return words.shortened(row.error, 160)

    def sections(self, request: HttpRequest, record: Reconciliation) -> list[Section]:
        """The request, its result, how far each source is."""
        bookmarks = [[_source(name), _reached(value)] for name, value in record.bookmarks.items()]
        return [
            facts(_("Comparison"), [
                (_("compared"), self.compared_range(record)), (_("requested by"), self.asked_by(record)),
                (_("state"), self.state(record)), (_("error"), record.error),
            ]),
            facts(_("Time"), [
                (_("requested"), words.moment(record.requested_at)), (_("started"), self.started(record)),
                (_("finished"), words.moment(record.finished_at)), (_("duration"), self.duration(record)),
            ]),
            facts(_("Counts"), [(words.reason(name), number) for name, number in record.counts.items()], wide=True),
            table(_("How far"), [_("compared with"), _("bookmark")], bookmarks, _("Nothing was compared yet.")),
            table(_("Orders"), [_("DSCO order id")], [[one] for one in record.order_ids], _("All of the range.")),
        ]  # fmt: skip


def _source(name: str) -> str:
    return str(dict(Source.choices).get(name, name))


def _reached(value: Any) -> Any:
    """How far a source was compared: a time, or a number of orders."""
    try:
        return words.moment(datetime.fromisoformat(str(value)))
    except ValueError:
        return value
