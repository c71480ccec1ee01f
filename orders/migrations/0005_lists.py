# Indexes behind the order list: cancel requests, and exact search by the two numbers that had none.

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("orders", "0004_roles_and_alerts"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["consumer_order_number"], name="order_consumer_number"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("cancel_requested", True)), fields=["stage"], name="order_cancel_requested"
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("held", True)), fields=["-first_seen_at", "-id"], name="order_held"
            ),
        ),
        migrations.AddIndex(
            model_name="shipment",
            index=models.Index(fields=["remote_reference"], name="shipment_reference"),
        ),
    ]
