"""Pages of large objects: the same content as when they are read as a whole, and the same refusals."""

from __future__ import annotations

import json

import pytest

from integrations.dsco.messages import read_json
from integrations.dsco.pages import Objects, read_page

ORDERS = [
    {"dscoOrderId": "1", "name": "Zoë 林小雨 😀", "total": 12.50, "lineItems": [{"sku": 'a"]}b', "quantity": 1}]},
    {"dscoOrderId": "2", "scrollId": "not this one", "orders": [1, {"orders": []}]},
    {},
]


def as_a_whole(content):
    return {
        name: list(value) if isinstance(value, Objects) else value
        for name, value in read_page(content, "orders").items()
    }


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("order", ["scrollId first", "scrollId last"])
def test_a_page_says_the_same_as_when_it_is_read_as_a_whole(indent, escaped, encoding, order):
    members = [("scrollId", "s1"), ("more", [1.50, None]), ("orders", ORDERS)]
    page = dict(members if order == "scrollId first" else reversed(members))
    content = json.dumps(page, indent=indent, ensure_ascii=escaped).encode(encoding)
    read = read_page(content, "orders")
    assert isinstance(read["orders"], Objects)
    assert as_a_whole(content) == read_json(content)
    assert (len(read["orders"]), read["orders"][1]["dscoOrderId"]) == (3, "2")
    assert read["more"] == ["1.5", None]


@pytest.mark.parametrize(
    "content",
    ["", " ", "{", '{"orders"', '{"orders":', '{"orders": [', '{"orders": [{}', '{"orders": [{}] ', '{"orders": [{},]}',
     '{"orders": [{} {}]}', '{"orders": [{"a": }]}', '{"orders": [{}]} x', '{"orders" [{}]}', "{1: 2}",
     '{"a": 1 "b": 2}', "<html>", '{"orders": ' + "[" * 100_000],
)  # fmt: skip
def test_what_is_no_json_is_refused_as_a_whole(content):
    with pytest.raises(ValueError, match=r".+"):
        read_json(content.encode())
    with pytest.raises(ValueError, match=r".+"):
        read_page(content.encode(), "orders")


def test_bytes_that_are_no_text_are_found_when_the_page_is_read_not_later():
    content = b'{"orders": [{"name": "ok"}, {"name": "\xff"}]}'
    with pytest.raises(ValueError, match="utf-8"):
        read_json(content)
    with pytest.raises(ValueError, match="utf-8"):
        read_page(content, "orders")


@pytest.mark.parametrize(
    "content", ["[]", "7", '"x"', "null", '{"orders": null}', '{"orders": [1]}', '{"orders": [{}, 1]}']
)
def test_what_is_no_page_is_read_like_everything_else(content):
    assert read_page(content.encode(), "orders") == read_json(content.encode())


def test_an_empty_list_is_an_empty_page():
    assert len(read_page(b'{"orders": [ ]}', "orders")["orders"]) == 0


def test_portions_are_bounded_in_number_and_in_size_and_leave_nothing_out():
    orders = [{"dscoOrderId": str(number), "text": "x" * (50_000 if number % 10 == 0 else 10)} for number in range(95)]
    page = read_page(json.dumps({"orders": orders}).encode(), "orders")["orders"]
    portions = list(page.portions(most=20, most_bytes=60_000))
    assert [order for portion in portions for order in portion] == orders
    assert max(map(len, portions)) <= 20
    assert max(len(json.dumps(portion)) for portion in portions) < 120_000
    assert list(read_page(b'{"orders": []}', "orders")["orders"].portions()) == []
