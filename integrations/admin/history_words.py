"""What was changed, in words: fields as the form calls them, values as it shows them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import LogEntry
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from ..sentences import listed, told, unpacked
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


def logged_change(entry: LogEntry) -> str:
    """Return what Django's log of the admin says of a change, in the reader's language.

    It keeps the names of the changed fields in English with a capital, and so finds none that we translate without.
    """
    message = entry.change_message
    if not message.startswith("["):
        return told(unpacked(message))
    try:
        parts = json.loads(message)
    except json.JSONDecodeError:
        return message
    for part in parts:
        for change in part.values():
            if "fields" in change:
                change["fields"] = [listed(_field_in_words(name) for name in change["fields"])]
    return LogEntry(change_message=json.dumps(parts)).get_change_message()


def _field_in_words(name: str) -> str:
    said = _(name)
    return capfirst(_(name[:1].lower() + name[1:])) if said == name else said


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
