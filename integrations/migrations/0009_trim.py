from django.db import migrations, models
from django.db.models import F


def ends_are_old_news(apps, schema_editor):
    """What was over before ends were told is not told now."""
    notices = apps.get_model("integrations", "AlertNotice").objects
    notices.filter(alert__ended_at__isnull=False).update(end_sent_at=F("sent_at"))


class Migration(migrations.Migration):
    dependencies = [("integrations", "0006_retention")]

    operations = [
        migrations.AddField(
            model_name="alertnotice",
            name="end_sent_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="end sent"),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["ended_at", "id"], name="alert_ended"),
        ),
        migrations.RunPython(ends_are_old_news, migrations.RunPython.noop),
    ]
