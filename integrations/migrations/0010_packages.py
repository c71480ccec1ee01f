# Every call of an attempt, not only its last one.

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0006_stops'),
    ]

    operations = [
        migrations.AddField(
            model_name='attempt',
            name='earlier_calls',
            field=models.ManyToManyField(related_name='earlier_attempts', to='integrations.apicall', verbose_name='earlier calls'),
        ),
    ]
