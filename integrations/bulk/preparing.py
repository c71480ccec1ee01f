"""Before a bulk run: what would happen, and the rows frozen by the database itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connections, transaction
from django.db.models import Case, CharField, Count, F, QuerySet, Value, When
from django.utils.translation import get_language

from ..models import BulkResult, BulkRow, BulkRun
from ..sentences import gettext as _
from ..sentences import packed, unpacked
from .actions import BulkAction, bulk_action, may_run

MOST_GROUPS = 30
# Constants stand outside of the inner query, so that the database need not guess their types.
FREEZE = """
    WITH chosen (id, label, obstacle) AS ({chosen})
    INSERT INTO integrations_bulkrow (run_id, object_id, label, result, message)
    SELECT %s, id, label, CASE WHEN obstacle = '' THEN %s ELSE %s END, obstacle FROM chosen ORDER BY id
"""


@dataclass(slots=True)
class Group:
    """Rows in the same state for the same cause; ``obstacle`` says why they are left out, else it is empty."""

    state: str
    code: str
    obstacle: str
    number: int


@dataclass(slots=True)
class Preview:
    """What a bulk run would act on and what it would leave out, biggest groups first."""

    total: int = 0
    acted_on: list[Group] = field(default_factory=list)
    left_out: list[Group] = field(default_factory=list)

    @property
    def number(self) -> int:
        """How many rows would be acted on."""
        return sum(group.number for group in self.acted_on)


def preview(action: BulkAction, subject: str, queryset: QuerySet[Any], user: Any) -> Preview:
    """Count what the action would do with these rows: one query. Without the right to it, all are left out."""
    state, code = action.group_columns(subject)
    rows = queryset.order_by().select_related(None).annotate(
        obstacle=_obstacle(action, subject), group_state=F(state), group_code=F(code) if code else Value("")
    )  # fmt: skip
    counted = rows.values_list("group_state", "group_code", "obstacle").annotate(number=Count("pk"))
    result = Preview()
    allowed = may_run(user, action)
    for state_value, code_value, obstacle, number in counted.order_by("-number")[:MOST_GROUPS]:
        why = unpacked(obstacle) if allowed else _("you have no permission for this")
        group = Group(str(state_value), str(code_value or ""), why, number)
        (result.left_out if why else result.acted_on).append(group)
    shown = sum(group.number for group in (*result.acted_on, *result.left_out))
    if len(result.acted_on) + len(result.left_out) == MOST_GROUPS:
        _add_the_rest(result, rows, allowed, shown)
    result.total = sum(group.number for group in (*result.acted_on, *result.left_out))
    return result


def _add_the_rest(result: Preview, rows: QuerySet[Any], allowed: bool, shown: int) -> None:
    """Many small causes: what is beyond the biggest is one group for each obstacle."""
    known = Counter({"": sum(group.number for group in result.acted_on)})
    known.update({group.obstacle: 0 for group in result.left_out})
    for group in result.left_out:
        known[group.obstacle] += group.number
    for obstacle, number in rows.values_list("obstacle").annotate(number=Count("pk")).order_by():
        why = unpacked(obstacle) if allowed else _("you have no permission for this")
        if number > known[why]:
            (result.left_out if why else result.acted_on).append(Group("", "", why, number - known[why]))


def prepare(
    action: str | BulkAction, subject: str, queryset: QuerySet[Any], parameters: dict[str, Any], actor: Any,
    origin: str = "",
) -> BulkRun:  # fmt: skip
    """Freeze the rows of a bulk run, those that will be left out with their reason. One INSERT, whatever the number.

    subject: ``order`` or a kind of delivery; parameters: what the action asks for; actor: the user; origin: the
    selection in words. Raises PermissionDenied, KeyError (unknown action) or ValueError (a parameter is missing).
    """
    chosen = action if isinstance(action, BulkAction) else bulk_action(action)
    if not may_run(actor, chosen):
        raise PermissionDenied(_("You may not do this with many rows at once."))
    if not chosen.handles(subject):
        raise ValueError(f"{chosen.name} is not for {subject}.")
    missing = [name for name in chosen.asks if not str(parameters.get(name, "")).strip()]
    if missing:
        raise ValueError(f"{chosen.name} needs: {', '.join(missing)}.")
    with transaction.atomic():
        run = BulkRun.objects.create(
            action=chosen.name, subject=subject, origin=origin, created_by=actor,
            parameters={**parameters, "language": get_language() or "en"},
        )  # fmt: skip
        _freeze(run, chosen, queryset)
        numbers = dict(BulkRow.objects.filter(run=run).values_list("result").annotate(number=Count("pk")).order_by())
        run.total, run.left_out = sum(numbers.values()), numbers.get(BulkResult.LEFT_OUT, 0)
        run.done = run.left_out
        run.save(update_fields=["total", "left_out", "done"])
    return run


def _obstacle(action: BulkAction, subject: str) -> Case:
    cases = [When(each.condition, then=Value(packed(each.text))) for each in action.obstacles(subject)]
    return Case(*cases, default=Value(""), output_field=CharField())


def _freeze(run: BulkRun, action: BulkAction, queryset: QuerySet[Any]) -> None:
    rows = action.rows(run.subject).filter(pk__in=queryset.order_by().select_related(None).values("pk"))
    label = F(action.label_column(run.subject))
    chosen = rows.order_by().annotate(label=label, obstacle=_obstacle(action, run.subject))
    sql, arguments = chosen.values_list("pk", "label", "obstacle").query.sql_with_params()
    with connections[rows.db].cursor() as cursor:
        cursor.execute(FREEZE.format(chosen=sql), (*arguments, run.pk, BulkResult.OPEN, BulkResult.LEFT_OUT))
