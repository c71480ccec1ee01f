"""What a list must tell to be exported, and the register of all such lists."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import Model
from django.utils.functional import Promise

PERSONAL_DATA = "integrations.view_personal_data"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its header, and how its value is taken from a record. ``personal`` ones need a right of their own."""

    header: str | Promise
    value: Callable[[Any], Any]
    personal: bool = False


class Exportable(ABC):
    """A list that staff may export. ``permission`` is what that needs."""

    subject: str
    model: type[Model]
    permission: ClassVar[str] = "orders.export_order"

    @abstractmethod
    def columns(self) -> Sequence[Column]:
        """Return all columns, the personal ones too."""

    @abstractmethod
    def records(self, ids: Sequence[int], personal: bool) -> Sequence[Any]:
        """Return the records of these primary keys in their order, with all that the columns need, in few queries."""


_lists: dict[str, Exportable] = {}


def register_exportable(exported: Exportable) -> None:
    """Announce a list under its subject."""
    _lists[exported.subject] = exported


def exportable(subject: str) -> Exportable | None:
    """Return the list of that subject, or None when it cannot be exported."""
    return _lists.get(subject)
