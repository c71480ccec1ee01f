from django.db import migrations, models
from django.db.models import F


def open_since_first_seen(apps, schema_editor):
    apps.get_model("integrations", "Cause").objects.update(opened_at=F("first_seen_at"))


class Migration(migrations.Migration):
    dependencies = [("integrations", "0002_staff_back_office")]

    operations = [
        migrations.AddField(
            "cause", "opened_at", models.DateTimeField(null=True, verbose_name="open since"), preserve_default=False
        ),
        migrations.RunPython(open_since_first_seen, migrations.RunPython.noop, elidable=True),
        migrations.AlterField("cause", "opened_at", models.DateTimeField(verbose_name="open since")),
        migrations.AddField(
            "cause", "verifying_count", models.PositiveIntegerField(default=0, verbose_name="being verified")
        ),
        migrations.AlterModelOptions(
            "cause",
            options={"ordering": ["-opened_at", "-id"], "verbose_name": "cause", "verbose_name_plural": "causes"},
        ),
        migrations.RemoveIndex("cause", "cause_open"),
        migrations.AddIndex("cause", models.Index(fields=["closed_at", "-opened_at"], name="cause_open")),
    ]
