"""The pages: the queue, the grid of lines and packages, the preview, drafts, two people, who may do what."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone, translation
from django_q.models import OrmQ

from integrations.models import Flow, StaffPreference
from orders.models import RetailerPolicy, Shipment

from .world import address, fields_of, inputs, lines_of, make_order, operator, person

pytestmark = pytest.mark.django_db
QUEUE = "/admin/orders/shipment/by-hand/"


@pytest.fixture(autouse=True)
def _nothing_cached() -> None:
    cache.clear()


@pytest.fixture
def mei():
    return operator("mei")


def post(client, shipment, action, follow=False, **changes):
    return client.post(address(shipment), inputs(client, shipment, **changes) | {"action": action}, follow=follow)


def problems(page) -> list[str]:
    return [problem.code for problem in page.context["shown"].problems]


class TestTheQueue:
    def test_the_most_urgent_order_stands_first_with_its_reason_and_numbers(self, mei):
        late = make_order("9100001", ship_by=timezone.now() + timedelta(days=2))
        make_order("9100002", ship_by=timezone.now() - timedelta(hours=1))
        make_order("9100003", ship_by=None)
        Shipment.objects.filter(pk=late.pk).update(reason_code="no_carrier")
        page = mei.get(QUEUE)
        text = page.content.decode()
        assert text.index("9100002") < text.index("9100001") < text.index("9100003")
        assert "T9100001-1" in text
        assert [row.packed for row in page.context["rows"]] == [5, 5, 5]
        only = mei.get(QUEUE + "?reason=no_carrier").content.decode()
        assert "PO-9100001" in only
        assert "PO-9100002" not in only

    def test_the_sidebar_names_it_with_the_count(self, mei):
        make_order("9100001")
        make_order("9100002")
        make_order("9100003", status="succeeded")
        [item] = [
            item
            for group in mei.get(reverse("admin:index")).context["sidebar_navigation"]
            for item in group["items"]
            if str(item["title"]) == "Packages to decide"
        ]
        assert (item["badge"], item["link"]) == ("2", QUEUE)

    def test_what_dsco_refused_of_a_person_comes_back_to_him(self, mei):
        mine, machine = make_order("9100001", status="failed"), make_order("9100002", status="failed")
        Shipment.objects.filter(pk=mine.pk).update(chosen_by="mei")
        page = mei.get(QUEUE)
        assert [row.shipment.pk for row in page.context["rows"]] == [mine.pk]
        assert machine.pk

    def test_nothing_to_decide_says_so(self, mei):
        assert "No packages to decide." in mei.get(QUEUE).content.decode()

    def test_it_shows_who_is_at_it(self, mei):
        shipment = make_order()
        operator("li").get(address(shipment))
        assert "li is editing" in mei.get(QUEUE).content.decode()

    def test_the_number_of_queries_does_not_grow(self, mei, django_assert_max_num_queries):
        for number in range(12):
            make_order(str(9100001 + number))
        mei.get(QUEUE)
        with django_assert_max_num_queries(16):
            mei.get(QUEUE)


class TestThePage:
    def test_it_is_filled_from_the_outbound_orders(self, mei):
        shipment = make_order()
        page = mei.get(address(shipment))
        lamp, rug = lines_of(shipment)
        data = fields_of(page)
        assert data["p0-tracking_number"] == "T9100001-1"
        assert (data[f"p0-q{lamp}"], data[f"p0-q{rug}"]) == ("2", "")
        assert (data[f"p1-q{lamp}"], data[f"p1-q{rug}"]) == ("1", "2")
        assert data["p0-service_level"] == "FEHD"
        assert data["p0-warehouse_code"] == "EAST"
        assert [row.left for row in page.context["grid"].lines] == [0, 0]
        assert "complete" in page.content.decode()

    def test_what_has_not_left_is_there_but_left_out(self, mei):
        shipment = make_order()
        shipment.order.packages.filter(wo_number__endswith="-2").update(shipped=False)
        page = mei.get(address(shipment))
        assert "p1-include" not in fields_of(page)
        assert [row.left for row in page.context["grid"].lines] == [1, 2]
        assert "not shipped in LingXing yet" in page.content.decode()

    def test_several_numbers_in_one_field_become_packages_of_unknown_contents(self, mei):
        shipment = make_order()
        shipment.order.packages.filter(wo_number__endswith="-2").update(tracking_number="A1, A2")
        data = fields_of(mei.get(address(shipment)))
        assert [data[f"p{index}-tracking_number"] for index in range(3)] == ["T9100001-1", "A1", "A2"]
        lamp, rug = lines_of(shipment)
        assert (data[f"p1-q{lamp}"], data[f"p2-q{rug}"]) == ("", "")

    def test_packages_are_added_and_removed_and_what_was_typed_stays(self, mei):
        shipment = make_order()
        page = post(mei, shipment, "add", follow=True, **{"p0-carrier": "UPS"})
        data = fields_of(page)
        assert (data["count"], data["p0-carrier"], data["p2-tracking_number"]) == ("3", "UPS", "")
        page = post(mei, shipment, "remove-2", follow=True)
        assert fields_of(page)["count"] == "2"

    def test_a_package_of_lingxing_is_left_out_by_its_tick_not_removed(self, mei):
        shipment = make_order()
        page = post(mei, shipment, "remove-0", follow=True, **{"p0-include": None})
        assert fields_of(page)["count"] == "2"
        assert [row.left for row in page.context["grid"].lines] == [2, 0]

    def test_the_preview_shows_the_very_call_and_the_confirm_stores_it(self, mei):
        shipment = make_order()
        page = post(mei, shipment, "preview")
        preview = page.context["shown"].preview
        assert json.loads(preview.call) == {"dscoOrderId": "9100001", "shipments": preview.body}
        text = page.content.decode()
        assert "packageSpanFlag" in text
        assert "Confirm and report 2 packages" in text
        assert Shipment.objects.get().status == "needs_attention"
        done = mei.post(address(shipment), fields_of(page) | {"action": "confirm"}, follow=True)
        row = Shipment.objects.get()
        assert row.body == preview.body
        assert (row.status, row.chosen_by) == ("due", "mei")
        assert "Confirmed. One call tells DSCO" in done.content.decode()

    def test_a_confirm_hands_the_order_to_the_workers_unless_the_flow_is_paused(
        self, mei, django_capture_on_commit_callbacks
    ):
        for paused, number in ((False, 1), (True, 0)):
            Flow.objects.update_or_create(name="report_shipments", defaults={"paused": paused})
            shipment = make_order(f"910001{number}")
            OrmQ.objects.all().delete()
            data = inputs(mei, shipment) | {"action": "confirm"}
            with django_capture_on_commit_callbacks(execute=True):
                mei.post(address(shipment), data)
            assert OrmQ.objects.count() == number

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"p0-tracking_number": ""}, ["no_tracking_number"]),
            ({"p0-tracking_number": "t9100001-2"}, ["tracking_number_twice"]),
            ({"p0-include": None}, ["partial"]),
            ({"p0-include": None, "p1-include": None}, ["no_package"]),
            ({"p0-include": None, "partial": "1"}, ["partial_reason"]),
            ({"p0-service_level": ""}, ["no_carrier"]),
            ({"p0-ship_date": "2999-01-01T00:00"}, ["future_date"]),
            ({"p0-ship_date": "yesterday"}, ["bad_date"]),
        ],
    )
    def test_an_error_stands_beside_its_input_and_nothing_is_sent(self, mei, changes, expected):
        shipment = make_order()
        for action in ("preview", "confirm"):
            page = post(mei, shipment, action, **changes)
            assert problems(page) == expected
            typed = changes | {"partial": changes.get("partial")}
            assert {name: fields_of(page).get(name) for name in typed} == typed
            assert "Nothing was sent." in page.content.decode()
        assert (Shipment.objects.get().status, Shipment.objects.get().body) == ("needs_attention", [])

    def test_a_quantity_that_is_none_and_one_too_many(self, mei):
        shipment = make_order()
        lamp, _rug = lines_of(shipment)
        assert problems(post(mei, shipment, "preview", **{f"p0-q{lamp}": "two"})) == ["bad_quantity"]
        page = post(mei, shipment, "preview", **{f"p0-q{lamp}": "3"})
        assert problems(page) == ["over_shipped"]
        assert page.context["grid"].lines[0].over == 1

    def test_the_retailers_policy_is_shown_and_checked(self, mei):
        shipment = make_order()
        RetailerPolicy.objects.create(retailer_id="R1", require_carrier=True, require_warehouse_code=True)
        page = post(mei, shipment, "preview", **{"p1-warehouse_code": ""})
        assert problems(page) == ["no_carrier", "no_carrier", "no_warehouse_code"]

    def test_a_part_with_a_reason_is_previewed_with_a_warning(self, mei):
        shipment = make_order()
        page = post(mei, shipment, "preview", **{"p0-include": None, "partial": "1", "reason": "lamps are lost"})
        assert "2 units of the order are not reported (lamps are lost)" in page.content.decode()

    def test_a_held_order_says_that_it_will_wait(self, mei):
        shipment = make_order(held=True, hold_reason="new address")
        page = post(mei, shipment, "preview")
        assert "It will be stored and wait" in page.content.decode()

    def test_times_are_in_the_persons_own_zone(self, mei):
        shipment = make_order()
        user = mei.get("/admin/").wsgi_request.user
        StaffPreference.objects.create(user=user, time_zone="America/New_York")
        page = post(mei, shipment, "preview", **{"p0-ship_date": "2026-01-05T09:30:00"})
        assert page.context["shown"].preview.body[0]["shipDate"] == "2026-01-05T14:30:00Z"

    def test_a_draft_typed_in_another_zone_means_the_same_moment(self, mei):
        shipment = make_order()
        post(mei, shipment, "save", **{"p0-ship_date": "2026-01-05T22:30:00"})  # Shanghai
        Shipment.objects.update(edited_by="")
        li = operator("li")
        StaffPreference.objects.create(user=li.get("/admin/").wsgi_request.user, time_zone="America/New_York")
        assert fields_of(li.get(address(shipment)))["p0-ship_date"] == "2026-01-05T09:30:00"

    @pytest.mark.parametrize("status", ["in_progress", "accepted", "uncertain", "succeeded"])
    def test_what_is_under_way_or_done_offers_nothing(self, mei, status):
        shipment = make_order(status="due")
        data = inputs(mei, shipment)
        Shipment.objects.update(
            status=status, due_at=timezone.now(), body=[{"trackingNumber": "SENT-1", "lineItems": []}]
        )
        page = mei.get(address(shipment))
        text = page.content.decode()
        assert 'name="action"' not in text
        assert "SENT-1" in text
        for action in ("confirm", "preview", "save", "add", "reset", "done"):
            before = Shipment.objects.values().get()
            mei.post(address(shipment), data | {"action": action, "done_reason": "portal"})
            assert Shipment.objects.values().get() == before

    def test_reported_elsewhere_needs_a_reason(self, mei):
        shipment = make_order()
        assert problems(mei.post(address(shipment), {"action": "done", "done_reason": " "})) == ["reason"]
        mei.post(address(shipment), {"action": "done", "done_reason": "in the portal"})
        assert Shipment.objects.get().status == "succeeded"

    def test_an_unknown_order_is_not_found(self, mei):
        assert mei.get(QUEUE + "999999/").status_code == 404

    def test_garbage_breaks_nothing(self, mei):
        shipment = make_order()
        for data in ({"count": "x"}, {"count": "1"}, {"count": "99999999999"}, {"seen": "{", "version": "-1"}):
            for action in ("confirm", "preview", "remove-7", "remove-x", "", "nonsense"):
                assert mei.post(address(shipment), data | {"action": action}).status_code in (200, 302)
        assert Shipment.objects.get().status == "needs_attention"

    def test_queries_are_bounded(self, mei, django_assert_max_num_queries):
        shipment = make_order()
        mei.get(address(shipment))
        with django_assert_max_num_queries(32):
            mei.get(address(shipment))


class TestDrafts:
    def keep(self, client, shipment, data):
        return client.post(address(shipment) + "draft/", data)

    def test_what_is_typed_is_kept_and_comes_back(self, mei):
        shipment = make_order()
        data = inputs(mei, shipment, **{"p0-carrier": "UP"})
        answer = self.keep(mei, shipment, data).json()
        assert answer["version"] == 1
        assert fields_of(mei.get(address(shipment)))["p0-carrier"] == "UP"

    def test_an_open_page_renews_the_mark_without_making_a_draft(self, mei):
        shipment = make_order()
        data = inputs(mei, shipment)
        old = timezone.now() - timedelta(minutes=4)
        Shipment.objects.update(edited_at=old)
        assert self.keep(mei, shipment, data | {"renew": "1"}).status_code == 200
        row = Shipment.objects.get()
        assert row.edited_at > old
        assert "packages" not in row.draft

    def test_a_second_window_is_told(self, mei):
        shipment = make_order()
        data = inputs(mei, shipment)
        self.keep(mei, shipment, data | {"p0-carrier": "UPS"})
        answer = self.keep(mei, shipment, data | {"p0-carrier": "DHL"})
        assert answer.status_code == 409
        assert "changed by mei" in answer.json()["message"]
        assert Shipment.objects.get().draft["packages"][0]["carrier"] == "UPS"

    def test_filling_from_lingxing_again_forgets_the_draft(self, mei):
        shipment = make_order()
        post(mei, shipment, "save", **{"p0-carrier": "UPS"})
        post(mei, shipment, "reset")
        assert fields_of(mei.get(address(shipment)))["p0-carrier"] == ""

    def test_a_draft_says_what_changed_at_lingxing_since(self, mei):
        shipment = make_order()
        post(mei, shipment, "save")
        shipment.order.packages.filter(wo_number__endswith="-1").update(tracking_number="CORRECTED")
        text = mei.get(address(shipment)).content.decode()
        assert "Changed since the draft was saved" in text
        assert "CORRECTED" in text

    def test_a_correction_after_the_page_was_built_stops_preview_and_confirm_once(self, mei):
        shipment = make_order()
        data = inputs(mei, shipment)
        shipment.order.packages.filter(wo_number__endswith="-1").update(tracking_number="CORRECTED")
        page = mei.post(address(shipment), data | {"action": "confirm"})
        assert problems(page) == ["changed"]
        again = mei.post(address(shipment), fields_of(page) | {"action": "confirm"})
        assert again.status_code == 302
        assert Shipment.objects.get().status == "due"


class TestTwoPeople:
    def test_the_second_is_told_and_can_only_look(self, mei):
        shipment = make_order()
        li = operator("li")
        li.get(address(shipment))
        page = mei.get(address(shipment))
        text = page.content.decode()
        assert "li has been editing these packages since" in text
        assert "<fieldset disabled" in text
        assert not page.context["editable"]
        for action in ("preview", "save", "confirm", "add", "done"):
            answer = mei.post(address(shipment), fields_of(page) | {"action": action, "done_reason": "x"})
            assert problems(answer) == ["being_edited"]
        assert Shipment.objects.get().edited_by == "li"

    def test_taking_over_and_what_the_first_hears(self, mei):
        shipment = make_order()
        li = operator("li")
        data = inputs(li, shipment, **{"p0-carrier": "UPS"})
        li.post(address(shipment) + "draft/", data)
        page = mei.post(address(shipment), {"action": "take_over"}, follow=True)
        assert page.context["editable"]
        assert fields_of(page)["p0-carrier"] == "UPS"  # nothing typed is lost
        answer = li.post(address(shipment), data | {"action": "confirm"})
        assert problems(answer) == ["being_edited"]
        assert "mei has been editing" in answer.content.decode()

    def test_a_confirm_on_a_changed_draft_says_in_what_it_differs(self, mei):
        shipment = make_order()
        li = operator("li")
        data = inputs(li, shipment)
        Shipment.objects.update(edited_at=timezone.now() - timedelta(minutes=6))
        post(mei, shipment, "save", **{"p0-tracking_number": "M-1"})
        Shipment.objects.update(edited_at=timezone.now() - timedelta(minutes=6))
        page = li.post(address(shipment), data | {"action": "confirm"})
        text = page.content.decode()
        assert problems(page) == ["draft_changed"]
        assert "changed by mei" in text
        assert "T9100001-1 × 2" in text
        assert "M-1 × 2" in text


class TestWhoMayWhat:
    def test_a_viewer_looks_and_changes_nothing(self):
        shipment = make_order()
        viewer = person("vera", "view_shipment", "view_order")
        page = viewer.get(address(shipment))
        assert page.status_code == 200
        assert 'name="action"' not in page.content.decode()
        assert Shipment.objects.get().edited_by == ""
        assert viewer.post(address(shipment), fields_of(page) | {"action": "confirm"}).status_code == 403
        assert viewer.post(address(shipment) + "draft/", fields_of(page)).status_code == 403
        assert viewer.get(QUEUE).status_code == 200

    def test_others_see_neither_page_nor_link(self):
        shipment = make_order()
        nobody = person("noah", "view_order")
        assert nobody.get(address(shipment)).status_code == 403
        assert nobody.get(QUEUE).status_code == 403
        assert "Packages to decide" not in nobody.get(reverse("admin:index")).content.decode()

    def test_the_shipments_own_page_leads_here_for_who_may(self, mei):
        shipment = make_order()
        boss = person("boss", "view_shipment", "retry_delivery", "compose_shipment")
        link = f'href="{address(shipment)}"'
        assert link in boss.get(f"/admin/orders/shipment/{shipment.pk}/change/").content.decode()
        assert reverse("admin:orders_shipment_compose", args=[shipment.order_id]) == address(shipment)


def test_typed_markup_is_shown_as_text(mei):
    shipment = make_order()
    page = post(mei, shipment, "preview", **{"p0-tracking_number": "<script>alert(1)</script>"})
    assert "<script>alert(1)" not in page.content.decode()


def test_numbers_in_addresses_and_inputs_stay_plain_in_every_language(mei):
    shipment = make_order("9100001")
    with translation.override("zh-hans"):
        page = mei.get(address(shipment), headers={"accept-language": "zh-hans"})
    assert f'data-line="{lines_of(shipment)[0]}"' in page.content.decode()


def test_what_was_confirmed_is_shown_as_it_goes_and_can_be_changed_until_then(mei):
    shipment = make_order()
    post(mei, shipment, "confirm")
    page = mei.get(address(shipment))
    assert "Confirmed by mei. It goes to DSCO with the next run" in page.content.decode()
    assert 'id="compose"' not in page.content.decode()
    assert Shipment.objects.get().edited_by == ""
    page = mei.get(address(shipment) + "?edit=1")
    answer = mei.post(address(shipment), fields_of(page) | {"action": "confirm", "p0-tracking_number": "M-1"})
    assert answer.status_code == 302
    assert Shipment.objects.get().body[0]["trackingNumber"] == "M-1"
