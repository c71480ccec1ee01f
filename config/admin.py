"""The admin of other packages' models, put on our theme: users and groups."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from integrations.admin import words
from integrations.admin.base import Admin, CheckboxesWidget, display
from integrations.admin.people import ROLE_WORDS, MembersFilter, abilities, group_label, say_in_words
from integrations.sentences import listed

from . import failed_logins_admin, jobs_admin  # noqa: F401 - registers its pages
from .roles import ROLES
from .second_factor import with_second_factor

admin.site.index_title = _("Overview")
for _model in (User, Group):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, Admin):  # type: ignore[type-arg]
    """Staff accounts."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "roles", "is_active", "is_superuser", "second_factor", "last_login")
    list_filter: ClassVar[Any] = (MembersFilter, "is_active", "is_superuser")
    actions = (failed_logins_admin.drop_second_factor,)
    filter_horizontal = ()  # Django's two lists with arrows are half in English, and hard to use by keyboard

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the groups, which the list names, and whether each has a second factor."""
        return with_second_factor(super().get_queryset(request)).prefetch_related("groups")

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        """Offer groups and permissions in words, each with a box to tick."""
        kwargs["widget"] = CheckboxesWidget
        return say_in_words(super().formfield_for_manytomany(db_field, request, **kwargs))

    @display(description=_("role"))
    def roles(self, user: User) -> str:
        """The groups that the person belongs to."""
        return listed(group_label(group) for group in user.groups.all()) or words.EMPTY

    @display(description=_("second factor"), boolean=True)
    def second_factor(self, user: Any) -> bool:
        """Whether a code is asked for after the password."""
        return bool(user.has_second_factor)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Only superusers make superusers, and give rights beside the roles: nobody can promote himself."""
        fixed = (*super().get_readonly_fields(request, obj), "last_login", "date_joined")
        return fixed if request.user.is_superuser else (*fixed, "is_superuser", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody but a superuser changes a superuser (or sets his password)."""
        return super().has_change_permission(request, obj) and _not_above(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody but a superuser deletes a superuser."""
        return super().has_delete_permission(request, obj) and _not_above(request, obj)


def _not_above(request: HttpRequest, user: Any) -> bool:
    return bool(user is None or request.user.is_superuser or not user.is_superuser)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, Admin):
    """Roles. The program's own four are set to the table of ``roles.py`` after every update."""

    def get_queryset(self, request: HttpRequest) -> Any:
        """Without the permissions: the role's page reads them."""
        return super(DjangoGroupAdmin, self).get_queryset(request)

    list_display = ("role", "purpose")
    list_display_links = ("role",)
    filter_horizontal = ()
    ordering = ("pk",)
    sortable_by = ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The four roles keep their names and permissions; only superusers give permissions to other groups."""
        if obj is not None and obj.name in ROLES:
            return ("role", "purpose", "may")
        return ("name", "permissions") if request.user.is_superuser else ("name", "may")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What is said in words is not edited."""
        return ("role", "purpose", "may")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Offer to save only what can be edited."""
        group = kwargs.get("obj")
        if group is not None and group.name in ROLES:
            context |= {"show_save": False, "show_save_and_continue": False, "show_save_and_add_another": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def called(self, row: Group) -> str:
        """Return the name, of the program's own roles in the reader's language."""
        return group_label(row)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        """Offer permissions in words, each with a box to tick."""
        kwargs["widget"] = CheckboxesWidget
        return say_in_words(super().formfield_for_manytomany(db_field, request, **kwargs))

    @display(description=_("role"))
    def role(self, group: Group) -> str:
        """The name in the reader's language."""
        return group_label(group)

    @display(description=_("what it is for"))
    def purpose(self, group: Group) -> Any:
        """What the program's own roles are for."""
        return ROLE_WORDS[group.name][1] if group.name in ROLE_WORDS else words.EMPTY

    @display(description=_("may"))
    def may(self, group: Group) -> SafeString | str:
        """What its members may do, a line for each kind of rows."""
        if group.pk is None:
            return words.EMPTY
        rows = abilities(group.permissions.select_related("content_type"))
        cells = format_html_join("", "<tr><th scope='row'>{}</th><td>{}</td></tr>", rows)
        return format_html('<table class="ob-table">{}</table>', cells) if rows else words.EMPTY

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The four roles stay."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.name not in ROLES)
