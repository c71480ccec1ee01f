"""``reconcile``: what people do by hand in LingXing is taken over or shown, never doubled."""

from __future__ import annotations

import pytest

from integrations.sandbox.sandbox import Sandbox
from orders.models import ErpPush, Order, Stage
from tests.conftest import STORE, MovableClock

from .factories import map_everything
from .journeys import acknowledged, line, order_of, place, pushed, run, shipment_of
from .reconciling import compare, effects, finding, findings, settle, shipped


def push_row(order_id: str) -> ErpPush:
    return ErpPush.objects.get(order__dsco_order_id=order_id)


@pytest.fixture
def store(world: Sandbox) -> str:
    return STORE


class TestCreatedByHandInLingXing:
    def test_an_order_that_waits_for_a_mapping_is_taken_over(
        self, world: Sandbox, clock: MovableClock, store: str
    ) -> None:
        order_id = place(world, line("NEW-THING", 2))
        run("pull_orders")
        run("push_orders")
        assert push_row(order_id).reason_code == "unmapped_sku"
        world.lingxing.add_product("LX-NEW-THING", {"50": 10})
        number = world.lingxing.create_by_hand(order_id, store, {"LX-NEW-THING": 2})

        result = compare(clock)

        assert result.counts["mended"] == 1
        taken = push_row(order_id)
        assert (taken.status, taken.remote_reference, taken.store_id) == ("succeeded", number, store)
        assert order_of(order_id).stage == Stage.IN_ERP
        assert findings() == {}
        row = finding("made_by_hand")
        assert row.closed_by == ""
        assert number in row.result
        map_everything(world)
        run("push_orders")
        assert effects(world, order_id)["erp_order"] == 0
        assert len(world.lingxing.by_platform(order_id)) == 1

    def test_a_held_order_is_taken_over_and_nothing_is_sent_for_it(
        self, world: Sandbox, clock: MovableClock, store: str
    ) -> None:
        order_id = place(world, line("HP-LAMP-01", 1))
        run("pull_orders")
        Order.objects.update(held=True)
        run("push_orders")
        assert push_row(order_id).status == "waiting"
        world.lingxing.create_by_hand(order_id, store, {"LX-HP-LAMP-01": 1})
        compare(clock)
        assert push_row(order_id).status == "succeeded"
        world.lingxing.audit(order_id)
        run("acknowledge_orders")
        assert effects(world, order_id) == {"acknowledgement": 0, "shipment": 0, "invoice": 0, "erp_order": 0}

    def test_it_goes_on_to_the_retailer_from_another_store_too(self, world: Sandbox, clock: MovableClock) -> None:
        world.lingxing.add_store("110000000000000009")
        order_id = place(world, line("HP-LAMP-01", 1))
        run("pull_orders")
        Order.objects.update(held=True)
        run("push_orders")
        world.lingxing.create_by_hand(order_id, "110000000000000009", {"LX-HP-LAMP-01": 1})
        compare(clock)
        Order.objects.update(held=False)
        world.lingxing.audit(order_id)
        run("acknowledge_orders")
        settle(clock)
        world.lingxing.ship(order_id)
        run("report_shipments")
        assert effects(world, order_id) == {"acknowledgement": 1, "shipment": 1, "invoice": 0, "erp_order": 0}
        assert world.dsco.orders[order_id]["packages"]

    def test_the_first_push_finds_it_by_itself(self, world: Sandbox, store: str) -> None:
        order_id = place(world, line("HP-LAMP-01", 1))
        run("pull_orders")
        number = world.lingxing.create_by_hand(order_id, store, {"LX-HP-LAMP-01": 1})
        run("push_orders")
        assert push_row(order_id).remote_reference == number
        assert effects(world, order_id)["erp_order"] == 0

    def test_an_order_that_is_about_to_be_pushed_is_left_to_the_push(
        self, world: Sandbox, clock: MovableClock, store: str
    ) -> None:
        order_id = place(world, line("HP-LAMP-01", 1))
        run("pull_orders")
        world.lingxing.create_by_hand(order_id, store, {"LX-HP-LAMP-01": 1})
        compare(clock)
        assert findings(open_only=False) == {}
        assert push_row(order_id).status == "due"

    def test_a_skipped_order_waits_for_a_person(self, world: Sandbox, clock: MovableClock, store: str) -> None:
        order_id = place(world, line("HP-LAMP-01", 1))
        run("pull_orders")
        ErpPush.objects.update(status="skipped", due_at=None, reason_code="staff")
        world.lingxing.create_by_hand(order_id, store, {"LX-HP-LAMP-01": 1})
        compare(clock)
        assert findings() == {"maybe_made_by_hand": [order_id]}

    def test_what_staff_gave_up_and_happened_all_the_same_is_told(
        self, world: Sandbox, clock: MovableClock, store: str
    ) -> None:
        order_id = place(world, line("HP-LAMP-01", 1))
        run("pull_orders")
        ErpPush.objects.update(status="skipped", due_at=None, reason_code="staff", maybe_sent=True)
        world.lingxing.create_by_hand(order_id, store, {"LX-HP-LAMP-01": 1})
        compare(clock)
        assert findings() == {"maybe_made_by_hand": [order_id]}
        assert push_row(order_id).status == "skipped"

    def test_a_number_that_nobody_knows_is_shown(self, world: Sandbox, clock: MovableClock, store: str) -> None:
        world.lingxing.create_by_hand("REPLACEMENT-1", store, {"LX-HP-LAMP-01": 1})
        compare(clock)
        assert findings() == {"unknown_in_erp": ["REPLACEMENT-1"]}
        world.lingxing.delete("REPLACEMENT-1")
        compare(clock)
        assert findings() == {}

    def test_an_order_of_dsco_that_was_never_pulled_is_fetched(
        self, world: Sandbox, clock: MovableClock, store: str
    ) -> None:
        order_id = place(world, line("HP-LAMP-01", 1), age_seconds=40 * 86400)
        world.lingxing.create_by_hand(order_id, store, {"LX-HP-LAMP-01": 1})
        compare(clock)
        assert order_of(order_id).po_number
        run("push_orders")
        assert effects(world, order_id)["erp_order"] == 0
        assert len(world.lingxing.by_platform(order_id)) == 1


class TestWhatHappensToOrdersInLingXing:
    def test_an_untouched_order_is_no_difference(self, world: Sandbox, clock: MovableClock) -> None:
        for order_id in (pushed(world), acknowledged(world)):
            assert order_of(order_id)
        shipped(world, clock)
        compare(clock)
        assert findings(open_only=False) == {}

    def test_a_split_order_is_no_difference(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = pushed(world, line("HP-LAMP-01", 2), line("HP-RUG-02", 1))
        world.lingxing.split(order_id)
        compare(clock)
        assert findings(open_only=False) == {}

    def test_a_split_order_of_which_a_part_lost_units_is_shown(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = pushed(world, line("HP-LAMP-01", 2), line("HP-VASE-02", 1))
        number, *_others = world.lingxing.split(order_id)
        world.lingxing.edit_quantity(number, "LX-HP-LAMP-01", 1)
        compare(clock)
        row = finding("erp_quantity")
        assert row.ours == {"units": {"LX-HP-LAMP-01": 2, "LX-HP-VASE-02": 1}}
        assert row.theirs == {"units": {"LX-HP-LAMP-01": 1, "LX-HP-VASE-02": 1}}

    @pytest.mark.parametrize("named", [True, False])
    def test_merged_orders_are_no_difference_even_when_lingxing_does_not_say_whose_units_are_whose(
        self, world: Sandbox, clock: MovableClock, named: bool
    ) -> None:
        first = pushed(world, line("HP-LAMP-01", 2))
        second = pushed(world, line("HP-LAMP-01", 1), line("HP-VASE-02", 1))
        merged = world.lingxing.merge([first, second])
        row = world.lingxing.orders[merged]
        if not named:
            items = [{**item, "platform_order_no": ""} for item in row["item_info"]]
            world.lingxing._floor.change(row, world.lingxing._now(), item_info=items)
        compare(clock)
        assert findings(open_only=False) == {}

    def test_the_packages_of_a_merged_order_are_those_of_their_orders(
        self, world: Sandbox, clock: MovableClock
    ) -> None:
        both = [pushed(world, line("HP-LAMP-01", 2)), pushed(world, line("HP-VASE-02", 1))]
        world.lingxing.merge(both)
        for order_id in both:
            world.lingxing.audit(order_id)
        run("acknowledge_orders")
        packages = [{"lines": {"LX-HP-LAMP-01": 2}}, {"lines": {"LX-HP-VASE-02": 1}}]
        world.lingxing.ship(both[0], packages)
        clock.advance(20)
        run("report_shipments")
        assert {shipment_of(order_id).status for order_id in both} == {"succeeded"}
        clock.advance(20)
        run("pull_orders")
        compare(clock)
        assert findings(open_only=False) == {}

    def test_cancelled_by_hand_is_shown_and_closes_when_it_is_restored(
        self, world: Sandbox, clock: MovableClock
    ) -> None:
        order_id = pushed(world)
        world.lingxing.cancel(order_id)
        compare(clock)
        row = finding("cancelled_in_erp")
        assert (row.subject, row.theirs["erp_status"]) == (order_id, [7])
        run("acknowledge_orders")
        assert order_of(order_id).acknowledgement.reason_code == "cancelled_in_erp"
        world.lingxing.set_status(order_id, 4)
        compare(clock)
        assert findings() == {}
        row.refresh_from_db()
        assert row.closed_at is not None
        assert row.closed_by == ""
        assert not row.accepted

    def test_it_opens_a_new_row_when_it_happens_again(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = pushed(world)
        for status in (7, 4, 7):
            world.lingxing.set_status(order_id, status)
            compare(clock)
        assert findings(open_only=False) == {"cancelled_in_erp": [order_id, order_id]}
        assert findings() == {"cancelled_in_erp": [order_id]}

    def test_other_quantities_are_shown(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = pushed(world, line("HP-LAMP-01", 2))
        world.lingxing.edit_quantity(order_id, "LX-HP-LAMP-01", 3)
        compare(clock)
        row = finding("erp_quantity")
        assert (row.ours, row.theirs) == ({"units": {"LX-HP-LAMP-01": 2}}, {"units": {"LX-HP-LAMP-01": 3}})
        world.lingxing.edit_quantity(order_id, "LX-HP-LAMP-01", 2)
        compare(clock)
        assert findings() == {}

    def test_a_tracking_number_that_changes_after_the_report_is_never_reported_again(
        self, world: Sandbox, clock: MovableClock
    ) -> None:
        order_id = shipped(world, clock)
        before = shipment_of(order_id).remote_reference
        world.lingxing.edit_tracking(order_id, "NEWLABEL0001")
        compare(clock)
        row = finding("tracking_changed")
        assert (row.ours, row.theirs) == ({"tracking": [before]}, {"tracking": ["NEWLABEL0001"]})
        run("report_shipments")
        assert effects(world, order_id)["shipment"] == 1
        world.lingxing.edit_tracking(order_id, before)
        compare(clock)
        assert findings() == {}

    def test_an_order_that_vanished_is_shown_and_pushed_again_only_by_a_person(
        self, world: Sandbox, clock: MovableClock
    ) -> None:
        order_id = pushed(world)
        world.lingxing.vanish(order_id)
        compare(clock)
        run("push_orders")
        assert findings() == {"missing_in_erp": [order_id]}
        assert effects(world, order_id)["erp_order"] == 1

    def test_a_cancelled_order_that_lives_on_in_lingxing_is_shown(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = pushed(world)
        world.dsco.cancel_by_retailer(order_id)
        clock.advance(20)
        run("pull_orders")
        run("apply_cancellations")
        assert order_of(order_id).stage == Stage.CANCELLED
        compare(clock)
        assert findings() == {}
        world.lingxing.set_status(order_id, 5)
        compare(clock)
        assert findings() == {"alive_in_erp": [order_id]}
