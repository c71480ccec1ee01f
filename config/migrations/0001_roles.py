"""The four roles as groups. Their permissions follow after every migrate: see ``config/roles.py``."""

from django.db import migrations

ROLES = ("viewer", "operator", "lead", "administrator")


def make_roles(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    for name in ROLES:
        groups.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        # Backwards the groups stay: people are in them.
        migrations.RunPython(make_roles, migrations.RunPython.noop, elidable=False),
    ]
