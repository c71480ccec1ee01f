"""LingXing's request signature: MD5 over the sorted parameters, encrypted with AES under the AppID.

The body is turned into text once; the same objects are signed and the same bytes are sent.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

# AES knows no other key lengths, and the AppID is the key.
APP_ID_LENGTHS = (16, 24, 32)
_MD5_PADDING = bytes([16]) * 16  # PKCS5: 32 letters fill two blocks, so the padding is a whole third one


def canonical(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``body`` in the one form that every known server rule signs alike.

    Nulls are left out at every level, top-level strings are stripped, empty top-level strings and
    lists are left out, and half surrogate pairs (which UTF-8 cannot carry) become ``?``.
    Raises TypeError for a float: amounts travel as text.
    """
    cleaned = {}
    for key, value in body.items():
        item = _clean(value)
        item = item.strip() if isinstance(item, str) else item
        if item is not None and item not in ("", []):
            cleaned[key] = item
    return cleaned


def compact_json(value: Any) -> str:
    """Return JSON without blanks, with sorted keys and unescaped Unicode."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def plain_text(params: Mapping[str, Any]) -> str:
    """Return ``key=value&…`` over the sorted parameters, empty ones left out: what is hashed."""
    texts = ((key, _value_text(params[key])) for key in sorted(params) if key != "sign")
    return "&".join(f"{key}={text}" for key, text in texts if text != "")


def sign(params: Mapping[str, Any], app_id: str) -> str:
    """Return the signature of all parameters (business and common ones), not yet URL-encoded."""
    digest = hashlib.md5(plain_text(params).encode(), usedforsecurity=False).hexdigest().upper()
    encryptor = Cipher(algorithms.AES(app_id.encode()), modes.ECB()).encryptor()  # noqa: S305 - the vendor's choice
    encrypted = encryptor.update(digest.encode() + _MD5_PADDING) + encryptor.finalize()
    return base64.b64encode(encrypted).decode()


def _value_text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return compact_json(value)
    return str(value)


def _clean(value: Any) -> Any:
    if isinstance(value, float):
        raise TypeError("A float would be signed differently on both sides; send amounts as text.")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {key: _clean(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value if item is not None]
    return value
