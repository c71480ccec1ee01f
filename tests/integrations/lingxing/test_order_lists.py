"""Reading system orders: by our numbers and by time."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.errors import TransientError
from integrations.lingxing import LingXingClient
from integrations.lingxing import gateway as paths
from integrations.lingxing.paging import windows
from integrations.lingxing.schemas import ErpOrderRow
from tests import contracts

from .conftest import Vendor
from .examples import order_row

pytestmark = pytest.mark.django_db

NOON = datetime(2025, 11, 21, 12, tzinfo=UTC)


def check_body(lingxing: Vendor) -> None:
    schema = contracts.request_schema("lingxing-openapi.yaml", "post", paths.LIST_ORDERS)
    for position in range(len(lingxing.requests)):
        schema.validate(lingxing.sent(position))


@pytest.mark.contracts
def test_a_split_order_is_two_rows_of_one_number(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.answers(paths.LIST_ORDERS, contracts.sample_bytes("lingxing-order-list-split.json"))

    rows = client.orders_by_platform_numbers(["FICT-PO-1002"])

    assert lingxing.sent() == {
        "platform_order_nos": ["FICT-PO-1002"],
        "include_delete": True,
        "offset": 0,
        "length": 500,
    }
    check_body(lingxing)
    assert [row.global_order_no for row in rows] == ["103664089112657920", "103664089112657921"]
    assert [row.platform_order_nos for row in rows] == [["FICT-PO-1002"]] * 2
    assert [row.split_type for row in rows] == [3, 3]
    assert [row.status for row in rows] == [6, 5]
    assert [row.wid for row in rows] == ["50", "51"]
    assert [row.tracking_no for row in rows] == ["FICTTRK0000002", ""]
    assert rows[1].items[1].model_dump() == {
        "platform_order_no": "FICT-PO-1002",
        "order_item_no": "FICT-SKU-B",
        "global_item_no": "203664000000000092",
        "msku": "FICT-SKU-B",
        "local_sku": "LX-B",
        "quantity": 2,
        "is_bundled": False,
        "is_deleted": False,
    }
    assert rows.unreadable == []


@pytest.mark.contracts
def test_the_vendors_sample_of_an_order_awaiting_review(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.answers(paths.LIST_ORDERS, contracts.sample_bytes("lingxing-order-list-single.json"))

    [row] = client.orders_by_platform_numbers(["FICT-PO-1001"], include_deleted=False)

    assert "include_delete" not in lingxing.sent()
    assert (row.status, row.is_deleted, row.store_id) == (4, False, "110000000000000001")
    assert row.update_time == datetime.fromtimestamp(1763690000, UTC)
    assert row.global_delivery_time is None
    assert row.global_cancel_time is None
    assert row.logistics_type_id == "825"
    assert row.logistics_provider_name == "Fictional Carrier"
    assert row.tag_numbers == ["3-5"]
    assert row.original_global_order_nos == []
    json.dumps(row.raw, allow_nan=False)


@pytest.mark.contracts
def test_an_empty_list_instead_of_an_object_means_nothing_found(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.answers(paths.LIST_ORDERS, contracts.sample_bytes("lingxing-order-list-empty.json"))

    assert client.orders_by_platform_numbers(["FICT-PO-9"]) == []


@pytest.mark.parametrize("data", ["text", {"orders": []}, {"throwable": "x"}, {"list": "x"}])
def test_what_is_no_list_is_never_taken_for_nothing_found(lingxing: Vendor, client: LingXingClient, data: Any) -> None:
    lingxing.gives(paths.LIST_ORDERS, data)

    with pytest.raises(TransientError, match="no list"):
        client.orders_by_platform_numbers(["PO-1"])


def test_no_more_than_200_numbers_go_into_a_call(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.gives(paths.LIST_ORDERS, {"total": 0, "list": []})

    client.orders_by_platform_numbers([f"PO-{number}" for number in range(401)] + ["PO-1", " PO-2 ", ""])

    assert [len(lingxing.sent(position)["platform_order_nos"]) for position in range(3)] == [200, 200, 1]
    assert len(lingxing.requests) == 3


def test_no_numbers_need_no_call(lingxing: Vendor, client: LingXingClient) -> None:
    assert client.orders_by_platform_numbers([]) == []
    assert lingxing.requests == []


def test_a_merged_order_found_by_two_chunks_is_one_row(lingxing: Vendor, client: LingXingClient) -> None:
    merged = order_row(platform_info=[{"platform_order_no": "PO-1"}, {"platform_order_no": "PO-300"}])
    lingxing.gives(paths.LIST_ORDERS, {"total": "1", "list": [merged]})

    [row] = client.orders_by_platform_numbers([f"PO-{number}" for number in range(301)])

    assert row.platform_order_nos == ["PO-1", "PO-300"]


def test_pages_go_on_to_the_total_even_when_they_are_shorter_than_asked(
    lingxing: Vendor, client: LingXingClient
) -> None:
    for start in (0, 2, 4):
        rows = [order_row(str(number)) for number in range(start, min(start + 2, 5))]
        lingxing.gives(paths.LIST_ORDERS, {"total": "5", "list": rows})

    rows = client.orders_by_platform_numbers(["PO-1"])

    assert [row.global_order_no for row in rows] == ["0", "1", "2", "3", "4"]
    assert [lingxing.sent(position)["offset"] for position in range(3)] == [0, 2, 4]


def test_without_a_total_a_short_page_ends_the_list(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.gives(paths.LIST_ORDERS, {"list": [order_row(str(number)) for number in range(500)]})
    lingxing.gives(paths.LIST_ORDERS, {"list": [order_row("500")]})

    assert len(client.orders_by_platform_numbers(["PO-1"])) == 501
    assert lingxing.sent()["offset"] == 500


def test_rows_that_run_out_before_the_total_are_no_complete_read(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.gives(paths.LIST_ORDERS, {"total": 3, "list": [order_row()]})
    lingxing.gives(paths.LIST_ORDERS, {"total": 3, "list": []})

    with pytest.raises(TransientError, match="1 of 3") as caught:
        client.orders_by_platform_numbers(["PO-1"])

    assert caught.value.code == "incomplete_read"


def test_an_unreadable_row_costs_its_neighbours_nothing_and_is_told(lingxing: Vendor, client: LingXingClient) -> None:
    bad = order_row(7, "PO-BAD", item_info=[{"quantity": "many"}])
    lingxing.gives(paths.LIST_ORDERS, {"total": 4, "list": [order_row("1"), bad, "text", order_row("2")]})

    rows = client.orders_by_platform_numbers(["PO-1", "PO-BAD"])

    assert [row.global_order_no for row in rows] == ["1", "2"]
    assert [(row.global_order_no, row.platform_order_nos) for row in rows.unreadable] == [("7", ("PO-BAD",)), ("", ())]
    assert "item_info.0.quantity" in rows.unreadable[0].reason


def test_ids_of_18_digits_survive_as_numbers_and_as_text(lingxing: Vendor, client: LingXingClient) -> None:
    row = order_row(103664089112657921, store_id=110000000000000003, original_global_order_no=[103664089112657923])
    lingxing.gives(paths.LIST_ORDERS, {"total": 1, "list": [row]})

    [read] = client.orders_by_platform_numbers(["PO-1"])

    assert read.global_order_no == "103664089112657921"
    assert read.store_id == "110000000000000003"
    assert read.original_global_order_nos == ["103664089112657923"]


def test_nulls_empty_lists_and_empty_objects_are_nothing() -> None:
    row = ErpOrderRow.model_validate(
        order_row(
            status=None,
            status_sub="",
            split_type="?",
            logistics_info=[],
            address_info={},
            buyers_info=None,
            order_tag=None,
            exception_order_tag=[{"tag_no": "3-8"}],
            pending_order_tag=[{"tag_no": "3-8"}, "x"],
            update_time="",
            global_delivery_time="0",
            global_cancel_time=0,
            wid="0",
            is_delete="1",
            original_global_order_no="",
        )
    )

    assert (row.status, row.status_sub, row.split_type) == (None, None, None)
    assert (row.tracking_no, row.wid, row.address.city) == ("", "", "")
    assert (row.update_time, row.global_delivery_time, row.global_cancel_time) == (None, None, None)
    assert row.tag_numbers == ["3-8"]
    assert row.is_deleted


def test_the_number_is_taken_from_the_lines_when_the_head_has_none() -> None:
    assert ErpOrderRow.model_validate(order_row(platform_info=None)).platform_order_nos == ["PO-1"]


def test_a_row_does_not_show_personal_data_when_printed() -> None:
    row = ErpOrderRow.model_validate(
        order_row(address_info={"receiver_mobile": "555-0100"}, buyers_info={"buyer_email": "ada@example.com"})
    )

    assert row.address.receiver_mobile == "555-0100"
    assert "555-0100" not in repr(row)
    assert "ada@example.com" not in repr(row)


def test_a_nul_character_is_removed_because_the_database_cannot_hold_it(
    lingxing: Vendor, client: LingXingClient
) -> None:
    lingxing.gives(paths.LIST_ORDERS, {"total": 1, "list": [order_row(remark="a\x00b")]})

    [row] = client.orders_by_platform_numbers(["PO-1"])

    assert row.raw["remark"] == "ab"


@pytest.mark.contracts
def test_a_span_of_time_is_widened_because_its_ends_are_excluded(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.gives(paths.LIST_ORDERS, {"total": 1, "list": [order_row()]})

    [[row]] = client.order_pages(
        status=6, updated_from=NOON - timedelta(hours=1), updated_to=NOON, store_ids=["110000000000000001"]
    )

    assert row.global_order_no
    assert lingxing.sent() == {
        "date_type": "update_time",
        "start_time": int(NOON.timestamp()) - 3601,
        "end_time": int(NOON.timestamp()) + 1,
        "order_status": 6,
        "store_id": ["110000000000000001"],
        "offset": 0,
        "length": 500,
    }
    check_body(lingxing)


def test_without_a_start_the_last_thirty_days_are_read(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.gives(paths.LIST_ORDERS, [])

    list(client.order_pages(updated_to=NOON, date_type="global_delivery_time"))

    starts = [lingxing.sent(position)["start_time"] for position in range(len(lingxing.requests))]
    assert min(starts) < NOON.timestamp() - 30 * 86400
    assert lingxing.sent()["date_type"] == "global_delivery_time"


def test_a_time_without_zone_is_a_mistake_of_the_caller(client: LingXingClient) -> None:
    with pytest.raises(ValueError, match="zone"):
        next(client.order_pages(updated_from=datetime(2025, 1, 1)))  # noqa: DTZ001


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.timedeltas(timedelta(0), timedelta(days=400)),
)
def test_windows_are_short_enough_and_leave_no_second_out(start: datetime, length: timedelta) -> None:
    end = start + length
    found = list(windows(start, end))

    assert all(0 < until - first <= 30 * 86400 for first, until in found)
    assert found[0][0] < start.timestamp()
    assert found[-1][1] > end.timestamp()
    # Both ends are excluded: the next window's first included second follows the last one's at the latest.
    assert all(following[0] + 1 <= window[1] for window, following in itertools.pairwise(found))
