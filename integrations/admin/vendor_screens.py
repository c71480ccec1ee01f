"""Links to the vendors' own screens. Neither documents an address, so that it is a setting; without it no link."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings


def dsco_order_address(dsco_order_id: str) -> str:
    """Return the address of an order in DSCO's portal, "" where DSCO_ORDER_URL is not set."""
    return _address(settings.DSCO_ORDER_URL, dsco_order_id)


def lingxing_order_address(global_order_no: str) -> str:
    """Return the address of an order (系统单号) in LingXing, "" where LINGXING_ORDER_URL is not set."""
    return _address(settings.LINGXING_ORDER_URL, global_order_no)


def _address(template: str, number: str) -> str:
    return template.replace("{id}", quote(number, safe="")) if template and number else ""
