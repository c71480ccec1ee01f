"""The longer journeys of staff, from the page to the vendor: a failure, three packages, a bulk run, a paused flow."""

from __future__ import annotations

import csv
from typing import Any

import pytest
from django.core.cache import cache
from django_q.models import OrmQ

from integrations.bulk import carry_out
from integrations.deliveries.states import State
from integrations.models import BulkRun, Flow
from orders.models import ErpPush, Order
from tests.orders.journeys import run, shipment_of
from tests.staff.packages.test_end_to_end import effects, in_three_packages

from .main_pages import choose_all

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ROWS = 2000


def work_off_the_queue() -> None:
    """Do what the workers do with the flows that a page handed to them."""
    for job in OrmQ.objects.all():
        if job.task["func"] == "integrations.tasks.run_scheduled_flow":
            run(job.task["args"][0])
        job.delete()


def test_a_failure_is_found_by_its_po_number_and_retried(page: Any, world: Any) -> None:
    raw = world.dsco.add_order(lines=[{"sku": "HP-LAMP-01", "quantity": 1}], po_number="PO-REFUSED")
    world.lingxing.refuse_order(str(raw["dscoOrderId"]), "仓库不支持该地址")
    run("pull_orders")
    run("push_orders")
    push = ErpPush.objects.get(order__po_number="PO-REFUSED")
    assert push.status == State.FAILED

    page.goto("/admin/")
    page.fill("#ob-find", "PO-REFUSED")
    page.press("#ob-find", "Enter")
    page.wait_for_url("**/admin/orders/order/*/change/")
    step = page.locator("section[aria-labelledby=ob-order-steps] tr", has_text="ERP push")
    assert "Failed" in step.inner_text()
    assert "仓库不支持该地址" in step.inner_text()
    world.lingxing.refuse_order(str(raw["dscoOrderId"]), "")
    step.get_by_role("button", name="Retry now").click()
    page.wait_for_selector("text=Due")
    run("push_orders")
    page.reload()
    assert "Succeeded" in step.inner_text()
    assert world.lingxing.effect_count("erp_order", str(raw["dscoOrderId"])) == 1


def test_three_packages_are_composed_previewed_and_sent_in_one_report(page: Any, sandbox: Any) -> None:
    order_id = in_three_packages(sandbox)
    page.goto("/admin/")
    page.click("text=Packages to decide")
    page.click(f"text={order_id}")
    lamps = page.locator("tr[data-line]", has_text="LAMP")
    lamps.locator("input").nth(0).fill("1")
    assert "1 left" in lamps.locator("output").inner_text()
    lamps.locator("input").nth(0).fill("2")
    assert "complete" in lamps.locator("output").inner_text()
    page.fill("[name=p0-carrier]", "UPS")
    page.fill("[name=p2-tracking_number]", "TYPED-3")
    page.click("text=Check and preview")
    page.wait_for_selector("text=TYPED-3")
    page.click("text=Confirm and report 3 packages")
    page.wait_for_selector("text=Confirmed by mei")
    run("report_shipments")
    assert shipment_of(order_id).status == State.SUCCEEDED
    assert sandbox.requests["dsco", "single_shipment"] == 1
    sent = effects(sandbox, order_id)
    assert [one["trackingNumber"] for one in sent] == ["T-1", "T-2", "TYPED-3"]
    assert sandbox.violations == []


@pytest.fixture
def many_failures(transactional_db: None, sandbox: Any) -> None:
    now = "2026-03-01T08:00:00Z"
    Order.objects.bulk_create(
        Order(dsco_order_id=str(8_000_000 + n), po_number=f"PO-{n}", retailer_id="R1", first_seen_at=now, read_at=now)
        for n in range(ROWS)
    )
    ErpPush.objects.bulk_create(
        ErpPush(order=order, key=f"erp_push:{order.dsco_order_id}", platform_order_no=order.dsco_order_id,
                status=State.FAILED, last_error_code="20001")
        for order in Order.objects.all()
    )  # fmt: skip


def test_two_thousand_rows_are_retried_with_progress_and_a_result(
    page: Any, many_failures: None, tmp_path: Any
) -> None:
    page.goto("/admin/orders/erppush/?status__in=failed")
    choose_all(page, "retry_now", everywhere=True)
    page.wait_for_selector("text=2000 rows will be acted on")
    page.get_by_role("button", name="2,000").click()
    page.wait_for_url("**/admin/integrations/bulkrun/*/change/")
    figures = page.locator("[data-show=done]")
    assert figures.inner_text() == "0"

    bulk = BulkRun.objects.get()
    carry_out(bulk.pk, budget_seconds=0)  # one chunk, then back to the queue
    page.wait_for_function("document.querySelector('[data-show=done]').textContent === '200'")
    assert page.locator("progress").evaluate("bar => bar.value") == 10
    carry_out(bulk.pk)
    page.wait_for_function("document.querySelector('[data-show=done]').textContent === '2000'")
    page.wait_for_selector("text=Finished")
    with page.expect_download() as download:
        page.click("text=Result of every row (CSV)")
    download.value.save_as(tmp_path / "result.csv")
    rows = list(csv.DictReader((tmp_path / "result.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == ROWS
    assert ErpPush.objects.filter(status=State.DUE).count() == ROWS


def test_a_flow_is_paused_with_a_reason_resumed_and_run(page: Any, world: Any) -> None:
    world.dsco.add_order()
    page.goto("/admin/integrations/flow/")
    page.click("text=Pull orders from DSCO")
    page.click("text=Pause …")
    page.fill("textarea", "The retailer asked us to wait")
    page.click("button:has-text('Pause')")
    page.wait_for_selector("text=Paused.")
    page.goto("/admin/integrations/flow/")
    assert "Paused" in page.locator("tr", has_text="pull_orders").inner_text()
    cache.clear()  # the start page keeps what it read for some seconds
    page.goto("/admin/")
    assert "Paused" in page.locator("section[aria-labelledby=ob-flows] tr", has_text="Pull orders").inner_text()
    flow = Flow.objects.get(name="pull_orders")
    assert (flow.paused, flow.pause_reason) == (True, "The retailer asked us to wait (mei)")

    page.goto(f"/admin/integrations/flow/{flow.pk}/change/")
    page.click("button:has-text('Resume')")
    page.wait_for_selector("text=Resumed.")
    page.click("button:has-text('Run now')")
    page.wait_for_selector("text=Handed to the workers")
    work_off_the_queue()
    assert Order.objects.count() == 1
    page.goto("/admin/orders/order/")
    assert page.locator("#result_list .data-row").count() == 1
