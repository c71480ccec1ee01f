"""Who may do what: four roles as groups, kept by the program.

``TABLE`` is the whole truth: the first entry that matches a permission names the lowest role that has it; the
roles above have it too. What no entry names, only superusers may. After every ``migrate`` the four groups are
set to the table, so a permission that comes with a new release is given out at once. Other combinations:
make a group of your own, the program leaves it alone.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any, Final

from django.apps import AppConfig
from django.apps import apps as global_apps
from django.db.models.signals import post_migrate

VIEWER, OPERATOR, LEAD, ADMINISTRATOR = "viewer", "operator", "lead", "administrator"
ROLES: Final = (VIEWER, OPERATOR, LEAD, ADMINISTRATOR)

TABLE: Final[tuple[tuple[str, str], ...]] = (
    # What names consumers, and files full of orders, are not for everybody to look at.
    ("integrations.view_personal_data", OPERATOR),
    ("integrations.view_export", OPERATOR),
    # Everything else of business and machine is, and everybody may talk about orders.
    ("orders.view_*", VIEWER),
    ("inventory.view_*", VIEWER),
    ("integrations.view_*", VIEWER),
    ("django_q.view_*", VIEWER),
    ("admin.view_logentry", VIEWER),
    ("orders.comment_order", VIEWER),
    # Operators work orders one by one and keep the mappings.
    ("orders.hold_order", OPERATOR),
    ("orders.retry_delivery", OPERATOR),
    ("orders.skip_delivery", OPERATOR),
    ("orders.compose_shipment", OPERATOR),
    ("orders.export_order", OPERATOR),
    ("integrations.change_cause", OPERATOR),
    ("integrations.change_lingxinglist", OPERATOR),
    ("orders.change_discrepancy", OPERATOR),
    ("inventory.*_skumapping", OPERATOR),
    ("inventory.*_warehousemapping", OPERATOR),
    ("orders.*_store", OPERATOR),
    ("orders.*_storemapping", OPERATOR),
    ("orders.*_shippingmapping", OPERATOR),
    # Leads decide for many orders, for retailers and for the machine.
    ("orders.bulk_action", LEAD),
    ("orders.cancel_order", LEAD),
    ("orders.*_retailerpolicy", LEAD),
    ("integrations.run_flow", LEAD),
    ("integrations.change_flow", LEAD),
    ("integrations.stop_vendor", LEAD),
    # Administrators: people, alerts, access to the vendors.
    ("auth.*_user", ADMINISTRATOR),
    ("auth.*_group", ADMINISTRATOR),
    ("config.view_failedlogin", ADMINISTRATOR),
    ("config.change_failedlogin", ADMINISTRATOR),
    ("integrations.*_alertrule", ADMINISTRATOR),
    ("integrations.change_vendortoken", ADMINISTRATOR),
    ("integrations.change_apitoken", ADMINISTRATOR),
)
_APPS: Final = frozenset(name.partition(".")[0] for name, _role in TABLE)


def lowest_role(permission: str) -> str | None:
    """Return the lowest role that has a permission (``app.codename``); None: superusers only."""
    return next((role for pattern, role in TABLE if fnmatchcase(permission, pattern)), None)


def roles_with(permission: str) -> tuple[str, ...]:
    """Return every role that has a permission, lowest first."""
    lowest = lowest_role(permission)
    return ROLES[ROLES.index(lowest) :] if lowest else ()


def ensure_roles(sender: AppConfig, using: str = "default", apps: Any = global_apps, **_kwargs: Any) -> None:
    """After the tables of an app were migrated: give the roles that app's permissions, as the table says.

    Runs after Django has made the app's permissions (its own receiver is older). Makes missing groups;
    takes from the four groups what the table doesn't give them.
    """
    if sender.label not in _APPS:
        return
    try:
        group_model, permission_model = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    except LookupError:  # migrating back to before there were users
        return
    permissions = permission_model.objects.using(using).filter(content_type__app_label=sender.label)
    roles_of = {
        pk: roles_with(f"{sender.label}.{codename}") for pk, codename in permissions.values_list("pk", "codename")
    }
    names = group_model.objects.using(using)
    groups = {name: names.get_or_create(name=name)[0].pk for name in ROLES}
    link = group_model.permissions.through.objects.using(using)
    wanted = {(groups[role], pk) for pk, roles in roles_of.items() for role in roles}
    have = {
        (row.group_id, row.permission_id): row.pk
        for row in link.filter(group__in=groups.values(), permission__in=list(roles_of))
    }
    link.filter(pk__in=[pk for pair, pk in have.items() if pair not in wanted]).delete()
    link.bulk_create(
        [link.model(group_id=group, permission_id=permission) for group, permission in sorted(wanted - set(have))],
        ignore_conflicts=True,
    )


def keep_roles() -> None:
    """Set the roles after every migrate."""
    post_migrate.connect(ensure_roles, dispatch_uid="orderbridge_roles")
