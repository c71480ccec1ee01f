"""Sentences keep what they were made of, so that everybody reads them in his own language.

The column stays what it is (text), so only the state of the models changes: no table is written anew.
"""

import integrations.sentences
from django.db import migrations


def alter(model, name, field):
    return migrations.AlterField(model_name=model, name=name, field=field)


class Migration(migrations.Migration):
    dependencies = [("inventory", "0003_dashboard")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                alter(
                    "stockupdate",
                    "last_error",
                    integrations.sentences.SentenceField(blank=True, default="", verbose_name="last error"),
                )
            ]
        )
    ]
