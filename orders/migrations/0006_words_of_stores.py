
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0005_indexes_of_last_attempts'),
    ]

    operations = [
        migrations.AlterField(
            model_name='historicalstore',
            name='sid',
            field=models.CharField(blank=True, max_length=40, verbose_name='LingXing sid'),
        ),
        migrations.AlterField(
            model_name='store',
            name='sid',
            field=models.CharField(blank=True, max_length=40, verbose_name='LingXing sid'),
        ),
    ]
