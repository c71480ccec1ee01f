"""Payloads as no vendor should send them: they end in rows, in a problem that staff see, or in an error that we know.

Good payloads are spoilt at random places with everything that JSON can say, and with bytes that are no JSON.
"""

from __future__ import annotations

import contextlib
import copy
import json
import random
import re
from datetime import UTC, datetime
from typing import Any

import pytest
import responses
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.admin.mapping_files import CodesCsv, CodesXlsx, UnreadableFile
from integrations.dsco import DscoClient
from integrations.dsco.messages import read_json
from integrations.errors import VendorError
from integrations.exports import write_xlsx
from integrations.lingxing import LingXingClient
from integrations.lingxing.auth import ACCESS_TOKEN_PATH
from integrations.sandbox.dsco import invented
from orders.intake import store_page
from orders.mapping_files import BadMappingFile, parse_mapping_file
from orders.models import Order

pytestmark = pytest.mark.django_db
often = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

# What programs trip over.
ODD = [
    None, True, False, 0, -1, 10**30, 2**63, 1.5, -0.0, 1e308, "", " ", "0", "-1", "1e999999999", "1E+400", "NaN",
    "Infinity", "nul\x00byte", "\ud800", "null", "[]", [], {}, [[]], [None], [{}], {"": None}, "0000-00-00",
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-02-30", "2026-03-01", "<script>", "=1+1",
    "x" * 5000, "９", "١٢", "1_000", "+5", "1.0",
]  # fmt: skip
odd = st.one_of(
    st.sampled_from(ODD),
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
                 lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
                 max_leaves=6),
)  # fmt: skip


def places(document: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a document can be spoilt."""
    found = [at] if at else []
    inside = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in inside:
        found += places(value, (*at, key))
    return found


@st.composite
def spoilt(draw: Any, document: Any) -> Any:
    """The document with one to four members replaced or gone."""
    copied = copy.deepcopy(document)
    for _each in range(draw(st.integers(1, 4))):
        known = places(copied)
        if not known:
            break
        *way, last = draw(st.sampled_from(known))
        holder = copied
        for key in way:
            holder = holder[key]
        if draw(st.integers(0, 4)) == 0 and isinstance(holder, dict):
            del holder[last]
        else:
            holder[last] = copy.deepcopy(draw(odd))
    return copied


def dsco_order(order_id: str = "9100000001") -> dict[str, Any]:
    randomness = random.Random(7)
    wanted = {"po_number": "PO-1", "retailer": "1000012345", "warehouse": "EAST", "service_level": "FEHD",
              "test": False, "status": "created", "lifecycle": "received", "sku": "LAMP", "quantity": 2}  # fmt: skip
    item = {"sku": "LAMP", "dscoItemId": "1", "partnerSku": "P", "upc": "1", "title": "Lamp", "cost": 12.5}
    line = {"lineNumber": 1, "quantity": 2, "expectedCost": "12.50", "consumerPrice": "25.00", **item}
    return invented.order(randomness, order_id, [line], datetime(2026, 3, 1, tzinfo=UTC).timestamp(), wanted)


def as_bytes(document: Any) -> bytes:
    return json.dumps(document).encode("utf-8", "surrogatepass")


@often
@given(content=spoilt({"scrollId": "", "orders": [dsco_order()]}).map(as_bytes) | st.binary(max_size=60))
def test_any_reply_of_dsco_ends_in_orders_or_in_an_error_that_we_know(settings: Any, content: bytes) -> None:
    settings.RATE_LIMIT_SCALE = 1e6
    base = "https://dsco.test/api/v3"
    now = timezone.now()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
        web.post(f"{base}/oauth2/token", json={"access_token": "t", "expires_in": 3600})
        web.get(f"{base}/order/page", body=content)
        web.get(f"{base}/order/page", body=b'{"orders": []}')
        with contextlib.suppress(VendorError):
            for page in DscoClient(base, "a", "b").order_pages(since=now, until=now):
                store_page(page, now)


@often
@given(orders=st.lists(spoilt(dsco_order()) | spoilt(dsco_order("9100000002")), min_size=1, max_size=3))
def test_an_order_that_is_spoilt_is_kept_with_its_problem_and_spoils_no_other(orders: list[Any]) -> None:
    Order.objects.all().delete()
    good = dsco_order("9100000009")
    result = store_page([*read_json(as_bytes(orders)), good], timezone.now())
    assert Order.objects.get(dsco_order_id="9100000009").problem == ""
    ids = {str(order.get("dscoOrderId")).strip() for order in orders if isinstance(order.get("dscoOrderId"), str | int)}
    for stored in Order.objects.exclude(dsco_order_id="9100000009"):
        assert stored.dsco_order_id
    assert Order.objects.count() + len(result.notes) >= 1 + bool(ids)


LINGXING_ROW = {
    "global_order_no": "103700000000000001", "platform_order_no": ["9100000001"], "status": 5, "store_id": "1100",
    "wid": 50,
    "platform_info": [{"platform_order_no": "9100000001", "platform_order_name": "PO-1", "delivery_time": 1763561100}],
    "item_info": [{"msku": "LAMP", "local_sku": "LX", "quantity": "2", "unit_price_amount": "12.50", "is_delete": "0"}],
    "address_info": {"receiver_name": "Ada", "address_line1": "x"}, "logistics_info": {"tracking_no": "T"},
    "update_time": "2026-03-01 10:00:00", "global_create_time": 1763561100, "order_number": "103700000000000001",
    "wo_number": "WO1", "tracking_no": "T-1", "product_info": [{"sku": "LX", "count": 2, "bundle_type": 0}],
    "sku": "LX", "product_valid_num": 5, "third_inventory": {"qty_sellable": 1}, "name": "x", "type": 1, "sid": "1",
    "type_id": "825", "is_used": 1, "product_total": 5, "product_lock_num": 0, "logistics_provider_id": "1",
}  # fmt: skip
LINGXING_REPLY = {
    "code": 0,
    "message": "success",
    "request_id": "r",
    "data": {"total": 1, "list": [LINGXING_ROW]},
    "total": 1,
}
READS = {
    "orders_by_platform_numbers": lambda client: client.orders_by_platform_numbers(["9100000001"]),
    "outbound_orders": lambda client: client.outbound_orders(platform_order_nos=["9100000001"]),
    "order_pages": lambda client: list(client.order_pages()),
    "inventory_pages": lambda client: list(client.inventory_pages(["50"])),
    "warehouses": lambda client: client.warehouses((1,)),
    "stores": lambda client: client.stores(),
    "pairs": lambda client: client.pairs(["1100"]),
    "logistics_types": lambda client: client.logistics_types((0,)),
}


@often
@given(read=st.sampled_from(sorted(READS)), content=spoilt(LINGXING_REPLY).map(as_bytes) | st.binary(max_size=60))
def test_any_reply_of_lingxing_ends_in_rows_or_in_an_error_that_we_know(
    settings: Any, read: str, content: bytes
) -> None:
    settings.RATE_LIMIT_SCALE = 1e6
    first = iter([content])

    def reply(request: Any) -> tuple[int, dict[str, str], bytes]:
        if ACCESS_TOKEN_PATH in request.url:
            token = {"access_token": "t", "refresh_token": "r", "expires_in": 7199}
            return 200, {}, as_bytes({"code": "200", "msg": "OK", "data": token})
        return 200, {}, next(first, as_bytes({"code": 0, "data": []}))

    with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
        web.add_callback("POST", re.compile("https://lingxing.test/.*"), reply)
        with contextlib.suppress(VendorError):
            READS[read](LingXingClient("https://lingxing.test", "ak_TestApp000001", "secret"))


@often
@given(content=st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
def test_any_file_is_a_table_or_is_refused_with_words(content: bytes) -> None:
    for reader in (CodesCsv(), CodesXlsx()):
        assert refusal_of(reader, content) != ""


def refusal_of(reader: Any, content: bytes) -> str | None:
    """Return why a file was refused; None for one that is a table."""
    try:
        reader.create_dataset(content)
    except UnreadableFile as refusal:
        return str(refusal)
    return None


WORKBOOK = write_xlsx(["dsco_sku", "erp_sku"], [["A", "B"], ["0012", 3]])


@often
@given(data=st.data())
def test_a_workbook_that_was_damaged_on_its_way_is_a_table_or_is_refused_with_words(data: Any) -> None:
    damaged = bytearray(WORKBOOK)
    for _each in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    for content in (bytes(damaged), bytes(damaged[:cut])):
        assert refusal_of(CodesXlsx(), content) != ""


MAPPINGS = {"stores": {"R1": "110"}, "store_sids": {"110": "7"}, "warehouses": {"EAST": "50"}, "skus": {"A": "B"},
            "shipping": {"EAST|FEHD": "825"}}  # fmt: skip


@often
@given(content=spoilt(MAPPINGS).map(as_bytes) | st.binary(max_size=60))
def test_any_mapping_file_is_read_or_refused_with_every_problem_named(content: bytes) -> None:
    problems: list[str] | None = None
    try:
        parse_mapping_file(content)
    except BadMappingFile as refusal:
        problems = refusal.problems
    assert problems != []
