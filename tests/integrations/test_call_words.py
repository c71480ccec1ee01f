"""A vendor's failure is told in words: who, at what, what was said; codes stand last."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils import translation

import integrations.lingxing
from integrations.call_words import ADDRESSES, PURPOSES
from integrations.dsco import operations
from integrations.errors import TransientError, VendorError
from integrations.flows.runner import WHAT_NEXT
from integrations.sentences import gettext, told

LINGXING = Path(integrations.lingxing.__file__).parent
BUSY = TransientError(
    gettext("The vendor did not answer in time."), vendor="lingxing", operation="create_orders", code="timeout",
    request_id="r-17",
)  # fmt: skip


def test_every_call_of_dsco_has_words() -> None:
    names = {each.name for each in vars(operations).values() if isinstance(each, operations.Operation)}
    assert names - PURPOSES["dsco"].keys() == set()


def test_every_call_of_lingxing_has_words() -> None:
    source = (LINGXING / "client.py").read_text() + (LINGXING / "auth.py").read_text()
    names = set(re.findall(r'(?:\.call\(|_order_pages\(|_request\(|operation = ?|operation=)\s*"([a-z_]+)"', source))
    assert {"create_orders", "order_pages", "inventory_pages", "access_token"} <= names
    assert names - PURPOSES["lingxing"].keys() == set()


def test_every_address_that_lingxing_limits_has_words() -> None:
    source = (LINGXING / "gateway.py").read_text() + (LINGXING / "auth.py").read_text()
    assert set(re.findall(r'"(/[\w/-]+/[\w/-]+)"', source)) - ADDRESSES.keys() == set()
    assert set(ADDRESSES.values()) - PURPOSES["lingxing"].keys() == set()


def test_an_error_says_who_at_what_and_the_codes_last() -> None:
    assert str(BUSY) == ("LingXing, creating orders: The vendor did not answer in time. (code timeout, request r-17)")


def test_it_is_told_in_the_language_of_the_reader() -> None:
    with translation.override("zh-hans"):
        text = told(str(BUSY))
    assert text.startswith("领星，创建订单：")
    assert text.endswith("（代码 timeout, 请求 r-17）")


def test_a_call_without_words_is_named_as_it_is() -> None:
    assert str(TransientError("x", vendor="dsco", operation="new", code="y")) == "DSCO, new: x (code y)"


@pytest.mark.parametrize("kind", VendorError.__subclasses__())
def test_a_run_that_ends_early_says_what_is_to_be_done(kind: type[VendorError]) -> None:
    assert WHAT_NEXT[kind.kind]
