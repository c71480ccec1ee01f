"""Every payload that differs is kept, with what changed in it, at the price of one insert a page."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from pydantic.alias_generators import to_camel

from integrations.dsco.schemas.orders import DscoAddress, DscoOrder, DscoOrderLine, DscoPackage
from orders.models import OrderVersion
from orders.payload_words import ALWAYS, PARTS, WORDS, path_in_words, subjects
from orders.versions import MISSING, MOST_PATHS, changed_paths, differences
from tests.orders.factories import later, raw_line, raw_order, store, stored

pytestmark = pytest.mark.django_db
# Names of things; DSCO gives the thing another name only with another thing.
NEVER_CHANGE = {
    "dscoOrderId", "dscoItemId", "dscoRetailerId", "dscoSupplierId", "dscoSupplierName", "dscoTradingPartnerId",
    "dscoTradingPartnerName", "upc", "ean", "lineNumber", "channel", "orderType", "dscoCreateDate",
    "retailerCreateDate",
}  # fmt: skip


def versions(raw: dict[str, Any]) -> list[OrderVersion]:
    return list(OrderVersion.objects.filter(order__dsco_order_id=raw["dscoOrderId"]).order_by("pk"))


def test_the_first_version_is_kept_at_first_sight() -> None:
    raw = raw_order()
    order = stored(raw)
    (first,) = versions(raw)
    assert (first.payload, first.changed, first.received_at) == (order.payload, [], order.first_seen_at)


def test_a_changed_payload_is_kept_with_the_paths_that_differ() -> None:
    raw = raw_order()
    store(raw)
    store(later(raw, lineItems=[raw_line(1, cancelledQuantity=1)], dscoStatus="shipment_pending"))
    _first, second = versions(raw)
    assert set(second.changed) == {"dscoLastUpdate", "lineItems[0].cancelledQuantity", "dscoStatus"}
    assert second.payload["lineItems"][0]["cancelledQuantity"] == 1


def test_an_unchanged_or_older_payload_is_no_version() -> None:
    raw = raw_order()
    changed = later(raw, dscoStatus="shipment_pending")
    store(raw)
    store(changed)
    store(changed)
    store(raw)
    assert len(versions(raw)) == 2


def test_members_in_another_order_are_no_version() -> None:
    raw = raw_order()
    store(raw)
    store(dict(reversed(list(raw.items()))))
    assert len(versions(raw)) == 1


def test_an_order_that_cannot_be_read_keeps_its_versions_too() -> None:
    raw = raw_order(lineItems=[raw_line(1, quantity="two")])
    store(raw)
    store(later(raw, lineItems=[raw_line(1, quantity=2)]))
    assert [version.changed for version in versions(raw)] == [[], ["dscoLastUpdate", "lineItems[0].quantity"]]


def test_a_page_costs_one_insert_for_its_versions_and_one_look_at_what_was_there() -> None:
    raws = [raw_order() for _ in range(20)]
    store(*raws)
    with CaptureQueriesContext(connection) as queries:
        store(*(later(raw, dscoStatus="shipment_pending") for raw in raws))
    inserts = [query["sql"] for query in queries if 'INSERT INTO "orders_orderversion"' in query["sql"]]
    assert len(inserts) == 1
    assert OrderVersion.objects.count() == 40


def test_differences_name_what_came_and_what_went() -> None:
    before = {"a": 1, "b": [1, 2], "c": {"d": None}, "gone": True}
    after = {"a": 1, "b": [1, 3, 4], "c": {"d": ""}, "new": {}}
    assert list(differences(before, after)) == [
        ("b[1]", 2, 3), ("b[2]", MISSING, 4), ("c.d", None, ""), ("gone", True, MISSING), ("new", MISSING, {}),
    ]  # fmt: skip


def test_a_number_that_became_text_differs() -> None:
    assert changed_paths({"a": 1}, {"a": "1"}) == ["a"]
    assert changed_paths({"a": 1}, {"a": True}) == ["a"]


def test_no_more_paths_than_people_read() -> None:
    assert len(changed_paths({}, {str(number): number for number in range(1000)})) == MOST_PATHS


def test_a_change_is_told_in_the_words_of_staff() -> None:
    paths = [
        "dscoLastUpdate", "dscoLifecycle", "lineItems[0].activity[1]", "lineItems[0].shippedQuantity",
        "lineItems[1].shippedQuantity", "packages[0]", "packages[1].packageShipDate", "newAttribute.introduced",
    ]  # fmt: skip
    assert subjects(paths) == [
        "lifecycle", "lines: DSCO's record of what was done", "lines: shipped quantity", "packages",
        "packages: ship date", "newAttribute.introduced",
    ]  # fmt: skip
    assert path_in_words("lineItems[1].shippedQuantity") == "Lines 2: shipped quantity"
    assert path_in_words("newAttribute.introduced") == ""
    with translation.override("zh-hans"):
        assert subjects(["packages[0].packageShipDate"]) == ["包裹：发货日期"]


def test_every_member_that_the_product_reads_has_words() -> None:
    """What staff may see change: each member of the order, its lines, packages and address that is read."""
    for model in (DscoOrder, DscoOrderLine, DscoPackage, DscoAddress):
        names = {to_camel(name) for name in model.model_fields}
        assert names - WORDS.keys() - PARTS.keys() - {ALWAYS} - NEVER_CHANGE == set(), model
