# Several reports of one order to DSCO, one after the other; what LingXing holds of an order, item by item; the vendor
# calls that a person made for an order.

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0010_packages'),
        ('orders', '0007_sentences'),
    ]

    operations = [
        migrations.AddField(
            model_name='erporder',
            name='items',
            field=models.JSONField(blank=True, null=True, verbose_name='items'),
        ),
        migrations.AddField(
            model_name='orderevent',
            name='api_calls',
            field=models.ManyToManyField(related_name='order_events', to='integrations.apicall', verbose_name='API calls'),
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
