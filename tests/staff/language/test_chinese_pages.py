"""Pages as staff who read Chinese see them: records called in words, one word for one thing, nothing raw."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import Schedule, Task

from integrations.alerts.words import spaced
from integrations.models import (
    Alert,
    ApiCall,
    Attempt,
    BatchSize,
    BulkRun,
    Cause,
    Flow,
    FlowRun,
    RateLimit,
    ShadowCall,
    Slot,
    VendorToken,
)
from inventory.models import SkuMapping
from orders.models import Cancellation, Discrepancy, ErpOrder, Order, OrderLine, Package

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, 30, tzinfo=timezone.get_fixed_timezone(0))


@pytest.fixture
def chinese(admin_client: Client) -> Client:
    admin_client.cookies["django_language"] = "zh-hans"
    return admin_client


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<(script|style|template)\b.*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL))


def content(page: Any) -> str:
    return plain(page.text.split('id="content"', 1)[-1])


def heading(page: Any) -> str:
    """The way to the page, above it."""
    assert page.status_code == 200
    return plain(re.search(r"<h1\b.*?</h1>", page.text, flags=re.DOTALL)[0])  # type: ignore[index]


def plain_title(page: Any) -> str:
    """What the browser's tab says."""
    return (
        re.sub(r"\s+", " ", re.search(r"<title>.*?</title>", page.text, flags=re.DOTALL)[0])
        .replace(  # type: ignore[index]
            "<title> ", "<title>"
        )
        .replace(" </title>", "</title>")
    )


def address(row: Any, what: str) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{what}", args=[row.pk])


def an_order() -> Order:
    order = Order.objects.create(
        dsco_order_id="1190000001", po_number="PO-1", retailer_id="1000041001", first_seen_at=NOW, read_at=NOW
    )
    OrderLine.objects.create(
        order=order, position=0, line_number=1, sku="HP-LAMP-01", title="Brass lamp", quantity=2,
        expected_cost=Decimal("15.1000"), retail_price=Decimal("0.3355"),
    )  # fmt: skip
    return order


def _alert() -> Alert:
    facts = {"step": "erp_push", "code": "unmapped_sku", "message": ""}
    return Alert.objects.create(kind="new_cause", key="k", subject="ERP push: SKU", facts=facts, raised_at=NOW)


def _shadow_call() -> ShadowCall:
    return ShadowCall.objects.create(
        kind="invoice", delivery_id=1, key="invoice:1190000001", vendor="dsco", made_at=NOW
    )


def _cause() -> Cause:
    return Cause.objects.create(
        key="c", kind="erp_push", vendor="lingxing", code="unmapped_sku", message="SKU X", first_seen_at=NOW,
        last_seen_at=NOW, opened_at=NOW,
    )  # fmt: skip


CALLED: list[tuple[Callable[[], Any], str, str]] = [
    (_alert, "推单: 缺少 SKU 映射", "ERP push"),
    (_cause, "缺少 SKU 映射", "unmapped_sku"),
    (_shadow_call, "发票 1190000001", "invoice:"),
    (lambda: RateLimit.objects.create(name="dsco:get_order", reserved_until=1), "DSCO · 读取单个订单", "get_order"),
    (lambda: Slot.objects.create(name="lingxing:/pb/mp/order/v2/list", position=1), "领星 · 读取订单", "/pb/"),
    (lambda: BatchSize.objects.create(name="lingxing:create_orders", size=20), "领星 · 创建订单", "create_orders"),
    (lambda: VendorToken.objects.create(vendor="lingxing", account="a"), "领星", "lingxing"),
    (
        lambda: Schedule.objects.create(
            func="integrations.tasks.run_scheduled_flow", args="'pull_orders'", name="pull_orders"
        ),
        "从 DSCO 拉取订单", "integrations.tasks",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("make", "words", "raw"), CALLED, ids=[raw for _make, _words, raw in CALLED])
def test_a_record_and_its_history_are_called_in_words(
    make: Callable[[], Any], words: str, raw: str, chinese: Client
) -> None:
    row = make()
    for what in ("change", "history"):
        shown = heading(chinese.get(address(row, what)))
        assert words in shown
        assert raw not in shown


def test_calls_of_an_attempt_and_of_a_run_are_told_in_words(chinese: Client) -> None:
    order = an_order()
    run = FlowRun.objects.create(flow="apply_cancellations", started_at=NOW)
    call = ApiCall.objects.create(
        vendor="dsco", operation="cancel_items", method="POST", path="/order/item/cancel", flow_run=run,
        started_at=NOW, duration_ms=5, status=200,
    )  # fmt: skip
    row = Cancellation.objects.create(order=order, key="cancellation:1:dsco", action="dsco")
    Attempt.objects.create(
        kind="cancellation", delivery_id=row.pk, action="send", started_at=NOW, outcome="succeeded", api_call=call
    )
    for page in (chinese.get(address(row, "change")), chinese.get(address(run, "change"))):
        assert "取消订单行" in content(page)
        assert "cancel_items" not in content(page)


def test_what_is_cancelled_is_a_table_of_lines(chinese: Client) -> None:
    order = an_order()
    lines = [{"position": 0, "quantity": 2}]
    row = Cancellation.objects.create(order=order, key="cancellation:1:dsco", action="dsco", lines=lines)
    shown = content(chinese.get(address(row, "change")))
    assert "1 HP-LAMP-01 Brass lamp 2" in shown
    assert "最近变更 20" in shown, "a time's name says that it is one"
    assert "position" not in shown


def test_codes_of_lingxing_and_prices_are_told_in_words(chinese: Client) -> None:
    order = an_order()
    package = Package.objects.create(order=order, wo_number="WO1", status=3, shipped=True, shipped_at=NOW, read_at=NOW)
    assert "出库状态 3 已发货 发货时间 2026-03-01 20:30:00" in content(chinese.get(address(package, "change")))
    merged = ErpOrder.objects.create(global_order_no="103", split_type=2, read_at=NOW)
    assert "来源 由多个订单合并" in content(chinese.get(address(merged, "change")))
    shown = content(chinese.get(address(OrderLine.objects.get(), "change")))
    assert "预期成本 15.10 " in shown
    assert "零售价 0.3355 " in shown, "fractions of a cent are not rounded away"


def test_a_difference_tells_status_and_time_as_people_read_them(chinese: Client) -> None:
    row = Discrepancy.objects.create(
        source="dsco_orders", kind="state", code="cancelled_at_dsco", subject="1190000001", fingerprint="f",
        ours={"status": "in_erp"}, theirs={"status": "cancelled", "updated": "2026-03-01T12:30:00.922000+00:00"},
        first_seen_at=NOW, last_seen_at=NOW, closed_at=NOW,
    )  # fmt: skip
    for page in (chinese.get(address(row, "change")), chinese.get("/admin/orders/discrepancy/")):
        shown = content(page)
        assert "已进入领星" in shown
        assert "整单取消 cancelled" in shown
        assert "2026-03-01 20:30:00" in shown
        assert "T12:30" not in shown
        assert "对象" in shown
    assert "关闭时间 2026-03-01 20:30:00" in content(chinese.get(address(row, "change")))


def test_deleting_reads_like_a_sentence(chinese: Client) -> None:
    mapping = SkuMapping.objects.create(dsco_sku="A", erp_sku="B")
    assert "删除SKU 映射" in content(chinese.get(address(mapping, "change"))), "the style sheet makes the room"
    assert "确定要删除SKU 映射“A → B”吗？" in content(chinese.get(address(mapping, "delete")))


def test_roles_are_called_roles(chinese: Client) -> None:
    for path in ("/admin/auth/group/", "/admin/auth/group/add/"):
        page = chinese.get(path)
        assert "角色" in heading(page)
        assert "组" not in heading(page)
    person = User.objects.create_user("mei")
    assert "用户拥有其全部角色的所有权限" in content(chinese.get(address(person, "change")))


def test_an_empty_audit_trail_says_what_will_stand_there(chinese: Client) -> None:
    assert "还没有人工操作" in content(chinese.get("/admin/audit/"))
    assert "请选择其他日期或人员" in content(chinese.get("/admin/audit/", {"day": "2026-03-01"}))


def test_empty_lists_contradict_nothing_beside_them(chinese: Client) -> None:
    assert "由领星自己的规则选择物流方式" in content(chinese.get("/admin/orders/shippingmapping/"))
    page = content(chinese.get("/admin/orders/discrepancy/"))
    assert "还没有对比过" in page
    assert "没有已知的差异" in page
    assert "以下表明系统正在运行" not in content(chinese.get("/admin/integrations/cause/"))


def test_the_audit_trail_names_flows_and_roles_in_words(chinese: Client, admin_user: User) -> None:
    Flow.objects.create(name="sync_inventory")
    for row in (Flow.objects.get(), Group.objects.get(name="lead")):
        LogEntry.objects.log_actions(admin_user.pk, [row], CHANGE, single_object=True)
    shown = content(chinese.get("/admin/audit/"))
    assert "流程：已变更 同步库存" in shown
    assert "角色：已变更 主管" in shown


def test_changed_fields_are_named_in_words_in_the_audit_trail_and_in_a_history(
    chinese: Client, admin_user: User
) -> None:
    SkuMapping.objects.create(dsco_sku="HP-1", erp_sku="LX-1")
    row = SkuMapping.objects.get()
    page = chinese.get(address(row, "change"))
    form = {name: value for name, value in page.context["adminform"].form.initial.items() if value not in (None, False)}
    chinese.post(address(row, "change"), {**form, "stock_buffer": "3"})
    assert "已修改安全库存。" in content(chinese.get("/admin/audit/"))
    chinese.post(
        address(admin_user, "change"), {"username": admin_user.username, "last_name": "Li", "email": "x@x.org"}
    )
    assert "Last name" not in content(chinese.get(address(admin_user, "history")))


def test_the_tab_of_a_flow_and_of_a_bulk_run_calls_it_as_the_page_does_once(chinese: Client, admin_user: User) -> None:
    flow = Flow.objects.create(name="pull_orders", interval_seconds=120)
    assert "<title>从 DSCO 拉取订单 | 修改流程 | OrderBridge</title>" in plain_title(
        chinese.get(address(flow, "change"))
    )
    run = BulkRun.objects.create(action="retry", subject="erp_push", total=3, created_by=admin_user)
    assert plain_title(chinese.get(address(run, "change"))).count("立即重试") == 1


def test_a_form_that_only_wants_a_confirmation_speaks_of_no_error(chinese: Client) -> None:
    page = chinese.post("/admin/inventory/skumapping/add/", {"dsco_sku": "A", "erp_sku": "", "stock_buffer": "0"})
    assert "请更正以下错误" in content(page)
    SkuMapping.objects.create(dsco_sku="A", erp_sku="LX-A")
    page = chinese.post(
        "/admin/inventory/skumapping/add/",
        {"dsco_sku": "B", "erp_sku": "LX-A", "stock_buffer": "0", "for_orders": "on"},
    )
    assert "我已阅读，仍要保存" in content(page)
    assert "尚未保存：请阅读警告" in content(page)
    assert "错误" not in content(page)


def test_a_former_version_of_a_mapping_says_nothing_of_lists_it_did_not_look_at(chinese: Client) -> None:
    mapping = SkuMapping.objects.create(dsco_sku="A", erp_sku="B")
    version = mapping.history.get().pk  # type: ignore[attr-defined]
    page = chinese.get(f"/admin/inventory/skumapping/{mapping.pk}/history/{version}/")
    assert page.status_code == 200
    assert "领星清单" not in content(page)


def test_a_job_that_was_not_needed_says_so(chinese: Client) -> None:
    Task.objects.create(
        id="0" * 32, name="tick", func="integrations.tasks.run_scheduled_flow", args=("pull_orders",), started=NOW,
        stopped=NOW + timedelta(seconds=1), success=True, result="fresh", attempt_count=1,
    )  # fmt: skip
    assert "流程刚刚运行过：无需再运行" in content(chinese.get("/admin/django_q/success/"))


def test_the_way_to_the_comparison_does_not_repeat_itself(chinese: Client) -> None:
    assert "与 DSCO、领星的对账 chevron_right 对比时间范围或订单" in heading(
        chinese.get("/admin/orders/reconciliation/ask/")
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("demo停止了对DSCO的所有写入", "demo 停止了对 DSCO 的所有写入"),
        ("对DSCO：3个", "对 DSCO：3 个"),
        ("已经 DSCO 写好", "已经 DSCO 写好"),
        ("Only English, 3 of them", "Only English, 3 of them"),
    ],
)
def test_mails_have_the_room_that_the_style_sheet_makes_on_pages(text: str, expected: str) -> None:
    assert spaced(text) == expected
