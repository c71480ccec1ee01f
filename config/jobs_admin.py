"""Background jobs (django-q2's tables) in words: what runs when, what waits, what ran and how it ended."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_q import admin as _pages_of_django_q  # noqa: F401 - registers its own pages, whoever comes first
from django_q.models import Failure, OrmQ, Schedule, Success

from integrations.admin import words
from integrations.admin.base import ReadOnlyAdmin, display
from integrations.admin.flow_states import flow_label
from integrations.admin.records import RecordAdmin, Section, facts
from integrations.flows import schedules
from integrations.flows.schedules import TASK as RUN_FLOW
from integrations.models import RunStatus

JOBS: dict[str, str | Promise] = {
    schedules.HEARTBEAT_TASK: gettext_lazy("The workers' sign of life"),
    schedules.SWEEP_TASK: gettext_lazy("Take up what a stopped worker left, remove old export files"),
    schedules.TIDY_TASK: gettext_lazy("Remove what was kept long enough"),
    schedules.LISTS_TASK: gettext_lazy("Read LingXing's lists"),
    schedules.ALERTS_TASK: gettext_lazy("Send alerts"),
    "integrations.tasks.carry_out_bulk_run": gettext_lazy("Carry out a bulk action"),
    "integrations.tasks.make_export": gettext_lazy("Write an export's file"),
}
# How the jobs of ``integrations/tasks.py`` end that are no run of a flow.
ENDS: dict[str, str | Promise] = {
    "fresh": gettext_lazy("The flow had run a moment before: nothing to do"),
    "stopping": gettext_lazy("The workers were about to stop: left to the next run"),
}
# Of the flow's name that a job is called with, and of the rhythms that ``schedules.py`` writes.
_FLOW_NAME = re.compile(r"[a-z_]+")
_EVERY_SECONDS = re.compile(r"\* \* \* \* \* \*/(\d+)")
_DAILY = re.compile(r"(\d+) (\d+) \* \* \*")
LENGTHS = {
    Schedule.MINUTES: timedelta(minutes=1), Schedule.HOURLY: timedelta(hours=1), Schedule.DAILY: timedelta(hours=24),
}  # fmt: skip

for _model in (Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(_model):  # django-q2 leaves its queue out where Redis is the broker
        admin.site.unregister(_model)


def job_label(func: Any, args: Any = None) -> str:
    """Return what a job does, in words; a function that is not ours by its name.

    args: what it is called with, as a tuple or as text: the flow's name stands first.
    """
    if func == RUN_FLOW:
        first = str(args[0]) if isinstance(args, list | tuple) and args else str(args or "")
        name = _FLOW_NAME.search(first)
        return flow_label(name.group()) if name else _("Run a flow")
    return str(JOBS.get(func, func or words.EMPTY))


def how_often(schedule: Schedule) -> str:
    """Return how often a schedule starts its job, in words; a rhythm of somebody's own as it is written."""
    if schedule.schedule_type == Schedule.CRON:
        cron = schedule.cron or ""
        if found := _EVERY_SECONDS.fullmatch(cron):
            return _every(timedelta(seconds=int(found[1])))
        if found := _DAILY.fullmatch(cron):
            return _("every day at %(time)s") % {"time": f"{int(found[2]):02}:{int(found[1]):02}"}
        return cron
    length = LENGTHS.get(schedule.schedule_type)
    if length is None:
        return str(schedule.get_schedule_type_display())
    return _every(length * (schedule.minutes or 1) if schedule.schedule_type == Schedule.MINUTES else length)


def _every(length: timedelta) -> str:
    return _("every %(span)s") % {"span": words.span(length)}


def result_in_words(result: Any) -> str:
    """Return what a job gave back; a flow's job gives how its run ended (``integrations/tasks.py``)."""
    text = "" if result is None else str(result)
    return str(RunStatus(text).label if text in RunStatus.values else ENDS.get(text, text))


@admin.register(Schedule)
class ScheduleAdmin(RecordAdmin):
    """The clock's rows. Intervals are changed under Flows, which writes them here."""

    list_display = ("job", "often", "next_run_in")
    list_display_links = ("job",)
    search_fields = ("name",)
    sortable_by = ()

    @display(description=gettext_lazy("job"))
    def job(self, schedule: Schedule) -> str:
        """What it starts."""
        return job_label(schedule.func, schedule.args)

    @display(description=gettext_lazy("how often"))
    def often(self, schedule: Schedule) -> str:
        """The rhythm, in words."""
        return how_often(schedule)

    @display(description=gettext_lazy("next run"))
    def next_run_in(self, schedule: Schedule) -> SafeString | str:
        """When it runs next."""
        return words.upcoming(schedule.next_run)

    def called(self, row: Schedule) -> str:
        """Return what it starts."""
        return self.job(row)

    def sections(self, request: HttpRequest, record: Schedule) -> list[Section]:
        """Return what it starts and when, then what the workers read."""
        return [
            facts(_("Job"), [
                (_("job"), self.job(record)), (_("how often"), self.often(record)),
                (_("next run"), words.moment(record.next_run)),
            ]),
            _as_written(record.name, record.func, record.args),
        ]  # fmt: skip


class TaskAdmin(RecordAdmin):
    """What the workers did."""

    list_display = ("job", "started_at", "took", "outcome")
    list_display_links = ("job",)
    search_fields = ("name", "func")
    ordering = ("-started",)
    sortable_by = ()

    @display(description=gettext_lazy("job"))
    def job(self, task: Any) -> str:
        """What was done."""
        return job_label(task.func, task.args)

    @display(description=gettext_lazy("started"))
    def started_at(self, task: Any) -> SafeString | str:
        """When it began."""
        return words.moment(task.started)

    @display(description=gettext_lazy("duration"))
    def took(self, task: Any) -> str:
        """How long it took."""
        seconds = (task.stopped - task.started).total_seconds()
        return words.span(task.stopped - task.started) if seconds >= 1 else f"{seconds * 1000:.0f} ms"

    @display(description=gettext_lazy("result"))
    def outcome(self, task: Any) -> str:
        """The last line of what came back: of a failure, the error."""
        lines = result_in_words(task.result).strip().splitlines()
        return words.shortened(lines[-1], 100) if lines else words.EMPTY

    def called(self, row: Any) -> str:
        """Return what was done."""
        return self.job(row)

    def sections(self, request: HttpRequest, record: Any) -> list[Section]:
        """Return what was done, how it ended, then what the workers were given."""
        return [
            facts(_("Job"), [
                (_("job"), self.job(record)), (_("started"), self.started_at(record)),
                (_("duration"), self.took(record)), (_("attempts"), record.attempt_count),
            ]),
            facts(_("Result"), [(_("result"), words.document(result_in_words(record.result)))]),
            _as_written(record.name, record.func, record.args),
        ]  # fmt: skip


@admin.register(Success)
class SuccessAdmin(TaskAdmin):
    """Jobs that ended well."""

    def get_queryset(self, request: HttpRequest) -> Any:
        """Only successes."""
        return super().get_queryset(request).filter(success=True)


@admin.register(Failure)
class FailureAdmin(TaskAdmin):
    """Jobs that broke."""

    def get_queryset(self, request: HttpRequest) -> Any:
        """Only failures."""
        return super().get_queryset(request).filter(success=False)


@admin.register(OrmQ)
class QueueAdmin(ReadOnlyAdmin):
    """Jobs that wait for a worker, or that one has taken and not finished."""

    list_display = ("job", "standing")
    fields: ClassVar[Any] = ("job", "standing", "name", "func", "args")
    sortable_by = ()

    @display(description=gettext_lazy("job"))
    def job(self, queued: OrmQ) -> str:
        """What is to be done."""
        return job_label(queued.func(), queued.args())

    @display(description=gettext_lazy("state"))
    def standing(self, queued: OrmQ) -> str:
        """Whether a worker has it."""
        taken = queued.lock is not None and queued.lock > timezone.now()  # a job is locked until it would be repeated
        return _("taken by a worker") if taken else _("waits for a worker")


def _as_written(name: Any, func: Any, args: Any) -> Section:
    return facts(_("As the workers read it"), [(_("name"), name), (_("function"), func), (_("arguments"), str(args))])
