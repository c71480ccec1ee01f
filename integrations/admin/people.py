"""Groups and permissions in plain words: Django keeps their names in English, whoever reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..sentences import titled
from .base import DropdownFilter

# The roles that the program makes (config/roles.py), and what each is for. Other groups are shown by their own name.
ROLE_WORDS: Final[dict[str, tuple[str | Promise, str | Promise]]] = {
    "viewer": (gettext_lazy("Viewer"), gettext_lazy("Looks at everything but personal data, and comments on orders.")),
    "operator": (
        gettext_lazy("Operator"), gettext_lazy("Works orders one by one and keeps the mappings; sees personal data."),
    ),
    "lead": (
        gettext_lazy("Lead"), gettext_lazy("Acts on many rows, cancels, keeps the policies, runs and stops flows."),
    ),
    "administrator": (
        gettext_lazy("Administrator"), gettext_lazy("Keeps the people, the alerts and the access to the vendors."),
    ),
}  # fmt: skip
ABILITIES: Final[dict[str, str | Promise]] = {
    "view": gettext_lazy("view"), "add": gettext_lazy("add"), "change": gettext_lazy("change"),
    "delete": gettext_lazy("delete"),
}  # fmt: skip


def group_label(group: Any) -> str:
    """Return a group's name in the reader's language; a group of the customer's own by its name."""
    name = str(group)
    return str(ROLE_WORDS[name][0]) if name in ROLE_WORDS else name


def permission_label(permission: Permission) -> str:
    """Return what a permission allows, with what it is about: "Orders: view"."""
    return titled(subject_of(permission), ability_of(permission))


def subject_of(permission: Permission) -> str:
    """Return the rows that a permission is about; a model that is gone by its old name."""
    model = permission.content_type.model_class()
    return capfirst(str(model._meta.verbose_name_plural if model else permission.content_type.model))


def ability_of(permission: Permission) -> str:
    """Return what may be done: view, add, change or delete, or what the model's own permission says."""
    model = permission.content_type.model_class()
    own = dict(model._meta.permissions) if model else {}
    if permission.codename in own:
        text = str(own[permission.codename]).removeprefix("Can ")  # the table says "may" above it
        return text[:1].lower() + text[1:]
    ability, _underscore, _name = permission.codename.partition("_")
    return str(ABILITIES.get(ability, permission.name))


def abilities(permissions: Iterable[Permission]) -> list[tuple[str, str]]:
    """Return what may be done with what: first where it is more than looking; what no page shows is left out."""
    found: dict[str, list[str]] = {}
    for permission in permissions:
        model = permission.content_type.model_class()
        own = bool(model) and permission.codename in dict(model._meta.permissions)  # type: ignore[union-attr]
        if own or model in admin.site._registry:
            found.setdefault(subject_of(permission), []).append(ability_of(permission))
    order = [str(word) for word in ABILITIES.values()]
    return [
        (subject, _(", ").join(sorted(words, key=lambda word: (order.index(word) if word in order else 9, word))))
        for subject, words in sorted(found.items(), key=lambda row: (row[1] == order[:1], row[0]))
    ]


def say_in_words(field: Any) -> Any:
    """Let a form's field offer groups or permissions in words; returns it."""
    if field is not None and field.queryset.model is Group:
        field.label_from_instance = group_label
    elif field is not None and field.queryset.model is Permission:
        field.queryset = field.queryset.filter(_that_open_something())
        field.label_from_instance = permission_label
    return field


def _that_open_something() -> Q:
    """Permissions of models with a page or with permissions of their own: others (kept versions, links) do nothing."""
    found = Q()
    for config in apps.get_app_configs():
        models = [model for model in config.get_models() if model in admin.site._registry or model._meta.permissions]
        if models:
            names = [model._meta.model_name for model in models]
            found |= Q(content_type__app_label=config.label, content_type__model__in=names)
    return found


class GroupFilter(DropdownFilter):
    """Rows of one group, named in words. ``column`` is the relation."""

    title = gettext_lazy("role")
    parameter_name = "group"
    column = "group"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the groups."""
        return [(str(group.pk), group_label(group)) for group in Group.objects.order_by("pk")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list."""
        value = self.value()
        return queryset.filter(**{self.column: value}) if value and value.isdigit() else queryset


class MembersFilter(GroupFilter):
    column = "groups"
