"""Pages that show one record: a list of sections, each a title and a small template.

A new section is a new ``Section`` in ``sections()``; a new look is a new template under
``templates/admin/record/``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import get_script_prefix, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString

from .base import ReadOnlyAdmin
from .words import EMPTY, document

Text = str | Promise


@dataclass(slots=True)
class Section:
    """One part of a record's page. ``wide`` sections take the page's width, others half of it."""

    title: Text
    template: str
    content: Any
    wide: bool = True
    collapsed: bool = False
    note: Text = ""
    tools: list[SafeString] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """Headers and rows of cells; ``empty`` is what stands there without rows."""

    headers: Sequence[Text]
    rows: Sequence[Sequence[Any]]
    empty: Text = ""


def facts(title: Text, pairs: Iterable[tuple[Text, Any]], *, wide: bool = False) -> Section:
    """Return a section of names and values; empty values are left out."""
    shown = [(name, value) for name, value in pairs if value not in (None, "", EMPTY)]
    return Section(title, "admin/record/facts.html", shown, wide=wide)


def table(title: Text, headers: Sequence[Text], rows: Sequence[Sequence[Any]], empty: Text = "") -> Section:
    """Return a section with a table."""
    return Section(title, "admin/record/table.html", Table(headers, rows, empty))


def raw(title: Text, value: Any, *, collapsed: bool = True) -> Section:
    """Return a section with a JSON document, closed unless asked otherwise."""
    return Section(title, "admin/record/raw.html", document(value), collapsed=collapsed)


def title_of(record: Any) -> Any:
    """Return what pages call a record: its own ``page_title`` in the reader's language and time zone, else itself.

    ``str(record)`` is what logs keep: in English, with UTC.
    """
    return getattr(record, "page_title", record)


def link_to(record: Model | None, text: Any = None) -> SafeString | str:
    """Return a link to a record's page."""
    if record is None:
        return EMPTY
    return format_html('<a class="ob-link" href="{}">{}</a>', address_of(record), text or title_of(record))


def address_of(record: Model) -> str:
    """Return the address of a record's page."""
    return reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_change", args=[record.pk])


def list_address(model: type[Model], **filters: Any) -> str:
    """Return the address of a model's list, filtered."""
    address = _list_address(model, get_script_prefix())
    return f"{address}?{urlencode(filters, doseq=True)}" if filters else address


@cache
def _list_address(model: type[Model], _prefix: str) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def action_button(
    request: HttpRequest, record: Model, action_name: str, text: Text, *, look: str = "plain", **extra: str
) -> SafeString:
    """Return a button that runs an action of the record's list for this one record and comes back here."""
    context = {
        "address": list_address(type(record)), "action": action_name, "record_id": record.pk, "text": text,
        "look": look, "next": request.get_full_path(), "extra": extra,
    }  # fmt: skip
    return render_to_string("admin/record/action_button.html", context, request=request)


class RecordAdmin(ReadOnlyAdmin):
    """A read-only model whose page is made of sections."""

    change_form_template = "admin/record/page.html"
    fields: ClassVar[tuple[str, ...]] = ()

    def sections(self, request: HttpRequest, record: Any) -> list[Section]:
        """Return the page's sections from top to bottom; each model adds its own."""
        return []

    def buttons(self, request: HttpRequest, record: Any) -> list[SafeString]:
        """Return the buttons at the top of the page; asked only for people who may operate."""
        return []

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add the sections to the page."""
        record = kwargs.get("obj") or context.get("original")
        context["sections"] = self.sections(request, record)
        context["buttons"] = self.buttons(request, record) if self.has_operate_permission(request, record) else []
        context["show_history"] = False
        return super().render_change_form(request, context, *args, **kwargs)
