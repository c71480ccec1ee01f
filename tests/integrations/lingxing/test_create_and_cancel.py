"""Writes: what is sent, and the outcome of each number."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from integrations.errors import Rejected, Uncertain
from integrations.lingxing import LingXingClient
from integrations.lingxing import gateway as paths
from integrations.lingxing.schemas import CancelResult, CreateResult, NewErpLine
from tests import contracts

from .conftest import Vendor
from .examples import full_order, new_order

pytestmark = pytest.mark.django_db

ID = 103664089112657920  # a float would end in 7920 only by luck: 103664089112657921 becomes …920
ODD_ID = 103664089112657921


def created(client: LingXingClient, *numbers: str) -> CreateResult:
    return client.create_orders("110000000000000001", [new_order(number) for number in numbers])


def test_one_call_carries_store_platform_and_orders(lingxing: Vendor) -> None:
    lingxing.gives(paths.CREATE_ORDERS, [])
    client = LingXingClient("https://lingxing.test", "ak_TestApp000001", "secret", platform_code=10099)

    created(client, "PO-1", "PO-2")

    sent = lingxing.sent()
    assert sent["platform_code"] == 10099
    assert sent["store_id"] == "110000000000000001"
    assert [order["platform_order_no"] for order in sent["orders"]] == ["PO-1", "PO-2"]


@pytest.mark.contracts
def test_the_vendors_sample_of_a_partly_refused_call(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.answers(paths.CREATE_ORDERS, contracts.sample_bytes("lingxing-create-partial-error.json"))

    result = created(client, "FICT-PO-1002", "FICT-PO-1003", "FICT-PO-1004")

    assert result.created == {"FICT-PO-1002": str(ID)}
    assert result.refused == {"FICT-PO-1003": "示例：SKU不存在"}
    assert result.unknown == ["FICT-PO-1004"]


@pytest.mark.contracts
@pytest.mark.parametrize(
    ("sample", "created_ids", "refused"),
    [("success", {"FICT-PO-1002": str(ID)}, []), ("duplicate", {}, ["FICT-PO-1002"])],
)
def test_the_vendors_other_samples_of_a_create(
    lingxing: Vendor, client: LingXingClient, sample: str, created_ids: dict[str, str], refused: list[str]
) -> None:
    lingxing.answers(paths.CREATE_ORDERS, contracts.sample_bytes(f"lingxing-create-{sample}.json"))

    result = created(client, "FICT-PO-1002")

    assert result.created == created_ids
    assert list(result.refused) == refused


@pytest.mark.parametrize(
    "data",
    [
        {"success_details": [{"platform_order_no": "PO-1", "global_order_no": ODD_ID}], "error_details": None},
        [{"success_details": [{"platform_order_no": "PO-1", "global_order_no": str(ODD_ID)}], "error_details": []}],
        [{"platform_order_no": " PO-1 ", "global_order_no": ODD_ID}],
        {"success_details": {"platform_order_no": "PO-1", "global_order_no": ODD_ID}},
    ],
)
def test_a_created_order_is_found_in_every_shape_of_data(lingxing: Vendor, client: LingXingClient, data: Any) -> None:
    lingxing.gives(paths.CREATE_ORDERS, data)

    assert created(client, "PO-1") == CreateResult(created={"PO-1": str(ODD_ID)})


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        "ok",
        [None, "x"],
        {"success_details": None, "error_details": None},
        {"success_details": [{"platform_order_no": "PO-9", "global_order_no": 5}]},
        {
            "success_details": [{"platform_order_no": "PO-1", "global_order_no": 5}],
            "error_details": [{"platform_order_no": "PO-1", "error_message": "no"}],
        },
    ],
)
def test_a_number_of_which_the_reply_says_nothing_clear_is_unknown(
    lingxing: Vendor, client: LingXingClient, data: Any
) -> None:
    lingxing.gives(paths.CREATE_ORDERS, data)

    assert created(client, "PO-1") == CreateResult(unknown=["PO-1"])


def test_a_success_without_the_orders_number_is_not_taken_for_a_refusal(
    lingxing: Vendor, client: LingXingClient
) -> None:
    lingxing.gives(paths.CREATE_ORDERS, {"success_details": [{"platform_order_no": "PO-1"}], "error_details": []})

    assert created(client, "PO-1") == CreateResult(unknown=["PO-1"])


def test_a_call_refused_as_a_whole_is_rejected(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.refuses(paths.CREATE_ORDERS, 102, "参数不合法", error_details=["store_id"])

    with pytest.raises(Rejected, match="参数不合法; store_id"):
        created(client, "PO-1")


def test_nothing_to_create_or_cancel_needs_no_call(lingxing: Vendor, client: LingXingClient) -> None:
    assert client.create_orders("1", []) == CreateResult()
    assert client.cancel_orders([]) == client.intercept_outbound([]) == CancelResult()
    assert lingxing.requests == []


def test_a_number_twice_in_a_call_is_a_mistake_of_the_caller(client: LingXingClient) -> None:
    with pytest.raises(ValueError, match="only once"):
        created(client, "PO-1", "PO-1")


@pytest.mark.contracts
def test_every_body_of_a_create_is_as_published(lingxing: Vendor, client: LingXingClient) -> None:
    schema = contracts.request_schema("lingxing-openapi.yaml", "post", paths.CREATE_ORDERS)
    lingxing.gives(paths.CREATE_ORDERS, [])

    client.create_orders("110000000000000001", [full_order(), new_order()])

    schema.validate(lingxing.sent())


@pytest.mark.contracts
def test_a_published_request_can_be_built_from_our_order() -> None:
    published = contracts.sample("lingxing-create-request.json")["orders"][0]

    order = new_order(**{**published, "items": [NewErpLine(**line) for line in published["items"]]})

    assert order.payload() == json.loads(json.dumps(published))


def test_an_order_leaves_out_what_it_does_not_have_and_strips_the_rest() -> None:
    order = new_order(" PO-1 ", receiver_name=" Ada\tExample ", address_line2="  ", postal_code=None, remark="a\x00b")

    assert order.payload() == {
        "platform_order_no": "PO-1",
        "receiver_name": "Ada Example",
        "receiver_country_code": "US",
        "city": "Springfield",
        "address_line1": "1 Nowhere Road",
        "remark": "a b",
        "items": [{"msku": "SKU-A", "quantity": 2, "unit_price": "12.50"}],
    }


@pytest.mark.parametrize(
    ("price", "sent"), [("12.5", "12.50"), ("8", "8.00"), ("0", "0.00"), ("1E+2", "100.00"), ("1.005", "1.005")]
)
def test_prices_are_sent_as_text_and_never_rounded(price: str, sent: str) -> None:
    assert NewErpLine(sku="A", quantity=1, unit_price=Decimal(price)).payload()["unit_price"] == sent


@pytest.mark.parametrize(
    "changes",
    [
        {"wid": "50"},
        {"logistics_type_id": "825"},
        {"receiver_name": "  "},
        {"city": ""},
        {"items": []},
        {"address_type": 3},
        {"platform_order_no": ""},
        {"unknown_member": "x"},
    ],
)
def test_an_incomplete_order_cannot_be_built(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        new_order(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"sku": None},
        {"sku": " "},
        {"quantity": 0},
        {"quantity": 1.5},
        {"unit_price": Decimal("-1")},
        {"unit_price": Decimal("NaN")},
        {"unit_price": Decimal("Infinity")},
    ],
)
def test_an_impossible_line_cannot_be_built(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NewErpLine(**{"sku": "A", "quantity": 1, "unit_price": Decimal(1)} | changes)


@pytest.mark.contracts
def test_the_vendors_sample_of_a_partly_refused_cancellation(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.answers(paths.CANCEL_ORDERS, contracts.sample_bytes("lingxing-cancel-order.json"))

    result = client.cancel_orders(["103664089112657920", "103664089112657921"])

    assert lingxing.sent() == {"order_list": ["103664089112657920", "103664089112657921"]}
    assert result == CancelResult({"103664089112657921": "订单不存在！"}, ["103664089112657920"])
    contracts.request_schema("lingxing-openapi.yaml", "post", paths.CANCEL_ORDERS).validate(lingxing.sent())


@pytest.mark.contracts
@pytest.mark.parametrize("comment", ["", "the retailer cancelled"])
def test_the_vendors_sample_of_a_refused_interception(lingxing: Vendor, client: LingXingClient, comment: str) -> None:
    lingxing.answers(paths.INTERCEPT_OUTBOUND, contracts.sample_bytes("lingxing-cancel-wms.json"))

    result = client.intercept_outbound(["103664089112657921"], comment)

    assert lingxing.sent()["tagType"] == "3-17"
    assert lingxing.sent().get("orderComment", "") == comment
    assert result == CancelResult({"103664089112657921": "该单号正在截单中"}, [])
    contracts.request_schema("lingxing-openapi.yaml", "post", paths.INTERCEPT_OUTBOUND).validate(lingxing.sent())


@pytest.mark.parametrize(
    ("data", "failed", "submitted"),
    [
        ({"success_num": 2, "fail_num": 0, "failure_info": []}, [], ["1", "2"]),
        ({"success_num": "2", "failure_info": None}, [], ["1", "2"]),
        ({"success_num": 0, "fail_num": 2, "process_code": 10001, "failure_info": []}, ["1", "2"], []),
        ({"failure_info": [{"global_order_no": 1, "message": "x"}, {"global_order_no": 2}]}, ["1", "2"], []),
        ({"success_num": 1, "fail_num": 1, "failure_info": [{"global_order_no": 2}]}, ["2"], ["1"]),
    ],
)
def test_a_cancellation_is_decided_by_counts_and_named_failures(
    lingxing: Vendor, client: LingXingClient, data: Any, failed: list[str], submitted: list[str]
) -> None:
    lingxing.gives(paths.CANCEL_ORDERS, data)

    result = client.cancel_orders(["1", "2"])

    assert (list(result.failed), result.submitted) == (failed, submitted)
    assert all(result.failed.values())


@pytest.mark.parametrize("data", [None, {}, [], {"success_num": 1, "fail_num": 1, "failure_info": []}])
def test_a_cancellation_that_does_not_say_which_orders_it_took_is_uncertain(
    lingxing: Vendor, client: LingXingClient, data: Any
) -> None:
    lingxing.gives(paths.CANCEL_ORDERS, data)

    with pytest.raises(Uncertain) as caught:
        client.cancel_orders(["1", "2"])

    assert caught.value.code == "unclear_outcome"
