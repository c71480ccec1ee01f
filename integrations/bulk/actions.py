"""What a bulk action must tell, and the register of all of them. The actions on orders are registered by orders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q, QuerySet
from django.utils.functional import Promise

from ..models import BulkResult

# Acting on many rows is a right of its own, beside the right to the action.
BULK_PERMISSION = "orders.bulk_action"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Rows that match ``condition`` are left out, for the reason that ``text`` gives to staff."""

    condition: Q
    text: str | Promise


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row, with a sentence where there is something to say."""

    result: BulkResult
    message: str = ""


class BulkAction(ABC):
    """One action that staff may do with many rows at once.

    ``asks`` names what must be given with it (``reason``, ``cancel_code``). ``atomic`` actions are carried out in
    the transaction that keeps their results, so that a worker that dies has done all of a chunk or nothing;
    others (which talk to a vendor) must be harmless when they are repeated.
    """

    name: ClassVar[str]
    label: ClassVar[str | Promise]
    advice: ClassVar[str | Promise]
    permission: ClassVar[str]
    asks: ClassVar[tuple[str, ...]] = ()
    atomic: ClassVar[bool] = True
    chunk: ClassVar[int] = 200

    @abstractmethod
    def handles(self, subject: str) -> bool:
        """Return whether the action is for rows of this kind (``order`` or a kind of delivery)."""

    @abstractmethod
    def rows(self, subject: str) -> QuerySet[Any]:
        """Return all rows of the subject."""

    @abstractmethod
    def label_column(self, subject: str) -> str:
        """Return the column by which staff know a row."""

    @abstractmethod
    def obstacles(self, subject: str) -> Sequence[Obstacle]:
        """Return what keeps a row from being acted on; the first that matches is told."""

    @abstractmethod
    def group_columns(self, subject: str) -> tuple[str, str]:
        """Return the state column, and the column with the code of its cause ("" for none), for the preview."""

    @abstractmethod
    def perform(self, subject: str, ids: Sequence[int], parameters: dict[str, Any], actor: str) -> dict[int, RowResult]:
        """Act on rows (primary keys), as they are now; a row that is missing in the answer no longer exists."""

    def finished(self, subject: str) -> None:
        """Do what follows when all rows of a run are done; nothing, for most."""
        return


_actions: dict[str, BulkAction] = {}


def register_bulk_action(action: BulkAction) -> BulkAction:
    """Announce an action under its name. Raises ValueError when another one has it."""
    if action.name in _actions and type(_actions[action.name]) is not type(action):
        raise ValueError(f"There are two bulk actions named {action.name!r}.")
    _actions[action.name] = action
    return action


def bulk_action(name: str) -> BulkAction:
    """Return the action of that name. Raises KeyError."""
    return _actions[name]


def bulk_actions_for(subject: str) -> list[BulkAction]:
    """Return the actions for rows of this kind."""
    return [action for action in _actions.values() if action.handles(subject)]


def may_run(user: AbstractBaseUser | AnonymousUser, action: BulkAction) -> bool:
    """Return whether the user may do this with many rows at once."""
    has_perm = getattr(user, "has_perm", None)
    return bool(has_perm and has_perm(BULK_PERMISSION) and has_perm(action.permission))
