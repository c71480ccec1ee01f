from django.db import migrations, models

from integrations.large_tables import AddIndexQuietly


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("orders", "0004_indexes_of_marks"),
    ]

    operations = [
        AddIndexQuietly(
            model_name="acknowledgement",
            index=models.Index(
                condition=models.Q(("last_attempt_at__isnull", False)),
                fields=["-last_attempt_at"],
                name="orders_acknowledgement_tried",
            ),
        ),
        AddIndexQuietly(
            model_name="cancellation",
            index=models.Index(
                condition=models.Q(("last_attempt_at__isnull", False)),
                fields=["-last_attempt_at"],
                name="orders_cancellation_tried",
            ),
        ),
        AddIndexQuietly(
            model_name="erppush",
            index=models.Index(
                condition=models.Q(("last_attempt_at__isnull", False)),
                fields=["-last_attempt_at"],
                name="orders_erppush_tried",
            ),
        ),
        AddIndexQuietly(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(("last_attempt_at__isnull", False)),
                fields=["-last_attempt_at"],
                name="orders_invoice_tried",
            ),
        ),
        AddIndexQuietly(
            model_name="shipment",
            index=models.Index(
                condition=models.Q(("last_attempt_at__isnull", False)),
                fields=["-last_attempt_at"],
                name="orders_shipment_tried",
            ),
        ),
    ]
