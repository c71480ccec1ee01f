from django.db import migrations, models

from integrations.large_tables import AddIndexQuietly


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("integrations", "0006_list_errors_are_sentences"),
    ]

    operations = [
        AddIndexQuietly(
            model_name="apicall",
            index=models.Index(fields=["-started_at"], name="apicall_started"),
        ),
        AddIndexQuietly(
            model_name="apicall",
            index=models.Index(
                condition=models.Q(("status__isnull", True), ("status__gte", 400), _connector="OR"),
                fields=["status", "-id"],
                name="apicall_refused",
            ),
        ),
        AddIndexQuietly(
            model_name="attempt",
            index=models.Index(fields=["-started_at"], name="attempt_started"),
        ),
        AddIndexQuietly(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("outcome__in", ["succeeded", "accepted"]), _negated=True),
                fields=["outcome", "-id"],
                name="attempt_troubled",
            ),
        ),
    ]
