"""The commands ``loadmappings``, ``orderstatus`` and ``retry``."""

from __future__ import annotations

import json
from datetime import datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from integrations.models import Attempt
from inventory.models import SkuMapping, WarehouseMapping
from orders.models import ErpOrder, ErpPush, Order, OrderErpLink, ShippingMapping, Store, StoreMapping

from .factories import push_of, raw_order, store, stored

pytestmark = pytest.mark.django_db

GOOD = {
    "stores": {"R1": "110000000000000001", "R2": 110000000000000001},
    "store_sids": {"110000000000000001": 77},
    "warehouses": {"EAST": 50},
    "skus": {"SKU-1": "LX-1", "SKU-2": "LX-2"},
    "shipping": {"EAST|FEHD": "825", "*|FECG": 826},
}


def run(*arguments: str) -> str:
    """Run a command and return what it printed."""
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def load(tmp_path, content, *options: str):
    """Load mappings from a file with this content (a dict, or text as it is)."""
    path = tmp_path / "mappings.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return json.loads(run("loadmappings", str(path), *options))


def refused(tmp_path, content) -> str:
    """Load a bad file; return the message, having checked that nothing was changed."""
    with pytest.raises(CommandError) as problem:
        load(tmp_path, content)
    assert problem.value.returncode == 2
    models = (Store, StoreMapping, WarehouseMapping, SkuMapping, ShippingMapping)
    assert not any(model.objects.exists() for model in models)
    return str(problem.value)


# --- loadmappings ----------------------------------------------------------------------------------


def test_mappings_are_loaded_and_counted(tmp_path):
    counts = load(tmp_path, GOOD)
    assert counts["stores"] == {"created": 2, "updated": 0, "unchanged": 0}
    assert counts["skus"]["created"] == counts["shipping"]["created"] == 2
    assert StoreMapping.objects.get(retailer_id="R2").store.store_id == "110000000000000001"
    assert Store.objects.get().sid == "77"
    assert WarehouseMapping.objects.get().wid == "50"
    assert ShippingMapping.objects.get(warehouse_code="*").logistics_type_id == "826"


def test_loading_the_same_file_again_changes_nothing(tmp_path):
    load(tmp_path, GOOD)
    counts = load(tmp_path, GOOD)
    for section in ("stores", "store_sids", "warehouses", "skus", "shipping"):
        assert (counts[section]["created"], counts[section]["updated"]) == (0, 0)
    assert counts["skus"]["unchanged"] == 2


def test_changed_mappings_are_updated_with_their_history(tmp_path):
    load(tmp_path, GOOD)
    counts = load(tmp_path, GOOD | {"skus": {"SKU-1": "LX-9"}, "warehouses": {"EAST": "51"}})
    assert counts["skus"] == {"created": 0, "updated": 1, "unchanged": 0}
    assert SkuMapping.objects.get(dsco_sku="SKU-1").erp_sku == "LX-9"
    assert SkuMapping.objects.get(dsco_sku="SKU-2").erp_sku == "LX-2"
    history = SkuMapping.history.filter(dsco_sku="SKU-1").order_by("history_id")
    assert list(history.values_list("erp_sku", flat=True)) == ["LX-1", "LX-9"]


def test_a_mapping_that_counted_for_stock_only_takes_the_orders_over(tmp_path):
    SkuMapping.objects.create(dsco_sku="S", erp_sku="OLD")
    SkuMapping.objects.create(dsco_sku="S", erp_sku="NEW", for_orders=False)
    counts = load(tmp_path, {"skus": {"S": "NEW"}})
    assert counts["skus"] == {"created": 0, "updated": 1, "unchanged": 0}
    assert dict(SkuMapping.objects.values_list("erp_sku", "for_orders")) == {"OLD": False, "NEW": True}


def test_a_dry_run_counts_and_changes_nothing(tmp_path):
    counts = load(tmp_path, GOOD, "--dry-run")
    assert counts["dry_run"] is True
    assert counts["stores"]["created"] == 2
    assert not Store.objects.exists()
    assert not SkuMapping.history.exists()


def test_mappings_release_the_pushes_that_waited_for_them(tmp_path):
    raw = raw_order()
    store(raw)
    ErpPush.objects.update(status="needs_attention", due_at=None, reason_code="unmapped_store")
    assert load(tmp_path, {"stores": {"R1": "1"}})["released"] == 0
    assert load(tmp_path, GOOD)["released"] == 1
    assert push_of(raw).status == "due"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{not json", "not JSON"),
        ("[]", "one JSON object"),
        ({"skuz": {}}, "skuz: there is no such section"),
        ({"skus": []}, "skus: "),
        ({"skus": None}, "skus: "),
        ({"skus": {"A": 1.5}}, 'skus["A"]: must be a text or a whole number'),
        ({"warehouses": {"A": 5e3}}, 'warehouses["A"]'),
        ({"warehouses": {"A": True}}, 'warehouses["A"]'),
        ({"warehouses": {"A": None}}, 'warehouses["A"]'),
        ({"warehouses": {"": "5"}}, "must not be empty"),
        ({"skus": {"A": "  "}}, "must not be empty"),
        ({"stores": {"R" * 65: "1"}}, "longer than 64"),
        ({"shipping": {"EAST": "1"}}, "WAREHOUSE|SERVICE_LEVEL"),
        ({"shipping": {"EAST|": "1"}}, "WAREHOUSE|SERVICE_LEVEL"),
        ('{"skus": {"A": "1", "A": "2"}}', '"A" stands twice'),
        ('{"skus": {"A": "1", " A ": "2"}}', "stands twice"),
        ('{"skus": {}, "skus": {}}', '"skus" stands twice'),
        ('{"shipping": {"E|F": "1", "E | F": "2"}}', "stands twice"),
    ],
)
def test_a_bad_file_is_refused_whole(tmp_path, content, expected):
    assert expected in refused(tmp_path, content)


def test_every_problem_of_a_file_is_named_at_once(tmp_path):
    message = refused(tmp_path, GOOD | {"skus": {"A": 1.5, "B": None}, "extra": {}})
    assert message.count("\n") == 3


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match="cannot be read") as problem:
        run("loadmappings", str(tmp_path / "absent.json"))
    assert problem.value.returncode == 2


# --- orderstatus -----------------------------------------------------------------------------------


def test_the_trace_of_an_order_as_json():
    raw = raw_order("42")
    order = stored(raw)
    ErpPush.objects.update(
        status="succeeded", due_at=None, attempts=2, last_attempt_at=timezone.now(), remote_reference="1036"
    )
    erp_order = ErpOrder.objects.create(global_order_no="1036", read_at=timezone.now())
    OrderErpLink.objects.create(order=order, erp_order=erp_order)
    status = json.loads(run("orderstatus", "42", "--json"))
    assert list(status) == ["dsco_order_id", "po_number", "stage", "held", "lingxing_order_numbers", "deliveries"]
    assert (status["dsco_order_id"], status["po_number"], status["held"]) == ("42", raw["poNumber"], False)
    assert status["lingxing_order_numbers"] == ["1036"]
    assert [row["kind"] for row in status["deliveries"]] == ["erp_push", "acknowledgement", "shipment", "invoice"]
    push = status["deliveries"][0]
    assert set(push) == {
        "kind", "status", "attempts", "last_error_code", "last_error", "last_attempt_at", "next_attempt_at",
        "remote_reference",
    }  # fmt: skip
    assert (push["status"], push["attempts"], push["remote_reference"]) == ("succeeded", 2, "1036")
    assert datetime.fromisoformat(push["last_attempt_at"]).utcoffset().total_seconds() == 0
    assert push["next_attempt_at"] is None


def test_the_trace_of_an_order_as_text():
    store(raw_order("42", lineItems=[{"quantity": "x"}]))
    text = run("orderstatus", "42")
    assert "Order 42" in text
    assert "needs_attention" in text
    assert "lineItems[0].quantity" in text


def test_an_unknown_order_has_no_trace():
    with pytest.raises(CommandError, match="no order with the DSCO order id 404") as problem:
        run("orderstatus", "404")
    assert problem.value.returncode == 1


def test_a_po_number_in_place_of_the_id_is_helped_along():
    store(raw_order("42", poNumber="PO-9"))
    with pytest.raises(CommandError, match="belongs to: 42"):
        run("orderstatus", "PO-9")


# --- retry -----------------------------------------------------------------------------------------


def failed(*ids: str, status: str = "failed") -> None:
    """Store orders whose push has failed."""
    store(*(raw_order(order_id) for order_id in ids))
    ErpPush.objects.filter(order__dsco_order_id__in=ids).update(status=status, due_at=None, reason_code="refused")


def test_failed_and_parked_pushes_are_due_again():
    failed("1", "2")
    failed("3", status="needs_attention")
    failed("4", status="skipped")
    assert json.loads(run("retry", "--kind", "erp_push")) == {"kind": "erp_push", "retried": 3}
    assert list(ErpPush.objects.order_by("pk").values_list("status", flat=True)) == ["due"] * 3 + ["skipped"]
    assert Attempt.objects.filter(kind="erp_push", actor="command retry").count() == 3


def test_only_the_named_orders_are_retried():
    failed("1", "2", "3")
    printed = run("retry", "--kind", "erp_push", "--order", "1", "--order", "3")
    assert json.loads(printed)["retried"] == 2
    states = dict(ErpPush.objects.values_list("order__dsco_order_id", "status"))
    assert states == {"1": "due", "2": "failed", "3": "due"}


def test_what_may_have_happened_is_verified_first():
    failed("1", status="needs_attention")
    ErpPush.objects.update(maybe_sent=True)
    run("retry", "--kind", "erp_push")
    assert ErpPush.objects.get().status == "uncertain"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--kind", "nonsense"), "no kind 'nonsense'"),
        (("--kind", "erp_push", "--order", "1", "--order", "404"), "Unknown orders: 404"),
    ],
)
def test_bad_use_of_retry_changes_nothing(arguments, message):
    failed("1")
    with pytest.raises(CommandError, match=message) as problem:
        run("retry", *arguments)
    assert problem.value.returncode == 2
    assert ErpPush.objects.get().status == "failed"


# --- finding orders --------------------------------------------------------------------------------


def test_orders_are_found_by_any_number():
    from orders.finding import find_orders
    from orders.models import Invoice, Package

    order = stored(raw_order("42", poNumber="PO-9"))
    store(raw_order("43"))
    erp_order = ErpOrder.objects.create(global_order_no="1036", read_at=timezone.now())
    OrderErpLink.objects.create(order=order, erp_order=erp_order)
    Package.objects.create(order=order, wo_number="WO1", tracking_number="1Z9", read_at=timezone.now())
    Invoice.objects.filter(order=order).update(invoice_id="PO-9-2")
    for number in ("42", "PO-9", "1036", "WO1", " 1Z9 ", "PO-9-2"):
        assert [found.dsco_order_id for found in find_orders(number)] == ["42"], number
    assert not find_orders("nothing")
    assert not find_orders("  ")
    assert Order.objects.count() == 2
