"""Who may do what, asked of every address that the program has: strangers nothing, each role what its rights say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from config.roles import ROLES
from orders.models import Order

pytestmark = pytest.mark.django_db

# What everybody may ask for without a log-in, and why.
OPEN = {
    "": "leads to the admin",
    "admin/login/": "the log-in itself",
    "admin/logout/": "says good-bye to anybody",
    "admin/jsi18n/": "words of Django's scripts",
    "i18n/setlang/": "the language of the log-in page",
    "healthz": "tells that the process lives",
    "readyz": "tells what is overdue, in words without data",
    "metrics": "asks for METRICS_TOKEN itself",
}
# What every member of the staff may open, whatever his rights: nothing of it shows or does anything of the business.
EVERYBODYS = {
    "admin/", "admin/login/", "admin/logout/", "admin/password_change/", "admin/password_change/done/",
    "admin/jsi18n/", "admin/preferences/", "admin/second-factor/", "admin/words/", "admin/search/",
}  # fmt: skip
FILLED = {"object_id": "1", "url": "anything", "content_type_id": "1", "app_label": "orders", "kind": "x"}


def addresses(patterns: Any = None, before: str = "") -> Iterator[str]:
    """Every address of the program, with something in its places."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            for name, converter in pattern.pattern.converters.items():
                place = type(converter).__name__.removesuffix("Converter").lower()
                value = FILLED.get(name, "1")
                written = [f"<{name}>", f"<{place}:{name}>", f"<str:{name}>", f"<path:{name}>", f"<int:{name}>"]
                for each in written:
                    route = route.replace(each, value)
            route = route.replace("([^/]+)", "1")  # simple-history writes its addresses so
            if "(?P" not in route and "<" not in route:
                yield route.replace("\\.", ".")


def everything() -> list[str]:
    found = sorted(set(addresses()))
    assert len(found) > 150
    return found


def test_a_stranger_gets_nothing_but_the_log_in() -> None:
    told = {}
    for address in everything():
        if address in OPEN:
            continue
        for method in ("get", "post"):
            answer = getattr(Client(), method)(f"/{address}")
            turned_away = answer.status_code in (401, 403, 404, 405) or (
                answer.status_code == 302 and answer["Location"].startswith("/admin/login/")
            )
            if not turned_away:
                told[f"{method} /{address}"] = answer.status_code
    # The description of the API and its kinds of problems hold no data; the page asks for a token.
    assert {address for address in told if not address.split()[1].startswith("/api/")} == set()


def test_a_stranger_cannot_tell_which_records_and_pages_exist() -> None:
    order = Order.objects.create(dsco_order_id="1", first_seen_at=timezone.now(), read_at=timezone.now())
    known = Client().get(reverse("admin:orders_order_change", args=[order.pk]))
    unknown = Client().get(reverse("admin:orders_order_change", args=[order.pk + 999]))
    no_page = Client().get("/admin/no/such/page/")
    assert known.status_code == unknown.status_code == no_page.status_code == 302
    assert all(answer["Location"].startswith("/admin/login/") for answer in (known, unknown, no_page))


@pytest.mark.any_database
def test_a_member_of_the_staff_without_rights_reaches_nothing_of_the_business() -> None:
    client = Client()
    client.force_login(User.objects.create_user("new", is_staff=True))
    reached = []
    for address in everything():
        if not address.startswith("admin/") or address in EVERYBODYS:
            continue
        for method in ("get", "post"):
            answer = getattr(client, method)(f"/{address}", follow=False)
            # Unknown ids lead back to the start page, short addresses to the long ones; nothing else may answer.
            away = answer.status_code in (403, 404, 405) or (
                answer.status_code in (301, 302)
                and answer["Location"] in ("/admin/", f"/{address}/", f"/{address}change/")
            )
            if not away:
                reached.append(f"{method} /{address}: {answer.status_code} {answer.get('Location', '')}")
    assert "\n".join(reached) == ""
    assert b"/admin/orders" not in client.get("/admin/search/?s=order").content


def test_who_is_not_of_the_staff_gets_no_further_than_the_log_in() -> None:
    client = Client()
    client.force_login(User.objects.create_user("customer"))
    for address in ("/admin/", "/admin/orders/order/", "/admin/words/", "/admin/preferences/"):
        assert client.get(address).status_code == 302


@pytest.mark.any_database
@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_adds_changes_and_deletes_what_its_rights_say_and_nothing_else(role: str) -> None:
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    wrong = []
    for model, model_admin in admin.site._registry.items():
        label, name = model._meta.app_label, model._meta.model_name
        rights = {verb: user.has_perm(f"{label}.{verb}_{name}") for verb in ("view", "add", "change", "delete")}
        sees = client.get(reverse(f"admin:{label}_{name}_changelist")).status_code == 200
        if sees and not (rights["view"] or rights["change"]):
            wrong.append(f"{label}.{name}: sees the list")
        adds = client.get(reverse(f"admin:{label}_{name}_add")).status_code == 200
        if adds and not rights["add"]:
            wrong.append(f"{label}.{name}: adds")
        row = model._default_manager.first()
        if row is None:
            continue
        for verb in ("change", "delete"):
            answer = client.post(reverse(f"admin:{label}_{name}_{verb}", args=[row.pk]), {"post": "yes"})
            if answer.status_code != 403 and not rights[verb]:
                wrong.append(f"{label}.{name}: {verb} answers {answer.status_code}")
        assert model_admin.has_module_permission is not None
    assert wrong == []


def test_nobody_but_a_superuser_makes_superusers_or_touches_one() -> None:
    boss = User.objects.create_superuser("boss", password="a-good-password")
    user = User.objects.create_user("adam", is_staff=True)
    user.groups.add(Group.objects.get(name="administrator"))
    client = Client()
    client.force_login(user)
    own = reverse("admin:auth_user_change", args=[user.pk])
    client.post(own, {"username": "adam", "is_staff": "on", "is_active": "on", "is_superuser": "on"})
    user.refresh_from_db()
    assert not user.is_superuser
    assert client.post(reverse("admin:auth_user_password_change", args=[boss.pk]), {}).status_code == 403
    client.post(
        reverse("admin:auth_user_changelist"),
        {"action": "delete_selected", "_selected_action": [boss.pk], "post": "yes"},
    )
    assert User.objects.filter(pk=boss.pk).exists()
