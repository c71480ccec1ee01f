"""What DSCO should be told, as pure functions: no database, no network."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.lingxing.schemas import InventoryRow
from inventory.mappings import SkuBook, WarehouseBook
from inventory.models import SkuMapping, StockSource, WarehouseMapping
from inventory.reservations import Reservations, larger_of
from inventory.stock_levels import add_up
from inventory.targets import Level, item_target, targets


@pytest.mark.parametrize(
    ("available", "reserved", "buffer", "cap", "expected"),
    [
        ({"EAST": 7, "WEST": 3}, {}, 0, None, {"EAST": 7, "WEST": 3}),
        ({"EAST": -4, "WEST": 3}, {}, 0, None, {"EAST": 0, "WEST": 3}),
        # Reserved in a warehouse: from that one only, as the goods of the others are elsewhere.
        ({"EAST": 7, "WEST": 3}, {"WEST": 2}, 0, None, {"EAST": 7, "WEST": 1}),
        ({"EAST": 7, "WEST": 3}, {"WEST": 9}, 0, None, {"EAST": 7, "WEST": 0}),
        # Reserved without a known warehouse: from the fullest, then the next.
        ({"EAST": 7, "WEST": 3}, {"": 5}, 0, None, {"EAST": 2, "WEST": 3}),
        ({"EAST": 7, "WEST": 3}, {"": 8}, 0, None, {"EAST": 0, "WEST": 2}),
        ({"EAST": 7, "WEST": 3}, {"": 99}, 0, None, {"EAST": 0, "WEST": 0}),
        # The buffer is taken once per item, not once per warehouse.
        ({"EAST": 7, "WEST": 3}, {}, 4, None, {"EAST": 3, "WEST": 3}),
        ({"EAST": 7, "WEST": 3}, {}, 9, None, {"EAST": 0, "WEST": 1}),
        ({"EAST": 5, "WEST": 5}, {}, 2, None, {"EAST": 3, "WEST": 5}),
        # The cap limits the sum; the fullest warehouse keeps most.
        ({"EAST": 70, "WEST": 3}, {}, 0, 50, {"EAST": 50, "WEST": 0}),
        ({"EAST": 70, "WEST": 30}, {}, 0, 80, {"EAST": 70, "WEST": 10}),
        ({"EAST": 7, "WEST": 3}, {}, 0, 0, {"EAST": 0, "WEST": 0}),
        ({"EAST": 70, "WEST": 30}, {"EAST": 10, "": 5}, 5, 60, {"EAST": 50, "WEST": 10}),
    ],
)
def test_what_may_be_sold(available, reserved, buffer, cap, expected):
    assert item_target(available, reserved, buffer=buffer, cap=cap) == expected


CODES = st.sampled_from(["EAST", "WEST", "SOUTH", "NORTH"])


@given(
    available=st.dictionaries(CODES, st.integers(-50, 500)),
    reserved=st.dictionaries(st.one_of(CODES, st.just("")), st.integers(0, 300)),
    buffer=st.integers(0, 300),
    cap=st.none() | st.integers(0, 1000),
)
def test_targets_are_never_negative_and_never_offer_what_is_not_free(available, reserved, buffer, cap):
    quantities = item_target(available, reserved, buffer=buffer, cap=cap)

    assert set(quantities) == set(available)
    assert all(0 <= quantities[code] <= max(0, available[code] - reserved.get(code, 0)) for code in available)
    in_place = sum(max(0, units - reserved.get(code, 0)) for code, units in available.items() if units > 0)
    unplaced = sum(units for code, units in reserved.items() if code not in available)
    free = max(0, in_place - unplaced - buffer)
    assert sum(quantities.values()) == (free if cap is None else min(free, cap))


@given(
    available=st.dictionaries(CODES, st.integers(0, 500), min_size=1),
    more=st.integers(0, 100),
    buffer=st.integers(0, 50),
)
def test_a_larger_buffer_never_offers_more(available, more, buffer):
    small, large = (sum(item_target(available, {}, buffer=size).values()) for size in (buffer, buffer + more))
    assert large <= small


def sku(dsco_sku: str, erp_sku: str, **fields) -> SkuMapping:
    return SkuMapping(dsco_sku=dsco_sku, erp_sku=erp_sku, **fields)


def warehouse(code: str, wid: str, **fields) -> WarehouseMapping:
    return WarehouseMapping(dsco_code=code, wid=wid, **fields)


def computed(skus: Sequence, warehouses: Sequence, levels: dict, reserved: dict | None = None) -> dict:
    book, places = SkuBook(skus), WarehouseBook(warehouses)
    return targets(book, places, levels, Reservations(reserved or {}, book, places))


def test_several_erp_skus_and_warehouses_of_one_code_add_up():
    found = computed(
        [sku("LAMP", "LX-1"), sku("LAMP", "LX-2", for_orders=False)],
        [warehouse("EAST", "1"), warehouse("EAST", "2"), warehouse("WEST", "3")],
        {("1", "LX-1"): Level(5), ("2", "LX-1"): Level(6), ("2", "LX-2"): Level(70), ("9", "LX-1"): Level(999)},
    )
    assert found == {"LAMP": {"EAST": 81, "WEST": 0}}


def test_buffers_of_several_mappings_add_up_and_the_smallest_cap_counts():
    skus = [
        sku("LAMP", "LX-1", stock_buffer=2, stock_cap=100),
        sku("LAMP", "LX-2", for_orders=False, stock_buffer=3, stock_cap=20),
    ]
    levels = {("1", "LX-1"): Level(10), ("1", "LX-2"): Level(12)}
    assert computed(skus, [warehouse("EAST", "1")], levels) == {"LAMP": {"EAST": 17}}
    levels = {("1", "LX-1"): Level(90), ("1", "LX-2"): Level(12)}
    assert computed(skus, [warehouse("EAST", "1")], levels) == {"LAMP": {"EAST": 20}}


def test_switched_off_mappings_are_left_out():
    skus = [sku("LAMP", "LX-1"), sku("RUG", "LX-2", sync_stock=False)]
    places = [warehouse("EAST", "1"), warehouse("WEST", "2", sync_stock=False)]
    assert computed(skus, places, {("1", "LX-1"): Level(1), ("2", "LX-1"): Level(5)}) == {"LAMP": {"EAST": 1}}


def test_a_third_party_warehouse_counts_its_own_figure():
    places = [warehouse("EAST", "1"), warehouse("WEST", "2", stock_source=StockSource.THIRD_PARTY)]
    levels = {("1", "LX-1"): Level(5, third_party_sellable=99), ("2", "LX-1"): Level(40, third_party_sellable=8)}
    assert computed([sku("LAMP", "LX-1")], places, levels) == {"LAMP": {"EAST": 5, "WEST": 8}}


def test_an_unknown_third_party_figure_leaves_the_item_out():
    places = [warehouse("EAST", "1"), warehouse("WEST", "2", stock_source=StockSource.THIRD_PARTY)]
    levels = {("1", "LX-1"): Level(5), ("2", "LX-1"): Level(40), ("1", "LX-2"): Level(3)}
    found = computed([sku("LAMP", "LX-1"), sku("RUG", "LX-2")], places, levels)
    assert found == {"LAMP": None, "RUG": {"EAST": 3, "WEST": 0}}


def test_a_warehouse_under_two_codes_is_counted_once():
    places = [warehouse("EAST", "1"), warehouse("EAST-2", "1")]
    found = computed([sku("LAMP", "LX-1")], places, {("1", "LX-1"): Level(5)}, {("LAMP", "EAST-2"): 2})
    assert found == {"LAMP": {"EAST": 3, "EAST-2": 0}}
    assert [mapping.dsco_code for mapping in WarehouseBook(places).counted_elsewhere] == ["EAST-2"]


def test_an_order_for_one_listing_takes_from_every_listing_of_the_same_product():
    skus = [sku("LAMP", "LX-1"), sku("LAMP-B", "LX-1")]
    found = computed(
        skus, [warehouse("EAST", "1")], {("1", "LX-1"): Level(5)}, {("LAMP", "EAST"): 2, ("LAMP-B", ""): 1}
    )
    assert found == {"LAMP": {"EAST": 2}, "LAMP-B": {"EAST": 2}}


def test_reservations_of_other_items_do_not_count():
    skus = [sku("LAMP", "LX-1"), sku("RUG", "LX-2")]
    found = computed(skus, [warehouse("EAST", "1")], {("1", "LX-1"): Level(5)}, {("RUG", "EAST"): 2, ("NEW", ""): 1})
    assert found == {"LAMP": {"EAST": 5}, "RUG": {"EAST": 0}}


def test_of_two_moments_the_larger_reservation_counts():
    assert larger_of({("A", ""): 2, ("B", ""): 1}, {("A", ""): 1, ("C", ""): 3}) == {
        ("A", ""): 2, ("B", ""): 1, ("C", ""): 3,
    }  # fmt: skip


def row(wid: str, name: str, available: int, **fields) -> InventoryRow:
    return InventoryRow(wid=wid, sku=name, product_valid_num=available, **fields)


def test_rows_of_one_sku_in_one_warehouse_are_added_up_exactly():
    levels = add_up(
        [
            row("1", "LX-1", 5, product_lock_num=1, product_total=6, third_party_sellable=4),
            row("1", "LX-1", 7, product_total=7, third_party_sellable=3),
            row("1", "LX-10", 100),
            row("1", "lx-1", 1000),
        ]
    )
    assert levels[("1", "LX-1")] == Level(12, 1, 13, 7)
    assert levels[("1", "LX-10")].third_party_sellable is None


def test_a_third_party_figure_that_one_row_lacks_is_unknown():
    levels = add_up([row("1", "LX-1", 5, third_party_sellable=4), row("1", "LX-1", 5), row("1", "LX-1", 5)])
    assert levels[("1", "LX-1")].third_party_sellable is None
