"""Retailer policies: in plain words, checked as a whole, with who changed what; defaults have a page too."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import translation

from integrations.findings import Weight
from orders.admin.policy_help import HELP
from orders.models import RetailerPolicy, Store, StoreMapping
from orders.policy_checks import check_policy
from orders.policy_words import in_words
from tests.staff.inbox.conftest import make_orders

pytestmark = pytest.mark.django_db

STEPS = ("push", "acknowledge", "shipment", "invoice", "cancellation")
FORM = {
    "retailer_id": "1000012345", "name": "Acme", "price_field": "consumer_price", "invoice_timing": "complete",
    "cancel_code": "CXSC", "accept_cancel_requests": "on", **{f"{step}_mode": "live" for step in STEPS},
}  # fmt: skip


def told(**values: Any) -> str:
    return " ".join(sentence.text for chapter in in_words(RetailerPolicy(**values)) for sentence in chapter.sentences)


def found(weight: Weight, **values: Any) -> set[str]:
    make_orders(1)
    policy = RetailerPolicy(retailer_id="1000012345", **values)
    return {item.column for item in check_policy(policy) if item.weight is weight}


class TestWords:
    def test_the_defaults_read_as_the_requirement_says(self) -> None:
        words = told()
        assert "in status: 5 To be shipped, 6 Shipped in LingXing." in words
        assert "Several packages wait for a person" in words
        assert "invoiced at expected cost when every line is shipped in full" in words

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"push_mode": "off"}, "Orders are not created in LingXing; they wait"),
            ({"acknowledge_mode": "shadow"}, "Nothing is acknowledged (shadow)"),
            ({"acknowledge_statuses": [4]}, "in status: 4 To be reviewed."),
            ({"automatic_packages": True}, "reported together by themselves"),
            ({"require_carrier": True}, "a service level alone is not enough"),
            ({"invoice_timing": "never"}, "gets no invoices through DSCO"),
            ({"accept_cancel_requests": False}, "a person decides"),
            ({"cancel_code": "OWN"}, "with the code OWN (the retailer's own code)"),
            ({"push_test_orders": True}, "Test orders go to LingXing like any other"),
        ],
    )
    def test_each_setting_has_its_sentence_marked_as_not_the_default(self, values: Any, words: str) -> None:
        own = [line.text for chapter in in_words(RetailerPolicy(**values)) for line in chapter.sentences if line.own]
        assert any(words in text for text in own)

    def test_every_field_of_the_form_says_what_it_does(self) -> None:
        fields = {field.name for field in RetailerPolicy._meta.concrete_fields} - {"id"}
        assert set(HELP) == fields
        with translation.override("zh-hans"):
            assert all(text() for text in HELP.values())


class TestChecks:
    def test_the_defaults_pass(self) -> None:
        make_orders(1)
        assert not check_policy(RetailerPolicy(retailer_id="1000012345"))

    def test_a_dead_status_is_refused(self) -> None:
        assert found(Weight.REFUSE, acknowledge_statuses=[6, 7]) == {"acknowledge_statuses"}

    @pytest.mark.parametrize("statuses", [[5], [4, 5, 6]], ids=["without shipped", "before the review"])
    def test_statuses_with_a_trap_are_asked_about(self, statuses: list[int]) -> None:
        assert found(Weight.CONFIRM, acknowledge_statuses=statuses) == {"acknowledge_statuses"}

    @pytest.mark.parametrize(
        ("values", "column"),
        [
            ({"push_mode": "off"}, "push_mode"),
            ({"acknowledge_mode": "shadow"}, "acknowledge_mode"),
            ({"shipment_mode": "off"}, "shipment_mode"),
            ({"cancel_code": "NOPE"}, "cancel_code"),
            ({"require_warehouse_code": True}, "require_warehouse_code"),
        ],
    )
    def test_what_stops_later_steps_or_cannot_work_is_asked_about(self, values: Any, column: str) -> None:
        assert found(Weight.CONFIRM, **values) == {column}

    def test_everything_in_shadow_is_a_sensible_trial(self) -> None:
        assert not found(Weight.CONFIRM, **{f"{step}_mode": "shadow" for step in STEPS})

    def test_a_retailer_that_nobody_knows_is_asked_about(self) -> None:
        assert {item.column for item in check_policy(RetailerPolicy(retailer_id="typo"))} == {"retailer_id"}


class TestPages:
    def test_a_doubtful_policy_is_saved_after_confirming(self, browser: Any) -> None:
        make_orders(1)
        form = {**FORM, "acknowledge_mode": "off"}
        page = browser.post(reverse("admin:orders_retailerpolicy_add"), form)
        assert "nothing of them is sent either: shipment, invoice" in page.text
        assert not RetailerPolicy.objects.exists()
        [token] = re.findall(r'name="confirm_warnings" value="(\w+)"', page.text)
        browser.post(reverse("admin:orders_retailerpolicy_add"), {**form, "confirm_warnings": token})
        assert RetailerPolicy.objects.get().acknowledge_mode == "off"

    def test_the_page_shows_what_is_saved_in_words_and_who_changed_what(self, browser: Any) -> None:
        make_orders(1)
        browser.post(reverse("admin:orders_retailerpolicy_add"), FORM)
        policy = RetailerPolicy.objects.get()
        address = reverse("admin:orders_retailerpolicy_change", args=[policy.pk])
        browser.post(address, {**FORM, "automatic_packages": "on"})
        page = browser.get(address)
        assert "How orders of Acme are handled now" in page.text
        assert "reported together by themselves" in page.text
        assert [change["what"] for change in page.context["changes"]] == [
            ["report several packages automatically: no → yes"], ["The policy was made."],
        ]  # fmt: skip
        assert page.context["changes"][0]["who"] == "boss"

    def test_the_history_speaks_as_the_form_does(self, browser: Any) -> None:
        make_orders(1)
        policy = RetailerPolicy.objects.create(retailer_id="1000012345", name="Acme")
        address = reverse("admin:orders_retailerpolicy_change", args=[policy.pk])
        browser.post(address, {**FORM, "acknowledge_statuses": ["6"], "automatic_packages": "on"})
        assert browser.get(address).context["changes"][0]["what"] == [
            "acknowledge at ERP status: – → 6 Shipped in LingXing", "report several packages automatically: no → yes",
        ]  # fmt: skip
        browser.post(address, {**FORM, "acknowledge_statuses": ["6"], "invoice_timing": "never"})
        page = browser.get(reverse("admin:orders_retailerpolicy_history", args=[policy.pk]))
        changes = page.context["page_obj"][0].history_delta_changes
        assert [(one["field"], one["old"], one["new"]) for one in changes] == [
            ("Report several packages automatically", "yes", "no"),
            ("When to invoice", "When every line is shipped in full", "Never"),
        ]
        version = reverse("admin:orders_retailerpolicy_simple_history", args=[policy.pk, policy.history.latest().pk])
        assert version in page.text
        assert "The defaults: how orders are handled" not in browser.get(version).text

    def test_a_form_with_errors_goes_on_telling_what_is_saved(self, browser: Any) -> None:
        make_orders(1)
        browser.post(reverse("admin:orders_retailerpolicy_add"), FORM)
        address = reverse("admin:orders_retailerpolicy_change", args=[RetailerPolicy.objects.get().pk])
        page = browser.post(address, {**FORM, "acknowledge_statuses": ["7"]})
        assert "cannot be acknowledged" in page.text
        assert "in status: 5 To be shipped, 6 Shipped in LingXing." in page.text

    def test_a_retailer_without_policy_has_a_page_with_the_defaults(self, browser: Any) -> None:
        make_orders(1)
        StoreMapping.objects.create(retailer_id="R/7 x", store=Store.objects.create(store_id="1"))
        page = browser.get(reverse("admin:orders_retailerpolicy_changelist"))
        address = reverse("admin:orders_retailerpolicy_retailer", args=["1000012345"])
        assert f'href="{address}"' in page.text
        page = browser.get(address)
        assert "handled by the defaults" in page.text
        assert "add/?retailer_id=1000012345&amp;name=Retailer+0" in page.text
        assert browser.get(reverse("admin:orders_retailerpolicy_retailer", args=["R/7 x"])).status_code == 200

    def test_a_retailer_with_a_policy_is_led_to_it(self, browser: Any) -> None:
        policy = RetailerPolicy.objects.create(retailer_id="R1")
        page = browser.get(reverse("admin:orders_retailerpolicy_retailer", args=["R1"]))
        assert page["Location"] == reverse("admin:orders_retailerpolicy_change", args=[policy.pk])

    def test_a_viewer_reads_it_and_cannot_make_one(self, browser_of: Any) -> None:
        make_orders(1)
        viewer = browser_of()
        page = viewer.get(reverse("admin:orders_retailerpolicy_retailer", args=["1000012345"]))
        assert page.status_code == 200
        assert "Give it a policy of its own" not in page.text

    def test_a_file_with_an_impossible_policy_is_refused(self, browser: Any) -> None:
        make_orders(1)
        file = SimpleUploadedFile("p.csv", b'retailer_id,acknowledge_statuses\n1000012345,"[7]"\n')
        page = browser.post(
            reverse("admin:orders_retailerpolicy_import"), {"import_file": file, "format": "1", "resource": ""}
        )
        assert page.context.get("confirm_form") is None
        assert "cannot be acknowledged" in page.text

    def test_policies_that_stay_as_they_are_are_not_asked_about(self, browser: Any) -> None:
        make_orders(1)
        RetailerPolicy.objects.create(retailer_id="1000012345", acknowledge_mode="shadow")
        file = "retailer_id,acknowledge_mode,cancel_code\n1000012345,{},CXSC\n"
        address, warnings = reverse("admin:orders_retailerpolicy_import"), {}
        for mode in ("shadow", "off"):
            upload = SimpleUploadedFile("policies.csv", file.format(mode).encode())
            warnings[mode] = browser.post(address, {"format": "1", "import_file": upload}).context["result"].warnings
        assert warnings["shadow"] == []
        assert "acknowledgement is not live".casefold() in warnings["off"][0][0].casefold()

    def test_the_number_of_queries_does_not_grow_with_retailers(
        self, browser: Any, django_assert_max_num_queries: Any
    ) -> None:
        RetailerPolicy.objects.bulk_create(RetailerPolicy(retailer_id=f"R{n}") for n in range(60))
        with django_assert_max_num_queries(24):
            browser.get(reverse("admin:orders_retailerpolicy_changelist"))
