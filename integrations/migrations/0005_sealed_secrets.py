"""Tokens and webhooks' addresses are sealed from now on; what is there is sealed, or opened on the way back."""

import integrations.sealing
from django.db import migrations

COLUMNS = {"VendorToken": ["access_token", "refresh_token"], "AlertRule": ["target", "secret"]}


def seal_all(apps, schema_editor):
    for name, columns in COLUMNS.items():
        integrations.sealing.reseal(apps.get_model("integrations", name), columns, schema_editor.connection.alias)


def open_all(apps, schema_editor):
    for name, columns in COLUMNS.items():
        model = apps.get_model("integrations", name)
        integrations.sealing.reseal(model, columns, schema_editor.connection.alias, write=str)


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0004_vendor_outage'),
    ]

    operations = [
        migrations.AlterField(
            model_name='alertrule',
            name='secret',
            field=integrations.sealing.SealedField(blank=True, max_length=200, verbose_name='signing secret'),
        ),
        migrations.AlterField(
            model_name='alertrule',
            name='target',
            field=integrations.sealing.SealedField(blank=True, max_length=500, verbose_name='target'),
        ),
        migrations.AlterField(
            model_name='vendortoken',
            name='access_token',
            field=integrations.sealing.SealedField(blank=True, default=''),
        ),
        migrations.AlterField(
            model_name='vendortoken',
            name='refresh_token',
            field=integrations.sealing.SealedField(blank=True, default=''),
        ),
        migrations.RunPython(seal_all, open_all),
    ]
