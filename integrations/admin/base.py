"""The base of every admin page, and the only file that knows the theme (django-unfold).

Everything else imports from here, so that moving to another release or theme is one file.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_permission_codename
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from unfold.admin import checkbox
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.templatetags import unfold_list
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget as CheckboxesWidget
from unfold.widgets import UnfoldAdminSelectWidget as SelectWidget
from unfold.widgets import UnfoldAdminTextareaWidget as TextareaWidget
from unfold.widgets import UnfoldAdminTextInputWidget as TextInputWidget

from ..sentences import packed
from .history_words import logged_change
from .paging import LargeTablePaginator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.contrib.admin.views.main import ChangeList as ThemedChangeList

    class ThemedAdmin(admin.ModelAdmin[Any]):
        """What the theme's ModelAdmin is to the type checker."""

        list_filter_submit: bool
        list_filter_sheet: bool
        list_fullwidth: bool
        compressed_fields: bool
        warn_unsaved_form: bool

    class TextFilter(admin.SimpleListFilter):
        """What the theme's text filter is to the type checker."""

    class DropdownFilter(admin.SimpleListFilter):
        """What the theme's filter with one choice is to the type checker."""

    class CheckboxFilter(admin.SimpleListFilter):
        """What the theme's filter with several choices is to the type checker."""

    Method = TypeVar("Method", bound=Callable[..., Any])

    def display(*, description: Any, boolean: bool = False, ordering: str = "") -> Callable[[Method], Method]: ...

    def action(*, description: Any, permissions: Sequence[str] = ()) -> Callable[[Method], Method]: ...

else:
    from unfold.admin import ModelAdmin as ThemedAdmin
    from unfold.contrib.filters.admin import CheckboxFilter, DropdownFilter, TextFilter
    from unfold.decorators import action, display
    from unfold.views import ChangeList as ThemedChangeList

__all__ = [
    "Admin",
    "CheckboxFilter",
    "CheckboxesWidget",
    "ChoicesCheckboxFilter",
    "DropdownFilter",
    "ReadOnlyAdmin",
    "SelectWidget",
    "TextFilter",
    "TextInputWidget",
    "TextareaWidget",
    "ThemedAdmin",
    "action",
    "display",
]


# Stands for a row's key in the checkbox that is rendered once; no key contains it.
ROW = "row-key-goes-here"


@lru_cache(maxsize=8)
def _checkbox(_language: str | None) -> str:
    return str(checkbox.render(ACTION_CHECKBOX_NAME, ROW))


_headers = unfold_list.result_headers


def headers_once(rows: Any) -> list[dict[str, Any]]:
    """Return the headers of a list, made once: the theme makes them anew for each row (a seventh of a page's time)."""
    if not hasattr(rows, "_headers_made"):
        rows._headers_made = list(_headers(rows))
    made: list[dict[str, Any]] = rows._headers_made
    return made


def with_kept_filters(context: dict[str, Any], address: str) -> str:
    """Return the address of a row's page with the list's filters, to which its form comes back.

    Django's own resolves every address again to see that it is no list (a seventh of a filtered page's time).
    """
    kept = context["preserved_filters"]
    return f"{address}?{kept}" if kept else address


unfold_list.result_headers = headers_once
unfold_list.add_preserved_filters = with_kept_filters


class PreparedChangeList(ThemedChangeList):
    """A list that lets its admin read what the rows of the page need, at once for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, then hand its rows to ``prepare_page``."""
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count  # else the head offers "Show all" of what is shown already
        prepare = getattr(self.model_admin, "prepare_page", None)
        if prepare is not None:
            prepare(request, list(self.result_list))


class ListForm(forms.ModelForm):  # type: ignore[type-arg]
    """A row that is edited in the list: the column's head does not name its fields to a screen reader, this does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.setdefault("aria-label", f"{field.label}: {self.instance}")


class Admin(ThemedAdmin):
    """A model on the chosen theme: lists without counting the table, filters that are applied together."""

    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # counting every choice of every filter reads the whole table
    paginator = LargeTablePaginator
    list_filter_submit = True
    list_fullwidth = True
    compressed_fields = True
    warn_unsaved_form = True

    @display(description=ThemedAdmin.action_checkbox.short_description)  # type: ignore[attr-defined]
    def action_checkbox(self, obj: Model) -> SafeString:
        """The row's checkbox, the theme's own: rendered once in each language, for it is a template of its own."""
        return SafeString(_checkbox(get_language()).replace(ROW, escape(str(obj.pk))))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Any]:
        """Return the list that calls ``prepare_page``."""
        return PreparedChangeList

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Name each field that is edited in the list."""
        return super().get_changelist_form(request, form=ListForm, **kwargs)

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Read what can be chosen once for all rows of the list, not once for each."""
        formset = super().get_changelist_formset(request, **kwargs)
        for field in formset.form.base_fields.values():
            if isinstance(field, forms.ModelChoiceField):
                field.choices = list(field.iterator(field))
        return formset

    def has_operate_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the user may use this model's actions: whoever has the right to change it."""
        codename = get_permission_codename("change", self.opts)
        return bool(request.user.has_perm(f"{self.opts.app_label}.{codename}"))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return a row, named as all its pages (its own, its history, its deletion) call it."""
        row = super().get_object(request, object_id, from_field)
        if row is not None and (name := self.called(row)):
            row.page_title = name
        return row

    def called(self, row: Any) -> str:
        """Return what pages call a row that cannot say it itself; "" leaves it to the row."""
        return ""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The browser's tab calls the row as the page does, once."""
        row = kwargs.get("obj") or context.get("original")
        name = str(getattr(row, "page_title", row or ""))
        context["subtitle"] = "" if name == str(context["title"]) else name
        return super().render_change_form(request, context, *args, **kwargs)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Keep a change in the audit trail; a sentence of ours with what it was made of."""
        return super().log_change(request, obj, packed(message) if isinstance(message, str) else message)

    def get_paginator(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        """Page through a list; a row's history begins with what was done last (Django's with the first)."""
        if queryset.model is LogEntry and self.model is not LogEntry:
            queryset = queryset.order_by("-action_time", "-pk")
        return super().get_paginator(request, queryset, *args, **kwargs)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the changes of a row, newest first, our sentences in the reader's language."""
        answer = super().history_view(request, object_id, {"title": _("History"), **(extra_context or {})})
        context = getattr(answer, "context_data", None) or {}
        for entry in context.get("action_list", ()):
            entry.change_message = logged_change(entry)
        return answer


class ReadOnlyAdmin(Admin):
    """A model that the machine writes: people look at it, and act on it through actions only.

    Nobody may "change" a row through its form (a form that is saved would write old values over what
    the machine wrote meanwhile); the right to change it is the right to use the actions.

    keeps_history: what people do with a row stands in its history; else there is none, and no button to it.
    """

    keeps_history = False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Offer the history only where there is one."""
        context["show_history"] = self.keeps_history
        return super().render_change_form(request, context, *args, **kwargs)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody adds rows by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody edits rows by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes rows by hand."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever may view or operate may look."""
        codename = get_permission_codename("view", self.opts)
        may_view = request.user.has_perm(f"{self.opts.app_label}.{codename}")
        return bool(may_view) or self.has_operate_permission(request, obj)


def chunks(queryset: QuerySet[Any], size: int = 500) -> list[list[int]]:
    """Return the primary keys of a selection in lists of at most ``size``."""
    ids = list(queryset.order_by().values_list("pk", flat=True))
    return [ids[start : start + size] for start in range(0, len(ids), size)]
