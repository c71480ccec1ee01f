"""What staff do every day, in a real browser."""

from __future__ import annotations

import pytest

from integrations.flows import run_flow
from inventory.models import SkuMapping
from orders.models import ErpPush

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def parked(world):
    """Three orders, one of them parked for a SKU that is not mapped."""
    order = world.dsco.add_order(lines=[{"sku": "NOT-MAPPED", "quantity": 1}], po_number="PO-PARKED")
    world.dsco.add_orders(2)
    world.lingxing.add_product("LX-NEW", available={"50": 5})
    run_flow("pull_orders")
    run_flow("push_orders")
    return str(order["dscoOrderId"])


def test_a_parked_order_is_found_by_its_po_number_and_says_what_to_do(page, parked):
    page.goto("/admin/orders/order/")
    page.fill("#searchbar", "PO-PARKED")
    page.press("#searchbar", "Enter")
    page.click(f"text={parked}")
    page.wait_for_selector("text=NOT-MAPPED has no SKU mapping")


def test_a_mapping_that_is_added_releases_the_order(page, parked, world):
    page.goto("/admin/inventory/skumapping/add/")
    page.fill("#id_dsco_sku", "NOT-MAPPED")
    page.fill("#id_erp_sku", "LX-NEW")
    page.click("button[name=_save], input[name=_save]")
    page.wait_for_url("**/admin/inventory/skumapping/")
    assert SkuMapping.objects.filter(dsco_sku="NOT-MAPPED").exists()
    assert ErpPush.objects.get(order__dsco_order_id=parked).status == "due"
    run_flow("push_orders")
    assert world.lingxing.effect_count("erp_order", parked) == 1


def test_no_page_loads_anything_from_the_internet(page, parked, live_server):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/admin/", "/admin/orders/order/", "/admin/integrations/flow/", "/api/docs/"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
    assert [url for url in asked if not url.startswith((live_server.url, "data:", "blob:"))] == []
