"""Every answer of the LingXing stand-in keeps the published contract, and it accepts the published requests."""

from __future__ import annotations

import pytest

from tests import contracts

from .lingxing_caller import PATHS, STORE, Caller, new_order

SPEC = "lingxing-openapi.yaml"

pytestmark = pytest.mark.contracts


@pytest.fixture(scope="module")
def caller():
    contracts.folder()
    made = Caller()
    made.create(*[str(910000 + n) for n in range(12)])
    for n in range(1, 12):
        made.lingxing.audit(str(910000 + n))
    made.lingxing.label_only("910002")
    made.lingxing.ship("910003")
    made.lingxing.ship("910004", [{"lines": {"LX-A": 3}}, {"lines": {"LX-B": 2}, "tracking": "", "waybill": "W"}])
    made.lingxing.split("910005")
    made.lingxing.merge(["910006", "910007"])
    made.lingxing.cancel("910008")
    made.lingxing.resend("910003")
    made.lingxing.delete("910009")
    made.create("bundle", items=[{"sku": "LX-SET", "quantity": 1, "unit_price": "9.99"}])
    made.lingxing.ship("bundle")
    return made


def assert_kept(schema, answer):
    problems = [error.message for error in contracts.validator(SPEC, schema).iter_errors(answer)]
    assert problems == []
    assert "code" in answer


CALLS = [
    (
        "ListOrdersResponse",
        "list",
        {"offset": 0, "length": 100, "platform_order_nos": [str(910000 + n) for n in range(12)]},
    ),
    ("ListOrdersResponse", "list", {"offset": 0, "length": 20, "platform_order_nos": ["nothing"]}),
    ("ListWmsOrdersResponse", "wms", {"page": 1, "page_size": 200}),
    ("ListWmsOrdersResponse", "wms", {"platform_order_no_arr": ["nothing"]}),
    ("InventoryDetailsResponse", "inventory", {"wid": "50,51", "offset": 0, "length": 800}),
    ("ListWarehousesResponse", "warehouses", {"type": 3, "offset": 0, "length": 1000}),
    ("ListStoresResponse", "stores", {"offset": 0, "length": 200}),
    ("ListPairsResponse", "pairs", {"offset": 0, "length": 20}),
    ("ListPairsResponse", "pairs", {"use_cursor": True, "cursor_id": 0, "length": 20}),
    ("ListUsedLogisticsTypesResponse", "logistics", {"param": {"provider_type": 2, "page": 1, "length": 20}}),
    ("CancelOrderResponse", "cancel", {"order_list": ["1"]}),
    ("CancelWmsOrderResponse", "intercept", {"orderNumbers": ["1"], "tagType": "3-5"}),
    ("UpdateOrderResponse", "update", {"order_list": [{"global_order_no": 1, "order_item_list": []}]}),
    ("SetRemarkResponse", "remark", {"orders": [{"global_order_no": "1", "remark": "x"}]}),
    (
        "CreateOrdersResponse",
        "create",
        {"platform_code": 10009, "store_id": STORE, "orders": [new_order("910000"), new_order("new")]},
    ),
]


@pytest.mark.parametrize(("schema", "path", "body"), CALLS)
def test_answers_keep_the_contract(caller, schema, path, body):
    # Several times: types change from call to call.
    for _ in range(4):
        assert_kept(schema, caller.call(path, **body))


@pytest.mark.parametrize(("schema", "path", "body"), CALLS)
def test_the_requests_of_these_tests_keep_the_contract(schema, path, body):
    errors = contracts.request_schema(SPEC, "post", PATHS[path]).iter_errors(body)
    assert [error.message for error in errors] == []


def test_token_answers_keep_the_contract(caller):
    assert_kept("GetAccessTokenResponse", caller.fetch_token())


def test_errors_keep_the_contract(caller):
    caller.lingxing.steal_token()
    assert_kept("ErrorEnvelope", caller.call("stores"))
    caller.fetch_token()
    assert_kept("ErrorEnvelope", caller.call("wms", page=0))
    assert_kept("ErrorEnvelope", caller.call("/nowhere"))


def test_the_sample_request_creates_its_order():
    body = contracts.sample("lingxing-create-request.json")
    caller = Caller()
    caller.lingxing.pair("FICT-SKU-A", "LX-A", STORE)
    caller.lingxing.pair("FICT-SKU-B", "LX-B", STORE)
    answer = caller.call("create", **body)
    assert answer["data"]["error_details"] == []
    assert caller.violations.entries == []


@pytest.mark.parametrize(
    ("file", "path"),
    [("lingxing-order-list-single.json", "list"), ("lingxing-wms-one-package.json", "wms")],
)
def test_rows_have_the_members_of_the_samples_that_carry_meaning(caller, file, path):
    sample = contracts.sample(file)["data"]
    sample_row = sample["list"][0] if path == "list" else sample[0]
    row = caller.listed("910003")[0] if path == "list" else caller.outbound("910003")[0]
    meaningless = {"apportion_status", "is_advance_delivery", "is_check", "is_weigh"}
    missing = {name for name in set(sample_row) - set(row) - meaningless if not name.startswith(("pkg_", "is_"))}
    assert missing <= {
        "consignee_full_address",
        "logistics_estimated_freight",
        "logistics_estimated_freight_currency_code",
        "logistics_freight",
        "logistics_freight_currency_code",
        "target_country",
        "transfer_logistics_company_code",
        "transfer_logistics_company_id",
    }


def test_every_shape_knows_the_members_of_the_contract():
    from integrations.sandbox.lingxing.entrance import PATHS as OPERATIONS
    from integrations.sandbox.lingxing.request_shapes import REQUEST_SHAPES

    for path, operation in OPERATIONS.items():
        if operation in REQUEST_SHAPES:
            name = contracts.document(SPEC)["paths"][path]["post"]["requestBody"]["content"]["application/json"]
            schema = contracts.document(SPEC)["components"]["schemas"][name["schema"]["$ref"].rsplit("/", 1)[1]]
            assert_same_members(schema, REQUEST_SHAPES[operation], operation)


def assert_same_members(schema, shape, where):
    if schema.get("type") == "array":
        assert_same_members(schema["items"], shape.item, f"{where}[]")
    elif "properties" in schema:
        assert set(schema["properties"]) == set(shape.fields), where
        assert set(schema.get("required", [])) <= set(shape.required), where
        for name, part in schema["properties"].items():
            assert_same_members(part, shape.fields[name], f"{where}.{name}")
