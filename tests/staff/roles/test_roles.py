"""Who may do what: every permission of ours and every model of the admin is named here."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client

from config.roles import ADMINISTRATOR, LEAD, OPERATOR, ROLES, TABLE, VIEWER, ensure_roles, roles_with

# Every permission that is not Django's own four, and the lowest role that has it.
SPECIAL = {
    "integrations.run_flow": LEAD,
    "integrations.stop_vendor": LEAD,
    "integrations.view_personal_data": OPERATOR,
    "orders.bulk_action": LEAD,
    "orders.cancel_order": LEAD,
    "orders.comment_order": VIEWER,
    "orders.compose_shipment": OPERATOR,
    "orders.export_order": OPERATOR,
    "orders.hold_order": OPERATOR,
    "orders.retry_delivery": OPERATOR,
    "orders.skip_delivery": OPERATOR,
}
# Who may look at what the admin shows, where it is not everybody.
SEEN_FROM = {
    "auth.user": ADMINISTRATOR,
    "auth.group": ADMINISTRATOR,
    "config.failedlogin": ADMINISTRATOR,
    "integrations.export": OPERATOR,
}
# Who may add, change and delete what is edited in a form.
EDITED_FROM = {
    "inventory.skumapping": OPERATOR,
    "inventory.warehousemapping": OPERATOR,
    "orders.store": OPERATOR,
    "orders.storemapping": OPERATOR,
    "orders.shippingmapping": OPERATOR,
    "orders.retailerpolicy": LEAD,
    "integrations.alertrule": ADMINISTRATOR,
    "auth.user": ADMINISTRATOR,
    "auth.group": ADMINISTRATOR,
}
CHANGED_FROM = {
    "integrations.cause": OPERATOR,
    "orders.discrepancy": OPERATOR,
    "integrations.flow": LEAD,
    "integrations.vendortoken": ADMINISTRATOR,
    "integrations.apitoken": ADMINISTRATOR,
    "config.failedlogin": ADMINISTRATOR,
}


def from_role(lowest: str | None) -> tuple[str, ...]:
    return ROLES[ROLES.index(lowest) :] if lowest else ()


def have(codename: str) -> tuple[str, ...]:
    app, _dot, name = codename.partition(".")
    groups = Group.objects.filter(permissions__codename=name, permissions__content_type__app_label=app)
    return tuple(role for role in ROLES if role in set(groups.values_list("name", flat=True)))


def test_every_permission_of_ours_is_given_to_the_roles_named_here(db: None) -> None:
    own = {
        f"{model._meta.app_label}.{codename}"
        for model in apps.get_models()
        if model.__module__.split(".")[0] in ("orders", "inventory", "integrations")
        for codename, _name in model._meta.permissions
    }
    assert own == set(SPECIAL)
    assert {codename: have(codename) for codename in own} == {name: from_role(role) for name, role in SPECIAL.items()}


def test_every_model_of_the_admin_is_seen_and_edited_by_the_roles_named_here(db: None) -> None:
    for model in admin.site._registry:
        label = model._meta.label_lower
        app, name = label.split(".")
        assert have(f"{app}.view_{name}") == from_role(SEEN_FROM.get(label, VIEWER)), label
        edits = from_role(EDITED_FROM.get(label))
        assert have(f"{app}.add_{name}") == edits, label
        assert have(f"{app}.delete_{name}") == edits, label
        assert have(f"{app}.change_{name}") == from_role(EDITED_FROM.get(label) or CHANGED_FROM.get(label)), label


def test_every_entry_of_the_table_names_a_permission_that_exists(db: None) -> None:
    names = {f"{app}.{code}" for app, code in Permission.objects.values_list("content_type__app_label", "codename")}
    for pattern, role in TABLE:
        assert any(role in roles_with(name) for name in names if _matches(name, pattern)), pattern


def _matches(name: str, pattern: str) -> bool:
    from fnmatch import fnmatchcase

    return fnmatchcase(name, pattern)


def test_roles_are_the_same_after_another_migrate_and_follow_the_table(db: None) -> None:
    before = {group.name: group.permissions.count() for group in Group.objects.all()}
    viewer, own = Group.objects.get(name=VIEWER), Group.objects.create(name="night shift")
    stray = Permission.objects.get(codename="cancel_order")
    viewer.permissions.add(stray)
    viewer.permissions.remove(Permission.objects.get(codename="comment_order"))
    own.permissions.add(stray)

    call_command("migrate", verbosity=0)

    assert {group.name: group.permissions.count() for group in Group.objects.filter(name__in=ROLES)} == before
    assert not viewer.permissions.filter(codename="cancel_order").exists()
    assert viewer.permissions.filter(codename="comment_order").exists()
    assert list(own.permissions.all()) == [stray], "groups of the customer's own are left alone"


def test_a_permission_that_comes_later_is_given_out(db: None) -> None:
    Permission.objects.filter(codename="hold_order").delete()
    from django.contrib.auth.management import create_permissions

    config = apps.get_app_config("orders")
    create_permissions(config, verbosity=0)
    ensure_roles(config)
    assert have("orders.hold_order") == from_role(OPERATOR)


def test_a_deleted_role_is_made_again(db: None) -> None:
    Group.objects.get(name=LEAD).delete()
    for label in ("orders", "integrations"):
        ensure_roles(apps.get_app_config(label))
    assert have("orders.cancel_order") == from_role(LEAD)


class TestAdministratorsAreNotSuperusers:
    @pytest.fixture
    def office(self, db: None) -> Client:
        user = User.objects.create_user("office", is_staff=True)
        user.groups.add(Group.objects.get(name=ADMINISTRATOR))
        client = Client()
        client.force_login(user)
        return client

    def test_an_administrator_cannot_make_himself_a_superuser(self, office: Client) -> None:
        me = User.objects.get(username="office")
        page = office.get(f"/admin/auth/user/{me.pk}/change/")
        assert page.status_code == 200
        assert b'name="is_superuser"' not in page.content
        assert b'name="user_permissions"' not in page.content

    def test_when_somebody_logged_in_is_shown_and_not_edited(self, office: Client) -> None:
        me = User.objects.get(username="office")
        page = office.get(f"/admin/auth/user/{me.pk}/change/").content
        assert b"last_login" not in page.replace(b"field-last_login", b"")
        assert b'name="date_joined' not in page

    def test_an_administrator_cannot_change_a_superuser(self, office: Client) -> None:
        boss = User.objects.create_superuser("boss")
        assert b"_save" not in office.get(f"/admin/auth/user/{boss.pk}/change/").content
        assert office.get(f"/admin/auth/user/{boss.pk}/password/").status_code == 403

    def test_the_permissions_of_a_role_are_not_edited(self, office: Client) -> None:
        group = Group.objects.get(name=VIEWER)
        page = office.get(f"/admin/auth/group/{group.pk}/change/")
        assert page.status_code == 200
        assert b'name="permissions"' not in page.content
        assert b'name="_save"' not in page.content
        assert office.get(f"/admin/auth/group/{group.pk}/delete/").status_code == 403


def member(role: str) -> Client:
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


class TestWhatRolesMeetOnThePages:
    @pytest.fixture
    def push(self, db: None) -> Any:
        from orders.models import ErpPush, Order
        from tests.admin.seed import seed

        seed(6)
        assert Order.objects.exists()
        return ErpPush.objects.filter(status="needs_attention").first()

    def retry(self, client: Client, push: Any) -> Any:
        data = {"action": "retry_now", "index": "0", "_selected_action": str(push.pk), "next": "/admin/"}
        client.post("/admin/orders/erppush/", data)
        push.refresh_from_db()
        return push.status

    def test_viewers_see_a_delivery_and_no_button(self, push: Any) -> None:
        page = member(VIEWER).get(f"/admin/orders/erppush/{push.pk}/change/")
        assert page.status_code == 200
        assert "retry_now" not in page.content.decode()

    def test_a_viewers_retry_is_refused_and_an_operators_is_not(self, push: Any) -> None:
        assert self.retry(member(VIEWER), push) == "needs_attention"
        assert self.retry(member(OPERATOR), push) == "due"

    def test_only_leads_and_above_run_flows(self, push: Any) -> None:
        assert "run_now" not in member(OPERATOR).get("/admin/integrations/flow/").content.decode()
        assert "run_now" in member(LEAD).get("/admin/integrations/flow/").content.decode()

    @pytest.mark.any_database
    @pytest.mark.parametrize("role", ROLES)
    def test_every_role_opens_the_start_page_and_every_list_it_may_see(self, role: str, push: Any) -> None:
        client = member(role)
        user = User.objects.get(username=role)
        assert client.get("/admin/").status_code == 200
        for model, model_admin in admin.site._registry.items():
            app, name = model._meta.app_label, model._meta.model_name
            address = f"/admin/{app}/{name}/"
            expected = 200 if user.has_perm(f"{app}.view_{name}") else 403
            assert client.get(address).status_code == expected, (address, model_admin)
