"""The signature: our own vectors (made with md5sum and openssl) and, where present, the contracts' vectors."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from integrations.lingxing.signing import canonical, compact_json, plain_text, sign
from tests import contracts

TOKEN = {"access_token": "token-1", "app_key": "ak_OwnVector0001", "timestamp": "1763690400"}

OWN_VECTORS = [
    ({"offset": 0, "length": 20, "wid": ""}, "Zy3r0RZvdPusRWBOULv7vJNcbyRPQIihGeIIqcSHvTMBM3wgWHLXgsa16YzP9mxK"),
    (
        {"platform_order_nos": ["PO-1", "PO/2 & 3"], "include_delete": True},
        "uFpzbj9x9sZR99F6bkM0HLN6eqKu4ESQoSr+y8/XUZwBM3wgWHLXgsa16YzP9mxK",
    ),
    (
        {
            "store_id": "110000000000000001",
            "orders": [{"remark": "", "items": [{"quantity": 2, "msku": 'A"1'}], "city": "São Paulo"}],
        },
        "kQZEji4Rk0CnrSjUXCVJI6Fw/V96e3cK9AO8mcL6+H8BM3wgWHLXgsa16YzP9mxK",
    ),
]


def contract_vectors() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((contracts.folder() / "lingxing-sign-vectors.json").read_text())["vectors"]
    return found


@pytest.mark.parametrize(("body", "expected"), OWN_VECTORS)
def test_the_signature_is_that_of_md5sum_and_openssl(body: dict[str, Any], expected: str) -> None:
    assert sign(body | TOKEN, "ak_OwnVector0001") == expected


def test_an_app_id_of_32_characters_signs_with_its_longer_key() -> None:
    app_id = "ak_OwnVector00000000000024chars_"

    assert (
        sign(TOKEN | {"app_key": app_id}, app_id) == "PKM2RHmGEyNybhqdAZjHCVQhf7kugY2cz9zODMQA+OQFIONQsrQvyl5gJ/T6ufrB"
    )


@pytest.mark.contracts
def test_every_published_vector_is_met() -> None:
    for vector in contract_vectors():
        common = {"access_token": vector["access_token"], "app_key": vector["app_id"], "timestamp": vector["timestamp"]}
        params = vector.get("body", vector.get("query", {})) | common
        name = vector["name"]
        assert plain_text(params) == vector["plain"], name
        assert hashlib.md5(plain_text(params).encode()).hexdigest().upper() == vector["md5_upper"], name
        assert sign(params, vector["app_id"]) == vector["sign"], name
        assert quote(vector["sign"], safe="") == vector["sign_urlencoded"], name
        if vector.get("body_text"):
            assert compact_json(vector["body"]) == vector["body_text"], name


def test_a_null_is_spelled_out_when_signed_but_never_sent() -> None:
    assert plain_text({"b": None, "a": 0}) == "a=0&b=null"
    assert canonical({"b": None, "a": [{"c": None, "d": ""}]}) == {"a": [{"d": ""}]}


def test_the_canonical_body_has_no_empty_members_at_the_top_and_no_blanks_around_texts() -> None:
    assert canonical({"a": " x ", "b": "", "c": [], "d": 0, "e": False, "f": "  "}) == {"a": "x", "d": 0, "e": False}


def test_half_a_surrogate_pair_does_not_stop_the_call() -> None:
    assert canonical({"a": "x\ud83d", "b": ["\udc00"]}) == {"a": "x?", "b": ["?"]}


@pytest.mark.parametrize("amount", [1.5, [{"price": 2.0}]])
def test_a_float_is_refused_before_it_is_signed(amount: Any) -> None:
    with pytest.raises(TypeError):
        canonical({"amount": amount})


def test_a_decimal_cannot_be_sent_by_accident() -> None:
    with pytest.raises(TypeError):
        compact_json(canonical({"amount": Decimal("1.5")}))
