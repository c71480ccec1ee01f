"""Sentences keep what they were made of, so that everybody reads them in his own language.

Where the column was text already only the state of the models changes: the large tables are not written anew.
"""

import integrations.models.alerts
import integrations.sentences
from django.db import migrations, models


def alter(model, name, field):
    return migrations.AlterField(model_name=model, name=name, field=field)


class Migration(migrations.Migration):
    dependencies = [("integrations", "0009_trim")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                alter("attempt", "message", integrations.sentences.SentenceField(blank=True, verbose_name="message")),
                alter("cause", "message", integrations.sentences.SentenceField(blank=True, verbose_name="message")),
                alter("flowrun", "error", integrations.sentences.SentenceField(blank=True, verbose_name="error")),
                alter(
                    "flowrun",
                    "notes",
                    integrations.sentences.SentencesField(blank=True, default=list, verbose_name="notes"),
                ),
            ]
        ),
        alter("alertrule", "last_error", integrations.sentences.SentenceField(blank=True, verbose_name="last error")),
        alter("bulkrow", "message", integrations.sentences.SentenceField(blank=True, verbose_name="message")),
        alter("bulkrun", "origin", integrations.sentences.SentenceField(blank=True, verbose_name="selection")),
        alter("export", "error", integrations.sentences.SentenceField(blank=True, verbose_name="error")),
        alter(
            "alertrule",
            "language",
            models.CharField(default=integrations.models.alerts.usual_language, max_length=10, verbose_name="language"),
        ),
    ]
