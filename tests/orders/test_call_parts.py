"""What the page of one order shows of a call that was made for many."""

from __future__ import annotations

import json

from integrations.redaction import EXCERPT_CHARACTERS, excerpt
from orders.call_parts import part_for


def shown(document: object, *numbers: str) -> tuple[object, int]:
    part = part_for(json.dumps(document), numbers)
    return json.loads(part.text) if part.text else None, part.left_out


def test_of_a_batch_only_this_orders_entry():
    batch = [{"dscoOrderId": "1", "shipments": [{"trackingNumber": "A"}]}, {"dscoOrderId": "2", "shipments": []}]
    assert shown(batch, "1") == ([batch[0]], 1)


def test_the_order_may_stand_deeper_in_an_entry():
    log = {"logs": [{"status": "success", "payload": {"dscoOrderId": number}} for number in ("1", "2", "3")]}
    assert shown(log, "2") == ({"logs": [log["logs"][1]]}, 2)


def test_a_list_of_numbers_that_was_asked_for():
    assert shown({"platform_order_nos": ["1", "2", "3"], "length": 200}, "2") == (
        {"platform_order_nos": ["2"], "length": 200}, 2,
    )  # fmt: skip


def test_what_is_about_no_order_stays():
    answer = {"code": 0, "messages": [{"severity": "info", "text": "fine"}]}
    assert shown(answer, "1") == (answer, 0)


def test_the_lines_of_the_order_itself_stay():
    order = {"dscoOrderId": "1", "lineItems": [{"sku": "LAMP", "id": "7"}], "packages": [{"trackingNumber": "X"}]}
    assert shown(order, "1") == (order, 0)


def test_a_page_that_is_not_json_is_shown_as_it_is():
    assert part_for("<h1>502 Bad Gateway</h1>", {"1"}).text == "<h1>502 Bad Gateway</h1>"
    assert part_for("", {"1"}).text == ""


class TestCutOff:
    def stored(self) -> str:
        orders = [{"dscoOrderId": str(number), "note": "x" * 300, "quoted": 'a "b" ]}'} for number in range(100)]
        text = excerpt(json.dumps(orders))
        assert len(text) == EXCERPT_CHARACTERS
        return text

    def test_what_is_whole_is_found(self):
        part = part_for(self.stored(), {"3"})
        assert [one["dscoOrderId"] for one in json.loads(part.text)] == ["3"]
        assert (part.left_out > 3, part.cut) == (True, True)

    def test_what_lies_behind_the_end_is_said_to(self):
        part = part_for(self.stored(), {"99"})
        assert (part.text, part.cut) == ("", True)

    def test_nothing_of_other_orders_is_shown_when_nothing_can_be_told_apart(self):
        assert part_for('[{"dscoOrderId": "1", "note": "secr…', {"2"}).text == ""
