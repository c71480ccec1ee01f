"""Acting on orders: the admin's own functions, rights and records, each write carried out once per key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from config.audit import Wanted, entries
from integrations.deliveries.states import State
from integrations.models import ApiRequest, Attempt, Flow
from integrations.sandbox.sandbox import Sandbox
from orders.models import Cancellation, Order, OrderEvent, Shipment
from tests.orders.cancelling import bring_in, confirmed, pushed
from tests.staff.packages.world import make_order

from .conftest import Caller, caller
from .test_tokens import problem

pytestmark = pytest.mark.django_db
HANDS = ("view_order", "hold_order", "retry_delivery", "skip_delivery", "cancel_order", "compose_shipment")


@pytest.fixture
def mei(db: None) -> Caller:
    return caller("mei", *HANDS, scopes=("read", "orders:write"))


@pytest.fixture
def shipment(db: None) -> Shipment:
    """Lamp × 3 and rug × 2 that left in two packages."""
    return make_order()


def ok(answer: Any) -> Any:
    assert answer.status_code == 200, answer.content
    return answer.json()


class TestHolding:
    def test_a_hold_and_its_end_are_kept_with_name_and_reason(self, mei: Caller, shipment: Shipment) -> None:
        path = f"orders/{shipment.order.dsco_order_id}"
        held = ok(mei.post(f"{path}/hold/", {"reason": "address is being clarified"}))["order"]
        assert (held["held"], held["hold_reason"]) == (True, "address is being clarified")
        assert problem(mei.post(f"{path}/hold/", {"reason": "again"}), 409)["code"] == "already_held"
        assert not ok(mei.post(f"{path}/release/", {"reason": "address is right"}))["order"]["held"]
        assert problem(mei.post(f"{path}/release/", {"reason": "again"}), 409)["code"] == "not_held"
        said = list(OrderEvent.objects.order_by("pk").values_list("kind", "text", "actor"))
        assert said == [("hold", "address is being clarified", "mei"), ("release", "address is right", "mei")]

    def test_everything_stands_in_the_audit_trail_under_the_users_name(self, boss: Caller, shipment: Shipment) -> None:
        path = f"orders/{shipment.order.dsco_order_id}"
        ok(boss.post(f"{path}/hold/", {"reason": "clarify"}))
        ok(boss.post(f"{path}/deliveries/shipment/{shipment.pk}/skip/", {"reason": "portal"}))
        ok(boss.post("flows/push_orders/pause/", {"reason": "stocktaking"}))
        ok(boss.post("mappings/", {"skus": {"A": "LX-A"}}))
        found = [(entry.what, entry.detail) for entry in entries(Wanted("boss"))]
        assert ("Held", "clarify") in found
        assert ("Shipment: now Skipped", "portal") in found
        assert ("Flow: Changed", "Paused. stocktaking") in found
        assert any(what == "SKU mapping: Added" and detail.startswith("API: ") for what, detail in found)

    def test_each_action_needs_its_own_permission_as_in_the_admin(self, shipment: Shipment) -> None:
        li = caller("li", "view_order")
        order, row = shipment.order.dsco_order_id, f"deliveries/shipment/{shipment.pk}"
        for path, permission in (
            ("hold", "orders.hold_order"), ("cancel", "orders.cancel_order"), ("packages", "orders.compose_shipment"),
            (f"{row}/retry", "orders.retry_delivery"), (f"{row}/skip", "orders.skip_delivery"),
            ("comments", "orders.comment_order"),
        ):  # fmt: skip
            assert permission in problem(li.post(f"orders/{order}/{path}/"), 403)["detail"]


class TestIdempotency:
    def test_the_same_key_and_content_gets_the_first_answer_and_does_nothing_again(
        self, mei: Caller, shipment: Shipment
    ) -> None:
        path = f"orders/{shipment.order.dsco_order_id}/hold/"
        first = mei.post(path, {"reason": "clarify"}, key="k-1")
        mei.post(f"orders/{shipment.order.dsco_order_id}/release/", {"reason": "done"})
        again = mei.post(path, {"reason": "clarify"}, key="k-1")
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        assert again.headers["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first.headers
        assert not Order.objects.get().held
        assert OrderEvent.objects.filter(kind="hold").count() == 1

    def test_the_same_key_for_something_else_is_an_error(self, mei: Caller, shipment: Shipment) -> None:
        path = f"orders/{shipment.order.dsco_order_id}/hold/"
        ok(mei.post(path, {"reason": "clarify"}, key="k-1"))
        assert problem(mei.post(path, {"reason": "other"}, key="k-1"), 422)["code"] == "key_reused"
        assert problem(mei.post(path.replace("hold", "release"), {"reason": "clarify"}, key="k-1"), 422)
        assert Order.objects.get().held

    def test_keys_of_two_people_are_apart(self, mei: Caller, shipment: Shipment) -> None:
        path = f"orders/{shipment.order.dsco_order_id}"
        ok(mei.post(f"{path}/hold/", {"reason": "clarify"}, key="k-1"))
        ok(caller("li", *HANDS).post(f"{path}/release/", {"reason": "fine"}, key="k-1"))

    def test_a_refusal_is_an_answer_that_is_kept_and_a_mistake_is_not(self, mei: Caller, shipment: Shipment) -> None:
        path = f"orders/{shipment.order.dsco_order_id}/release/"
        refused = problem(mei.post(path, {"reason": "x"}, key="k-1"), 409)
        Order.objects.update(held=True)
        again = mei.post(path, {"reason": "x"}, key="k-1")
        assert problem(again, 409)["code"] == refused["code"]
        assert again.headers["Idempotency-Replayed"] == "true"
        assert problem(mei.post(path, {}, key="k-2"), 400)["errors"][0]["where"] == "/reason"
        ok(mei.post(path, {"reason": "x"}, key="k-2"))

    @pytest.mark.parametrize("key", [" ", "has blanks in it", "ключ", "x" * 201])
    def test_a_write_without_a_proper_key_is_refused(self, key: str, mei: Caller, shipment: Shipment) -> None:
        answer = mei.post(f"orders/{shipment.order.dsco_order_id}/hold/", {"reason": "x"}, key=key)
        assert problem(answer, 400)["code"] == "idempotency_key_missing"
        assert not Order.objects.get().held

    def test_a_crash_between_the_effect_and_its_answer_leaves_neither(
        self, mei: Caller, shipment: Shipment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = f"orders/{shipment.order.dsco_order_id}/hold/"

        def power_cut(self: ApiRequest, **_kwargs: Any) -> None:
            raise SystemExit

        with monkeypatch.context() as patch:
            patch.setattr(ApiRequest, "save", lambda self, **kwargs: power_cut(self) if self.pk else keep(self, kwargs))
            with pytest.raises(SystemExit):
                mei.post(path, {"reason": "clarify"}, key="k-1")
        assert not Order.objects.get().held
        assert not ApiRequest.objects.exists()
        ok(mei.post(path, {"reason": "clarify"}, key="k-1"))
        assert OrderEvent.objects.count() == 1


def keep(row: ApiRequest, kwargs: dict[str, Any]) -> None:
    """Save a new row as Django does."""
    row.save_base(force_insert=True, using=kwargs.get("using") or "default")


class TestSteps:
    def test_a_failed_step_is_due_again_and_its_flow_is_started_for_the_order(
        self, mei: Caller, shipment: Shipment, django_capture_on_commit_callbacks: Any
    ) -> None:
        Flow.objects.create(name="report_shipments")
        row = f"orders/{shipment.order.dsco_order_id}/deliveries/shipment/{shipment.pk}"
        with django_capture_on_commit_callbacks(execute=True):
            done = ok(mei.post(f"{row}/retry/"))
        assert done["flow_started"] == "report_shipments"
        assert OrmQ.objects.count() == 1
        shipment.refresh_from_db()
        assert shipment.status == State.DUE
        assert Attempt.objects.get().actor == "mei"

        Flow.objects.update(paused=True)
        ok(mei.post(f"{row}/skip/", {"reason": "not wanted"}))
        assert ok(mei.post(f"{row}/retry/"))["flow_started"] is None
        ok(mei.post(f"{row}/done/", {"reason": "in the portal"}))
        assert problem(mei.post(f"{row}/retry/"), 409)["code"] == "wrong_state"

    def test_a_step_of_another_order_is_not_found(self, mei: Caller, shipment: Shipment) -> None:
        other = make_order("9100002")
        row = f"orders/{shipment.order.dsco_order_id}/deliveries"
        for path in (f"shipment/{other.pk}", "stock_update/1", "nothing/1", f"shipment/{2**62}"):
            assert problem(mei.post(f"{row}/{path}/retry/"), 404)["code"] == "unknown_delivery"


class TestCancelling:
    def test_what_is_not_in_the_erp_yet_is_cancelled_and_confirmed_to_the_retailer(
        self, mei: Caller, sandbox: Sandbox, clock: Any
    ) -> None:
        from tests.orders.cancelling import apply_until_settled

        raw = bring_in(sandbox)
        path = f"orders/{raw['dscoOrderId']}/cancel/"
        shown = ok(mei.get(path))
        assert shown["possible"]
        assert "CXSS" in [one["code"] for one in shown["codes"]]
        done = ok(mei.post(path, {"code": "CXSS", "reason": "broken"}))
        assert [row["action"] for row in done["order"]["cancellations"]] == ["dsco"]
        apply_until_settled(clock)
        assert confirmed(sandbox, raw) == 1
        assert problem(mei.post(path, {"code": "CXSS", "reason": "again"}), 409)

    def test_single_units_after_the_push_stop_in_lingxing_first(self, mei: Caller, sandbox: Sandbox) -> None:
        raw = pushed(sandbox)
        path = f"orders/{raw['dscoOrderId']}/cancel/"
        ok(mei.post(path, {"code": "CXSS", "reason": "one broke", "lines": [{"position": 0, "quantity": 1}]}))
        rows = {row.action: row for row in Cancellation.objects.all()}
        assert rows["erp"].status == State.NEEDS_ATTENTION
        assert rows["dsco"].lines == [{"position": 0, "quantity": 1, "until": 1}]

    def test_refusals_have_the_code_of_the_admins_own_reason(self, mei: Caller, sandbox: Sandbox) -> None:
        raw = bring_in(sandbox)
        path = f"orders/{raw['dscoOrderId']}/cancel/"
        many = {"code": "CXSS", "reason": "x", "lines": [{"position": 0, "quantity": 99}]}
        assert problem(mei.post(path, many), 409)["code"] == "too_many"
        assert problem(mei.post(path, {"code": "??", "reason": "x"}), 409)["code"] == "unknown_code"
        twice = {"code": "CXSS", "reason": "x", "lines": [{"position": 0, "quantity": 1}] * 2}
        assert problem(mei.post(path, twice), 400)["errors"][0]["where"] == "/lines/1/position"
        assert not Cancellation.objects.exists()


class TestPackages:
    def body(self, shipment: Shipment, **more: Any) -> dict[str, Any]:
        number = shipment.order.dsco_order_id
        return {
            "packages": [
                {"tracking_number": f"T{number}-1", "service_level": "FEHD", "lines": [{"position": 0, "quantity": 2}]},
                {"tracking_number": f"T{number}-2", "service_level": "FEHD",
                 "lines": [{"position": 0, "quantity": 1}, {"position": 1, "quantity": 2}]},
            ],
        } | more  # fmt: skip

    def test_a_dry_run_shows_the_call_and_changes_nothing(self, mei: Caller, shipment: Shipment) -> None:
        path = f"orders/{shipment.order.dsco_order_id}/packages/"
        seen = ok(mei.get(path))
        assert [line["remaining"] for line in seen["lines"]] == [3, 2]
        assert seen["closed"] is None
        shown = ok(mei.post(path, self.body(shipment, dry_run=True)))
        assert [one["trackingNumber"] for one in shown["call"]] == [
            f"T{shipment.order.dsco_order_id}-1", f"T{shipment.order.dsco_order_id}-2",
        ]  # fmt: skip
        assert shown["call"][0]["lineItems"][0]["packageSpanFlag"]
        shipment.refresh_from_db()
        assert (shipment.status, shipment.body) == (State.NEEDS_ATTENTION, [])

    def test_confirmed_packages_are_stored_as_one_due_report_with_the_users_name(
        self, mei: Caller, shipment: Shipment
    ) -> None:
        done = ok(mei.post(f"orders/{shipment.order.dsco_order_id}/packages/", self.body(shipment)))
        shipment.refresh_from_db()
        assert (shipment.status, shipment.chosen_by) == (State.DUE, "mei")
        assert shipment.body == done["call"]
        assert done["waits"] is None
        assert done["order"]["waits"][0]["kind"] == "shipment"

    def test_what_stands_against_them_is_named_in_full_and_nothing_is_stored(
        self, mei: Caller, shipment: Shipment
    ) -> None:
        path = f"orders/{shipment.order.dsco_order_id}/packages/"
        body = self.body(shipment)
        body["packages"][1]["lines"] = [{"position": 0, "quantity": 9}]
        body["packages"][0]["ship_date"] = (timezone.now() + timedelta(days=2)).isoformat()
        told = problem(mei.post(path, body), 409)
        assert {"over_shipped", "partial"} <= {one["code"] for one in told["problems"]}
        assert told["code"] == told["problems"][0]["code"]
        body["packages"][1]["lines"] = [{"position": 7, "quantity": 1}]
        assert problem(mei.post(path, body), 400)["errors"][0]["where"] == "/packages/1/lines/0/position"
        shipment.refresh_from_db()
        assert shipment.body == []

    def test_a_part_is_reported_only_when_said_so_and_the_rest_when_it_is_due(
        self, mei: Caller, shipment: Shipment
    ) -> None:
        path = f"orders/{shipment.order.dsco_order_id}/packages/"
        body = self.body(shipment)
        del body["packages"][1]
        assert problem(mei.post(path, body), 409)["code"] == "partial"
        ok(mei.post(path, body | {"partial": True, "partial_reason": "the rug is late"}))
        assert problem(mei.post(f"{path}rest/"), 409)["code"] == "nothing_left"
        Shipment.objects.update(status=State.SUCCEEDED)
        ok(mei.post(f"{path}rest/"))
        assert [line["remaining"] for line in ok(mei.get(path))["lines"]] == [1, 2]
