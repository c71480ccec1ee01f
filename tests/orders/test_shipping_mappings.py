"""Which shipping method an order gets: its own mapping, one with ``*``, or LingXing's choice; never a half one."""

from __future__ import annotations

import pytest

from orders.mapping_files import MappingFile, save_mappings
from orders.mappings import MappingBook, UnmappedCodes

from .factories import raw_order, stored

pytestmark = pytest.mark.django_db


def resolve(shipping, **members):
    save_mappings(MappingFile(stores={"R1": "1"}, warehouses={"EAST": "50"}, skus={"SKU-1": "LX-1"}, shipping=shipping))
    order = stored(raw_order(**members))
    resolved = MappingBook.load([order]).resolve(order, order.lines.all())
    return resolved.wid, resolved.logistics_type_id


NO_SERVICE = {"shippingServiceLevelCode": None}


@pytest.mark.parametrize(
    ("shipping", "members", "expected"),
    [
        ({}, {}, ("", "")),
        ({"EAST|FEHD": "1"}, {}, ("50", "1")),
        ({"EAST|FEHD": "1", "*|FEHD": "2", "EAST|*": "3", "*|*": "4"}, {}, ("50", "1")),
        ({"*|FEHD": "2", "EAST|*": "3", "*|*": "4"}, {}, ("50", "2")),
        ({"EAST|*": "3", "*|*": "4"}, {}, ("50", "3")),
        ({"*|*": "4"}, {}, ("50", "4")),
        ({"EAST|FEHD": "1"}, NO_SERVICE, ("", "")),
        ({"EAST|FEHD": "1", "EAST|*": "3"}, NO_SERVICE, ("50", "3")),
        ({"*|*": "4"}, NO_SERVICE, ("50", "4")),
        ({"EAST|UPS Ground": "5"}, NO_SERVICE | {"shipCarrier": "UPS", "shipMethod": "Ground"}, ("50", "5")),
        ({"EAST|FEHD": "1"}, NO_SERVICE | {"shipCarrier": "UPS", "shipMethod": "Ground"}, ("", "")),
        # The order names no warehouse, but all its lines name the same one.
        ({"EAST|FEHD": "1"}, {"requestedWarehouseCode": None}, ("50", "1")),
    ],
)
def test_warehouse_and_method_are_both_there_or_both_absent(shipping, members, expected):
    assert resolve(shipping, **members) == expected


def test_a_service_level_that_nobody_mapped_parks_the_order():
    with pytest.raises(UnmappedCodes) as missing:
        resolve({"WEST|FEHD": "1"})
    assert missing.value.code == "unmapped_shipping"
    assert "Warehouse EAST with service level FEHD" in str(missing.value)
