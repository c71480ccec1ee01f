"""What is kept of a vendor call: its beginning, with nothing in it that must not be kept, however long the body is."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from integrations.redaction import EXCERPT_CHARACTERS, LOOKED_AT, closed, excerpt

texts = st.text(st.sampled_from('ab"\\{}[],: é\n'), max_size=8)
documents = st.recursive(
    texts | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
).filter(lambda value: isinstance(value, dict | list))


def is_beginning(part: Any, whole: Any) -> bool:
    """Whether everything in ``part`` stands in ``whole`` at the same place."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and is_beginning(value, whole[key]) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(is_beginning, part, whole))
    return bool(part == whole)


@given(documents, st.booleans(), st.data())
def test_json_cut_off_anywhere_is_json_again_and_says_nothing_else(document: Any, ascii_only: bool, data: Any) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only)
    cut = text[: data.draw(st.integers(1, len(text)))]

    assert is_beginning(json.loads(closed(cut)), document)
    if whole := closed(cut, entries=True):
        assert is_beginning(json.loads(whole), document)
    assert json.loads(closed(text)) == document


def test_secrets_and_names_are_masked_wherever_a_long_body_is_cut() -> None:
    order = {"shipping": {"name": "Ada Lovelace", "address": ["12 Secret Street"], "city": "Essen"}, "note": "x" * 90}
    for padding in range(0, 400, 7):
        orders = [{"id": "y" * padding}, *[order] * (LOOKED_AT // 150)]
        text = excerpt(json.dumps({"access_token": "t0p-secret", "orders": orders}).encode())
        assert len(text) == EXCERPT_CHARACTERS
        assert text.endswith("…")
        assert "Essen" in text
        assert not [word for word in ("Lovelace", "Secret", "t0p") if word in text]


def test_a_short_body_is_kept_in_full() -> None:
    assert excerpt(b'{"sku": "LAMP", "phone": "1"}') == '{"sku": "LAMP", "phone": "***"}'


def test_a_long_page_that_is_not_json_is_cut() -> None:
    text = excerpt("<h1>502</h1>" + "bearer abcdef " * LOOKED_AT)
    assert (text[:12], len(text), "abcdef" in text) == ("<h1>502</h1>", EXCERPT_CHARACTERS, False)
