"""Bulk runs on the screen: the list, a run with live progress, stop, and the results as a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils import timezone, translation
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from ..bulk import BULK_PERMISSION, ask_to_stop, bulk_action
from ..deliveries.models import subject_of
from ..exports import safe_cell
from ..models import BulkResult, BulkRow, BulkRun, BulkStatus
from ..sentences import listed
from . import words
from .base import ChoicesCheckboxFilter, display
from .flow_states import flow_label
from .kinds import delivery_models, kind_label
from .records import RecordAdmin, Section, address_of, facts, link_to, table

MOST_SHOWN = 100
TONES = {
    BulkStatus.PREPARED: "plain", BulkStatus.RUNNING: "info", BulkStatus.STOPPING: "warning",
    BulkStatus.STOPPED: "warning", BulkStatus.FINISHED: "success",
}  # fmt: skip
RESULT_TONES = {BulkResult.CHANGED: "success", BulkResult.LEFT_OUT: "muted", BulkResult.FAILED: "danger"}
CLOSED = (BulkStatus.FINISHED, BulkStatus.STOPPED)


def action_label(run: BulkRun) -> str:
    """Return the action in words, without the dots that announce a question."""
    try:
        return str(bulk_action(run.action).label).removesuffix("…").strip()
    except KeyError:
        return run.action


def subject_label(run: BulkRun) -> str:
    """Return what the rows are."""
    return capfirst(_("orders")) if run.subject == "order" else kind_label(run.subject)


def row_name(run: BulkRun, label: str) -> str:
    """Return what staff call a row: the order or the item, whatever kind of rows it is."""
    return subject_of(label) if run.subject in delivery_models() else label


def _row_link(run: BulkRun, row: BulkRow) -> SafeString | str:
    name = row_name(run, row.label)
    try:
        model: Any = bulk_action(run.action).rows(run.subject).model
    except KeyError:  # an action or a kind of rows of an earlier version
        return name
    return link_to(model(pk=row.object_id), name)


class _Echo:
    """A file that hands on what is written to it."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


@admin.register(BulkRun)
class BulkRunAdmin(RecordAdmin):
    """Everything that was done to many rows at once, by whom, with what result."""

    change_form_template = "admin/bulk/run.html"
    list_display = ("what", "rows_of", "state", "progress", "result_numbers", "by", "created")
    list_display_links = ("what",)
    list_filter: ClassVar[Any] = (("status", ChoicesCheckboxFilter),)
    list_select_related = ("created_by",)
    sortable_by = ()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may start bulk runs sees them, and whoever may view them."""
        return bool(request.user.has_perm(BULK_PERMISSION)) or super().has_view_permission(request, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The same on the index."""
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        """Add progress, stop and result."""
        view = self.admin_site.admin_view
        return [
            path("<int:run_id>/progress/", view(self.progress_view), name="integrations_bulkrun_progress"),
            path("<int:run_id>/stop/", view(self.stop_view), name="integrations_bulkrun_stop"),
            path("<int:run_id>/result.csv", view(self.result_view), name="integrations_bulkrun_result"),
            *super().get_urls(),
        ]

    # --- Columns ----------------------------------------------------------------------------------

    @display(description=gettext_lazy("action"))
    def what(self, run: BulkRun) -> str:
        """The action, with the run's number."""
        return f"#{run.pk} {action_label(run)}"

    @display(description=gettext_lazy("rows of"))
    def rows_of(self, run: BulkRun) -> str:
        """What the rows are."""
        return subject_label(run)

    @display(description=gettext_lazy("status"))
    def state(self, run: BulkRun) -> SafeString:
        """The status as a label."""
        return status_label(run)

    @display(description=gettext_lazy("done"))
    def progress(self, run: BulkRun) -> str:
        """How many of how many."""
        return f"{run.done:,} / {run.total:,}"

    @display(description=gettext_lazy("result"))
    def result_numbers(self, run: BulkRun) -> str:
        """Changed, left out, failed."""
        return _("%(changed)s changed, %(left_out)s left out, %(failed)s failed") % {
            "changed": f"{run.changed:,}", "left_out": f"{run.left_out:,}", "failed": f"{run.failed:,}",
        }  # fmt: skip

    @display(description=gettext_lazy("by"))
    def by(self, run: BulkRun) -> str:
        """Who started it."""
        return run.created_by.get_username() if run.created_by else words.EMPTY

    @display(description=gettext_lazy("created"))
    def created(self, run: BulkRun) -> SafeString | str:
        """When."""
        return words.ago(run.created_at)

    # --- The run's page ---------------------------------------------------------------------------

    def sections(self, request: HttpRequest, record: BulkRun) -> list[Section]:
        """Return what was asked, and the first rows of the result, the worst first."""
        asked = {"reason": _("reason"), "cancel_code": _("cancel code")}
        rows = BulkRow.objects.filter(run=record)
        parts = [
            facts(_("What was asked"), [
                (_("action"), action_label(record)), (_("rows of"), subject_label(record)),
                (_("selection"), record.origin),
                *((text, record.parameters.get(name)) for name, text in asked.items()),
                (_("flows"), listed(flow_label(name) for name in record.parameters.get("flows", []))),
                (_("by"), self.by(record)), (_("created"), words.moment(record.created_at)),
                (_("started"), words.moment(record.started_at)), (_("finished"), words.moment(record.finished_at)),
            ]),
        ]  # fmt: skip
        told = ((BulkResult.FAILED, _("Failed")), (BulkResult.LEFT_OUT, _("Left out")), (BulkResult.CHANGED, _("Done")))
        for result, title in told:
            wanted = rows.exclude(message="") if result == BulkResult.CHANGED else rows
            found = list(wanted.filter(result=result).order_by("pk")[:MOST_SHOWN])
            if found:
                cells = [[_row_link(record, row), row.message or words.EMPTY] for row in found]
                parts.append(table(title, [_("for"), _("message")], cells))
        return parts

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add the progress."""
        run: BulkRun = kwargs.get("obj") or context["original"]
        context |= {
            "run": run, "facts": progress_of(run), "may_stop": may_stop(request, run),
            "title": f"{action_label(run)} × {run.total:,}",
            "back": str(run.parameters.get("back", "")),
        }  # fmt: skip
        run.page_title = context["title"]  # type: ignore[attr-defined]
        return super().render_change_form(request, context, *args, **kwargs)

    def progress_view(self, request: HttpRequest, run_id: int) -> JsonResponse:
        """Return the run's progress for the page's script."""
        return JsonResponse(progress_of(self._run(request, run_id)))

    def stop_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """End the run after the chunk that is in work."""
        run = self._run(request, run_id)
        if request.method == "POST":
            if not may_stop(request, run):
                raise PermissionDenied
            if ask_to_stop(run.pk):
                self.message_user(request, _("The run stops after the rows in work."), messages.SUCCESS)
            else:
                self.message_user(request, _("The run has ended already."), messages.INFO)
        return HttpResponseRedirect(address_of(run))

    def result_view(self, request: HttpRequest, run_id: int) -> StreamingHttpResponse:
        """Return every row with its result as CSV."""
        run = self._run(request, run_id)
        lines = result_lines(run, get_language() or "en", timezone.get_current_timezone_name())
        answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="bulk-run-{run.pk}.csv"'
        return answer

    def _run(self, request: HttpRequest, run_id: int) -> BulkRun:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(BulkRun, pk=run_id)


def status_label(run: BulkRun) -> SafeString:
    """Return the run's status as a coloured label."""
    return words.label(run.get_status_display(), TONES[BulkStatus(run.status)])


def may_stop(request: HttpRequest, run: BulkRun) -> bool:
    """Whoever may act on many rows may stop a run, also a colleague's."""
    return run.status not in CLOSED and bool(request.user.has_perm(BULK_PERMISSION))


def progress_of(run: BulkRun) -> dict[str, Any]:
    """Return the figures of a run, ready for the page; ``open`` says whether they will change."""
    left = ""
    acted = run.changed + run.failed
    if run.status == BulkStatus.RUNNING and run.started_at and acted:
        seconds = (timezone.now() - run.started_at).total_seconds()
        rest = (run.total - run.done) * seconds / max(acted, 1)
        left = words.span(timedelta(seconds=rest))
    return {
        "open": run.status not in CLOSED,
        "status": run.get_status_display(),
        "tone": TONES[BulkStatus(run.status)],
        "total": run.total, "done": run.done, "changed": run.changed, "left_out": run.left_out, "failed": run.failed,
        "percent": 100 if not run.total else run.done * 100 // run.total,
        "left": left,
    }  # fmt: skip


def result_lines(run: BulkRun, language: str, zone: str) -> Iterator[str]:
    """Yield the lines of the result file, told in a language and a time zone."""
    writer = csv.writer(_Echo())
    with translation.override(language):
        headers = [_("for"), _("result"), _("message")]
        labels = {value: str(text) for value, text in BulkResult.choices}
    yield "\ufeff" + writer.writerow(headers)
    rows: QuerySet[Any, Any] = BulkRow.objects.filter(run=run).order_by("pk").values_list("label", "result", "message")
    for label, result, message in rows.iterator(chunk_size=2000):
        with translation.override(language), timezone.override(zone):  # the answer is sent after the view has ended
            cells = [safe_cell(row_name(run, label)), safe_cell(labels[result]), safe_cell(message)]
        yield writer.writerow(cells)
