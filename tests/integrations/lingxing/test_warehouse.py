"""Reading packages, stock and master data."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from integrations.errors import Rejected, TransientError
from integrations.lingxing import LingXingClient
from integrations.lingxing import gateway as paths
from integrations.lingxing.schemas import InventoryRow, OutboundOrderRow
from tests import contracts

from .conftest import APP_ID, APP_SECRET, BASE_URL, Vendor
from .examples import outbound_row, stock_row

pytestmark = pytest.mark.django_db


def check_bodies(lingxing: Vendor, path: str) -> None:
    schema = contracts.request_schema("lingxing-openapi.yaml", "post", path)
    for position in range(len(lingxing.requests)):
        schema.validate(lingxing.sent(position))


@pytest.mark.contracts
def test_the_vendors_sample_of_two_packages(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.answers(paths.OUTBOUND_ORDERS, contracts.sample_bytes("lingxing-wms-two-packages.json"))

    first, second = client.outbound_orders(platform_order_nos=["FICT-PO-1002"])

    assert lingxing.sent() == {"platform_order_no_arr": ["FICT-PO-1002"], "page": 1, "page_size": 200}
    check_bodies(lingxing, paths.OUTBOUND_ORDERS)
    assert first.platform_order_nos == ["FICT-PO-1002"]
    assert (first.status, first.tracking_no, first.wid) == (3, "FICTTRK0000002", "50")
    assert first.delivered_at == datetime(2025, 11, 21, 18, 20, tzinfo=UTC)
    assert second.delivered_at is None
    assert second.stock_delivered_at is not None
    assert "" in [product.seller_sku for product in second.products]
    assert all(isinstance(product.count, int) for product in first.products + second.products)
    assert (first.products[0].bundle_type, first.products[0].bundle_wod_id) == (0, "")


@pytest.mark.contracts
@pytest.mark.parametrize(
    ("sample", "statuses", "tracking"),
    [
        ("one-package", [3], ["FICTTRK0000001"]),
        ("deleted", [4, 2], ["FICTTRK0000008", None]),
        ("no-tracking", [1], [""]),
    ],
)
def test_the_vendors_other_samples_of_packages(
    lingxing: Vendor, client: LingXingClient, sample: str, statuses: list[int], tracking: list[Any]
) -> None:
    lingxing.answers(paths.OUTBOUND_ORDERS, contracts.sample_bytes(f"lingxing-wms-{sample}.json"))

    rows = client.outbound_orders(order_numbers=["103664089112657920"])

    assert [row.status for row in rows][:1] == statuses[:1]
    assert rows[0].tracking_no == tracking[0]
    assert all(row.order_number.isdigit() for row in rows)


@pytest.mark.contracts
def test_every_filter_of_packages_is_sent_and_the_days_are_widened(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.gives(paths.OUTBOUND_ORDERS, [], total=0)

    client.outbound_orders(
        platform_order_nos=["PO-1"],
        order_numbers=["1"],
        statuses=[3],
        start_date=date(2025, 11, 1),
        end_date=date(2025, 11, 20),
    )

    common = {
        "status_arr": [3],
        "start_date": "2025-10-31",
        "end_date": "2025-11-21",
        "time_type": "create_at",
        "page": 1,
        "page_size": 200,
    }
    assert [lingxing.sent(0), lingxing.sent(1)] == [
        common | {"platform_order_no_arr": ["PO-1"]},
        common | {"order_number_arr": ["1"]},
    ]
    check_bodies(lingxing, paths.OUTBOUND_ORDERS)


def test_packages_are_read_page_by_page_and_chunk_by_chunk(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.gives(paths.OUTBOUND_ORDERS, [outbound_row(f"WO-{n}") for n in range(200)], total="201")
    lingxing.gives(paths.OUTBOUND_ORDERS, [outbound_row("WO-200")], total="201")
    lingxing.gives(paths.OUTBOUND_ORDERS, [outbound_row("WO-0"), outbound_row("WO-201")], total="2")

    rows = client.outbound_orders(platform_order_nos=[f"PO-{n}" for n in range(250)])

    assert [lingxing.sent(n)["page"] for n in range(3)] == [1, 2, 1]
    assert [len(lingxing.sent(n)["platform_order_no_arr"]) for n in range(3)] == [200, 200, 50]
    assert len(rows) == 202


def test_without_any_number_packages_are_read_by_date_alone(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.gives(paths.OUTBOUND_ORDERS, [outbound_row(), outbound_row("", order_number="")], total=2)

    rows = client.outbound_orders(start_date=date(2025, 11, 1))

    assert lingxing.sent() == {"start_date": "2025-10-31", "time_type": "create_at", "page": 1, "page_size": 200}
    assert [row.wo_number for row in rows] == ["WO-1"]
    assert [row.platform_order_nos for row in rows.unreadable] == [("PO-1",)]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Asia/Shanghai", datetime(2025, 11, 21, 18, 20, tzinfo=UTC)),
        ("UTC", datetime(2025, 11, 22, 2, 20, tzinfo=UTC)),
        ("America/New_York", datetime(2025, 11, 22, 7, 20, tzinfo=UTC)),
    ],
)
def test_texts_without_zone_are_read_in_the_configured_zone(lingxing: Vendor, zone: str, expected: datetime) -> None:
    lingxing.gives(paths.OUTBOUND_ORDERS, [outbound_row()], total=1)
    client = LingXingClient(BASE_URL, APP_ID, APP_SECRET, time_zone=zone)

    [row] = client.outbound_orders(platform_order_nos=["PO-1"])

    assert row.delivered_at == expected


@pytest.mark.parametrize("nothing", ["", None, "0000-00-00 00:00:00", "0000-00-00", "1970-01-01 08:00:00", 0, "0", []])
def test_what_has_not_happened_has_no_time(nothing: Any) -> None:
    assert OutboundOrderRow.model_validate(outbound_row(delivered_at=nothing)).delivered_at is None


@pytest.mark.parametrize("nonsense", ["yesterday", 10**30, True, {"date": "x"}, "2025-13-01 00:00:00", -1.5])
def test_a_nonsensical_time_makes_the_row_unreadable_and_nothing_worse(
    lingxing: Vendor, client: LingXingClient, nonsense: Any
) -> None:
    lingxing.gives(paths.OUTBOUND_ORDERS, [outbound_row(delivered_at=nonsense), outbound_row("WO-2")], total=2)

    rows = client.outbound_orders(platform_order_nos=["PO-1"])

    assert [row.wo_number for row in rows] == ["WO-2"]
    assert len(rows.unreadable) == 1


def test_numbers_where_texts_are_documented_become_texts() -> None:
    row = OutboundOrderRow.model_validate(outbound_row(tracking_no=123456789012, wid="51", logistics_type_id=0))

    assert (row.tracking_no, row.wid, row.logistics_type_id) == ("123456789012", "51", "")


def stock(client: LingXingClient, *wids: str) -> list[InventoryRow]:
    return [row for page in client.inventory_pages(wids) for row in page.rows]


@pytest.mark.contracts
def test_the_vendors_sample_of_stock(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.answers(paths.INVENTORY, contracts.sample_bytes("lingxing-inventory-details.json"))

    [page] = client.inventory_pages(["50", "51"])

    assert lingxing.sent() == {"wid": "50,51", "offset": 0, "length": 800}
    check_bodies(lingxing, paths.INVENTORY)
    assert page.total == 4
    assert [(row.wid, row.sku, row.product_valid_num) for row in page.rows] == [
        ("50", "LX-A", 40),
        ("50", "LX-A", 3),
        ("50", "LX-A-RED", 7),
        ("51", "LX-B", 15),
    ]
    assert [row.third_party_sellable for row in page.rows] == [None, None, None, 15]
    assert (page.rows[0].product_total, page.rows[0].product_lock_num) == (50, 4)


def test_stock_is_read_in_pages_of_800(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.gives(paths.INVENTORY, [stock_row(f"S{n}") for n in range(800)], total=801)
    lingxing.gives(paths.INVENTORY, [stock_row("S800")], total=801)

    assert len(stock(client, "50")) == 801
    assert lingxing.sent()["offset"] == 800


def test_no_warehouse_means_no_call_not_all_warehouses(lingxing: Vendor, client: LingXingClient) -> None:
    assert stock(client) == []
    assert lingxing.requests == []


@pytest.mark.parametrize(
    "changes", [{"product_valid_num": None}, {"product_valid_num": "some"}, {"wid": None}, {"sku": ""}]
)
def test_an_unreadable_stock_row_fails_the_whole_read(
    lingxing: Vendor, client: LingXingClient, changes: dict[str, Any]
) -> None:
    lingxing.gives(paths.INVENTORY, [stock_row(), stock_row("LX-B", **changes)], total=2)

    with pytest.raises(TransientError) as caught:
        stock(client, "50")

    assert caught.value.code == "incomplete_read"


@pytest.mark.parametrize(("rows", "total"), [(0, 801), (1, 802)])
def test_missing_stock_rows_fail_the_whole_read(
    lingxing: Vendor, client: LingXingClient, rows: int, total: int
) -> None:
    lingxing.gives(paths.INVENTORY, [stock_row(f"S{n}") for n in range(800)], total=total)
    lingxing.gives(paths.INVENTORY, [stock_row("X") for _ in range(rows)], total=total)
    lingxing.gives(paths.INVENTORY, [], total=total)

    with pytest.raises(TransientError) as caught:
        stock(client, "50")

    assert caught.value.code == "incomplete_read"


def test_a_total_that_changes_while_stock_is_read_fails_the_whole_read(
    lingxing: Vendor, client: LingXingClient
) -> None:
    lingxing.gives(paths.INVENTORY, [stock_row(f"S{n}") for n in range(800)], total=802)
    lingxing.gives(paths.INVENTORY, [stock_row("S801")], total=801)

    with pytest.raises(TransientError, match="from 802 to 801"):
        stock(client, "50")


def test_a_failing_page_of_stock_is_raised(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.gives(paths.INVENTORY, [stock_row(f"S{n}") for n in range(800)], total=900)
    lingxing.answers(paths.INVENTORY, "<html>", 502)

    with pytest.raises(TransientError):
        stock(client, "50")


@pytest.mark.contracts
def test_the_vendors_samples_of_master_data(lingxing: Vendor, client: LingXingClient) -> None:
    for path, name in [
        (paths.WAREHOUSES, "warehouses"),
        (paths.STORES, "stores"),
        (paths.PAIRS, "pair-list"),
        (paths.LOGISTICS_TYPES, "logistics-types"),
    ]:
        lingxing.answers(path, contracts.sample_bytes(f"lingxing-{name}.json"))

    warehouses = client.warehouses([1])
    check_bodies_of_last(lingxing, paths.WAREHOUSES)
    [store] = client.stores()
    check_bodies_of_last(lingxing, paths.STORES)
    pairs = client.pairs(["110000000000000001"])
    check_bodies_of_last(lingxing, paths.PAIRS)
    methods = client.logistics_types([0])
    check_bodies_of_last(lingxing, paths.LOGISTICS_TYPES)

    assert [(row.wid, row.type, row.is_deleted, row.t_warehouse_code) for row in warehouses] == [
        ("50", 1, False, ""),
        ("51", 3, False, "F3PL-NJ"),
    ]
    assert (store.store_id, store.sid, store.platform_code) == ("110000000000000001", "", 10009)
    assert [(row.store_id, row.msku, row.sku) for row in pairs] == [
        ("110000000000000001", "FICT-SKU-A", "LX-A"),
        ("110000000000000001", "FICT-SKU-B", "LX-B"),
    ]
    assert [row.type_id for row in methods] == ["825", "203450729659600896"]


def check_bodies_of_last(lingxing: Vendor, path: str) -> None:
    contracts.request_schema("lingxing-openapi.yaml", "post", path).validate(lingxing.sent())


def test_each_type_of_warehouse_and_provider_is_a_call_of_its_own(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.gives(paths.WAREHOUSES, [{"wid": 1, "name": "A"}], total=1)
    lingxing.gives(paths.LOGISTICS_TYPES, [], total=0)

    assert [row.wid for row in client.warehouses()] == ["1", "1"]
    client.logistics_types()

    assert [lingxing.sent(n)["type"] for n in range(2)] == [1, 3]
    params = [lingxing.sent(n)["param"] for n in range(2, 6)]
    assert [param["provider_type"] for param in params] == [0, 1, 2, 4]
    assert {param["page"] for param in params} == {1}


def test_a_refused_page_size_is_the_callers_to_see(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.refuses(paths.PAIRS, 102, "length")

    with pytest.raises(Rejected):
        client.pairs(["1"])


def test_no_stores_have_no_pairs(lingxing: Vendor, client: LingXingClient) -> None:
    assert client.pairs([]) == []
    assert lingxing.requests == []
