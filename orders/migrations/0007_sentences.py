"""Sentences keep what they were made of, so that everybody reads them in his own language.

The column stays what it is (text), so only the state of the models changes: no table is written anew.
"""

import integrations.sentences
from django.db import migrations


def alter(model, name, field):
    return migrations.AlterField(model_name=model, name=name, field=field)


class Migration(migrations.Migration):
    dependencies = [("orders", "0006_retention")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                alter(
                    "acknowledgement",
                    "last_error",
                    integrations.sentences.SentenceField(blank=True, default="", verbose_name="last error"),
                ),
                alter(
                    "cancellation",
                    "last_error",
                    integrations.sentences.SentenceField(blank=True, default="", verbose_name="last error"),
                ),
                alter(
                    "erppush",
                    "last_error",
                    integrations.sentences.SentenceField(blank=True, default="", verbose_name="last error"),
                ),
                alter(
                    "invoice",
                    "last_error",
                    integrations.sentences.SentenceField(blank=True, default="", verbose_name="last error"),
                ),
                alter(
                    "shipment",
                    "last_error",
                    integrations.sentences.SentenceField(blank=True, default="", verbose_name="last error"),
                ),
                alter(
                    "order",
                    "problem",
                    integrations.sentences.SentenceField(blank=True, verbose_name="problem with the payload"),
                ),
                alter("orderevent", "text", integrations.sentences.SentenceField(blank=True, verbose_name="text")),
            ]
        )
    ]
