"""An unmapped code is mapped where it is shown, chosen by name, and its order goes to LingXing."""

from __future__ import annotations

import pytest

from integrations.flows import run_flow
from integrations.lingxing.lists import read_lists
from orders.models import ErpPush

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_code_is_mapped_by_its_name_and_the_order_goes(page, world):
    order = world.dsco.add_order(lines=[{"sku": "NOT-MAPPED", "quantity": 1}])
    world.lingxing.add_product("LX-NEW", available={"50": 5}, msku="OTHER-MSKU", name="Hallway mirror")
    run_flow("pull_orders")
    run_flow("push_orders")
    read_lists()

    page.goto("/admin/unmapped/")
    field = page.get_by_label("ERP SKU: NOT-MAPPED")
    field.fill("mirror")
    page.wait_for_selector("datalist option[value='LX-NEW']", state="attached")
    field.fill("LX-NEW")
    page.click("text=Map what is filled in and retry all")
    page.wait_for_selector("text=goes to LingXing now")

    order_id = str(order["dscoOrderId"])
    assert ErpPush.objects.get(order__dsco_order_id=order_id).status == "due"
    run_flow("push_orders")
    assert world.lingxing.effect_count("erp_order", order_id) == 1


def test_a_mapping_that_came_filled_in_begins_at_its_first_empty_field(page):
    page.goto("/admin/inventory/skumapping/add/?dsco_sku=NOT-MAPPED")
    page.wait_for_function("document.activeElement.id === 'id_erp_sku'")
    page.goto("/admin/inventory/skumapping/add/")
    page.wait_for_function("document.activeElement.id === 'id_dsco_sku'")
