"""The history of a mapping or policy in words: fields as the form calls them, values as it shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from ..sentences import listed
from .words import EMPTY

if TYPE_CHECKING:

    class HistoricalRecordContextHelper:
        """What simple-history's class is to the type checker."""

        model: Any

        def __init__(self, model: Any, historical_record: Any) -> None: ...
else:
    from simple_history.template_utils import HistoricalRecordContextHelper


def value_in_words(field: Any, value: Any) -> str:
    """Return a field's value for people: yes or no, a choice by its label, a list on one line."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return listed(value) or EMPTY
    if value is None or value == "":
        return EMPTY
    return str(dict(field.flatchoices or ()).get(value, value))


class ChangesInWords(HistoricalRecordContextHelper):
    """What a list of the history says of a change, in the words of the admin's own form."""

    def __init__(self, own: Any, record: Any) -> None:
        super().__init__(own.model, record)
        self.own = own

    def format_delta_change(self, change: Any) -> Any:
        """Return the change with its field and both values in words."""
        field = self.model._meta.get_field(change.field)
        old, new = (self.own.value_in_words(field, value) for value in (change.old, change.new))
        return replace(
            change, field=capfirst(str(self.own.meanings.get(field.name, field.verbose_name))), old=old, new=new
        )
