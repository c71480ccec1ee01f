"""Flows and their runs: state, interval, run now, pause, resume."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.validators import MinValueValidator
from django.db.models import Case, IntegerField, QuerySet, When
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import jobs
from ..flows import flow_definitions, pausing
from ..flows.schedules import apply_interval
from ..models import Flow, FlowRun
from ..sentences import listed
from . import words
from .base import Admin, action, display
from .flow_states import (
    counted,
    ensure_flow_rows,
    facts_of,
    flow_label,
    interval_of,
    live_figures,
    live_state,
    run_tone,
    workers_alive,
)
from .reasons import ask, come_back
from .records import action_button, address_of, list_address

# What a flow's bookmark may say.
BOOKMARKS = {
    "updated_until": gettext_lazy("Changes at DSCO are read until"),
    "last_complete_at": gettext_lazy("Nothing was left to read at"),
    "look_begun": gettext_lazy("A look at all orders goes on that began at"),
    "stock_after": gettext_lazy("The comparison of stock goes on after stock item"),
}


def start_flow(name: str, actor: str) -> None:
    """Hand a flow to the workers at once, in the name of a person."""
    jobs.start(jobs.RUN_SCHEDULED_FLOW, name, actor, name=f"{actor}: {name}")


def tell_started(model_admin: Admin, request: HttpRequest, names: list[str]) -> None:
    """Say what was handed to the workers, and warn when there seem to be none."""
    shown = listed(flow_label(name) for name in names)
    model_admin.message_user(request, _("Handed to the workers: %(flows)s.") % {"flows": shown}, messages.SUCCESS)
    if not workers_alive():
        text = _("No worker was seen in the last five minutes: nothing runs until one is started (manage.py qcluster).")
        model_admin.message_user(request, text, messages.WARNING)


class FlowForm(forms.ModelForm):  # type: ignore[type-arg]
    """Only the interval is edited here."""

    class Meta:
        model = Flow
        fields = ("interval_seconds",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "interval_seconds" in self.fields:
            self.fields["interval_seconds"].validators.append(MinValueValidator(1))


@admin.register(Flow)
class FlowAdmin(Admin):
    """The scheduled passes."""

    form = FlowForm
    list_display = (
        "title", "state", "interval", "last_success", "next_run", "last_result", "last_counts", "last_error",
    )  # fmt: skip
    list_display_links = ("title",)
    list_filter = ()
    sortable_by = ()
    actions = ("run_now", "pause", "resume")
    list_before_template = "admin/flows/list_tools.html"
    change_form_outer_before_template = "admin/flows/head.html"
    readonly_fields = (
        "title", "state", "pause_reason", "last_started", "last_success", "next_run", "last_result", "last_error",
        "running_in", "bookmark",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("title", "state", "pause_reason", "interval_seconds")}),
        (gettext_lazy("Runs"), {"fields": (
            "last_started", "last_success", "next_run", "last_result", "last_error", "running_in", "bookmark",
        )}),
    )  # fmt: skip

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may run, pause and resume flows."""
        return bool(request.user.has_perm("integrations.run_flow"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Flows come with the program."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Flows come with the program."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add the live figures."""
        view = self.admin_site.admin_view(self.progress_view)
        return [path("progress/", view, name="integrations_flow_progress"), *super().get_urls()]

    def progress_view(self, request: HttpRequest) -> JsonResponse:
        """Return how every flow stands now, for the pages' script."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return JsonResponse(live_figures(list(Flow.objects.all())))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out what there is nothing to say about."""
        empty = set() if obj is None or obj.paused else {"pause_reason"}
        empty |= set() if obj is None or obj.is_running() else {"running_in"}
        return [
            (title, {**options, "fields": tuple(name for name in options["fields"] if name not in empty)})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def get_ordering(self, request: HttpRequest) -> Any:
        """Order the flows as one whole pass runs them."""
        places = [When(name=flow.name, then=flow.position) for flow in flow_definitions()]
        return [Case(*places, default=99, output_field=IntegerField()), "name"]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add the buttons that the list's actions are."""
        flow = kwargs.get("obj")
        by_order = {definition.name for definition in flow_definitions() if definition.by_order}
        context["show_history"] = False
        context["buttons"] = []
        if flow is not None:
            run = _facts(flow).last_run
            context |= {
                "live_state": live_state(flow, run), "live_counts": _live(flow, "counts", counted(flow, run)),
                "runs_link": self.runs(flow), "by_order": flow.name in by_order,
            }  # fmt: skip
        if flow is not None and self.has_operate_permission(request, flow):
            other = ("resume", _("Resume")) if flow.paused else ("pause", _("Pause …"))
            context["buttons"] = [
                action_button(request, flow, "run_now", _("Run now"), look="primary"),
                action_button(request, flow, *other),
            ]
        return super().render_change_form(request, context, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show every flow, also those that never ran."""
        ensure_flow_rows()
        return super().changelist_view(request, extra_context)

    def prepare_page(self, request: HttpRequest, rows: list[Any]) -> None:
        """Read the last run and the schedule of all flows at once."""
        found = facts_of(rows)
        for row in rows:
            row.facts = found[row.name]

    def save_model(self, request: HttpRequest, obj: Flow, form: Any, change: bool) -> None:
        """Write the interval alone (the runner writes the other columns meanwhile) and move the schedule."""
        Flow.objects.filter(pk=obj.pk).update(interval_seconds=obj.interval_seconds)
        apply_interval(obj)
        if settings.FLOW_INTERVAL_SECONDS:
            text = _("FLOW_INTERVAL_SECONDS is set in the environment and overrides every flow's own interval.")
            self.message_user(request, text, messages.WARNING)

    # --- Columns ----------------------------------------------------------------------------------

    @display(description=gettext_lazy("flow"))
    def title(self, flow: Flow) -> SafeString:
        """The label, and the name that commands use."""
        return format_html('{}<br><span class="ob-quiet">{}</span>', flow_label(flow.name), flow.name)

    @display(description=gettext_lazy("state"))
    def state(self, flow: Flow) -> SafeString:
        """Paused, running, overdue, stopped, or all right."""
        return live_state(flow, _facts(flow).last_run)

    @display(description=gettext_lazy("interval"))
    def interval(self, flow: Flow) -> SafeString:
        """How often it runs."""
        return format_html('<span class="ob-nowrap">{}</span>', words.span(interval_of(flow)))

    @display(description=gettext_lazy("last start"))
    def last_started(self, flow: Flow) -> SafeString | str:
        """When it started last."""
        return words.ago(flow.last_started_at)

    @display(description=gettext_lazy("last success"))
    def last_success(self, flow: Flow) -> SafeString | str:
        """When it succeeded last."""
        return _live(flow, "success", words.ago(flow.last_success_at))

    @display(description=gettext_lazy("next run"))
    def next_run(self, flow: Flow) -> SafeString | str:
        """When the schedule starts it next."""
        schedule = _facts(flow).schedule
        upcoming = words.EMPTY if flow.paused or schedule is None else words.upcoming(schedule.next_run)
        return _live(flow, "next", upcoming)

    @display(description=gettext_lazy("last run"))
    def last_result(self, flow: Flow) -> SafeString | str:
        """How the last run ended."""
        run = _facts(flow).last_run
        if run is None:
            return words.EMPTY
        return format_html(
            '<a class="ob-link" href="{}" data-link="{}.run"><span class="ob-label ob-{}" data-show="{}.result"'
            ' data-tone="{}.run_tone">{}</span></a>',
            address_of(run), flow.name, run_tone(run), flow.name, flow.name, run.get_status_display(),
        )  # fmt: skip

    @display(description=gettext_lazy("counts"))
    def last_counts(self, flow: Flow) -> SafeString:
        """What the last run counted, or has counted so far."""
        return _live(flow, "counts", counted(flow, _facts(flow).last_run))

    @display(description=gettext_lazy("error"))
    def last_error(self, flow: Flow) -> SafeString:
        """Why the last run ended early."""
        run = _facts(flow).last_run
        return _live(flow, "error", (run.error if run else "") or words.EMPTY)

    @display(description=gettext_lazy("running in"))
    def running_in(self, flow: Flow) -> str:
        """Which process runs it now."""
        return flow.lease_holder or words.EMPTY

    @display(description=gettext_lazy("bookmark"))
    def bookmark(self, flow: Flow) -> SafeString | str:
        """How far it has read, a line for each thing."""
        lines = [bookmark_line(name, value) for name, value in sorted(flow.cursor.items()) if value not in (None, "")]
        return format_html_join(mark_safe("<br>"), "{}: {}", lines) or words.EMPTY

    @display(description=gettext_lazy("all runs"))
    def runs(self, flow: Flow) -> SafeString:
        """A link to all its runs."""
        address = list_address(FlowRun, flow=flow.name)
        return format_html('<a class="ob-link" href="{}">{}</a>', address, _("All runs of this flow"))

    # --- Actions ----------------------------------------------------------------------------------

    @action(description=gettext_lazy("Run now"), permissions=["operate"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Hand the flows to the workers, in the usual order."""
        chosen = set(queryset.values_list("name", flat=True))
        names = [definition.name for definition in flow_definitions() if definition.name in chosen]
        for name in names:
            start_flow(name, request.user.get_username())
        tell_started(self, request, names)
        return come_back(request)

    @action(description=gettext_lazy("Pause …"), permissions=["operate"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Stop the scheduled runs, with a reason."""
        answer = ask(
            self, request, queryset, "pause", title=_("Pause flows"), button=_("Pause"),
            advice=_("The schedule skips these flows until they are resumed. A run that is under way ends as usual."),
        )  # fmt: skip
        if isinstance(answer, TemplateResponse):
            return answer
        pausing.pause(queryset, answer["reason"], request.user)  # type: ignore[arg-type]
        self.message_user(request, _("Paused."), messages.SUCCESS)
        return come_back(request)

    @action(description=gettext_lazy("Resume"), permissions=["operate"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Let the schedule run the flows again."""
        pausing.resume(queryset, request.user)  # type: ignore[arg-type]
        self.message_user(request, _("Resumed. The next run comes by the schedule; Run now starts it at once."))
        return come_back(request)


def bookmark_line(name: str, value: Any) -> tuple[str, Any]:
    """Return what one entry of a flow's bookmark says: what was reached, and the time or the name."""
    reached = words.moment(datetime.fromisoformat(value)) if isinstance(value, str) else value
    return str(BOOKMARKS.get(name, name)), reached


def _live(flow: Flow, name: str, text: Any) -> SafeString:
    """Return a text that the page's script keeps up to date."""
    return format_html('<span data-show="{}.{}">{}</span>', flow.name, name, text)


def _facts(flow: Any) -> Any:
    """Return what ``prepare_page`` read, or read it for a single flow."""
    if not hasattr(flow, "facts"):
        flow.facts = facts_of([flow])[flow.name]
    return flow.facts
