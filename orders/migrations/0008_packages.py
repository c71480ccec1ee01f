# Several reports of one order to DSCO, one after the other; and what LingXing holds of an order, item by item.

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0005_lists'),
    ]

    operations = [
        migrations.AddField(
            model_name='erporder',
            name='items',
            field=models.JSONField(blank=True, null=True, verbose_name='items'),
        ),
        migrations.AddField(
            model_name='shipment',
            name='sequence',
            field=models.PositiveSmallIntegerField(default=1, verbose_name='report'),
        ),
        migrations.AlterField(
            model_name='shipment',
            name='order',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shipments', to='orders.order', verbose_name='order'),
        ),
        migrations.AddConstraint(
            model_name='shipment',
            constraint=models.UniqueConstraint(fields=('order', 'sequence'), name='one_shipment_per_sequence'),
        ),
    ]
