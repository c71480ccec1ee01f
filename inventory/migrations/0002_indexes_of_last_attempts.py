from django.db import migrations, models

from integrations.large_tables import AddIndexQuietly


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("inventory", "0001_initial"),
    ]

    operations = [
        AddIndexQuietly(
            model_name="stockupdate",
            index=models.Index(
                condition=models.Q(("last_attempt_at__isnull", False)),
                fields=["-last_attempt_at"],
                name="inventory_stockupdate_tried",
            ),
        ),
    ]
