
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0009_batch_size'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='lingxingentry',
            options={'verbose_name': "entry of LingXing's lists", 'verbose_name_plural': "entries of LingXing's lists"},
        ),
        migrations.AlterField(
            model_name='lingxingentry',
            name='sid',
            field=models.CharField(blank=True, max_length=40, verbose_name='LingXing sid'),
        ),
    ]
