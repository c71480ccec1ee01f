"""The request signature as the stand-in expects it, written without a look at the client's own version.

Two implementations that agree are worth more than one that is compared with itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 16


def canonical_json(value: object) -> str:
    """Compact JSON with sorted keys and raw UTF-8: the only form that every known reader of the rule agrees on."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None or isinstance(value, (dict, list)):
        return canonical_json(value)
    return str(value)


def plain_text(parameters: Mapping[str, Any]) -> str:
    """The text that is hashed: all parameters but `sign`, sorted by name, empty texts left out."""
    texts = {name: _as_text(value) for name, value in parameters.items() if name != "sign"}
    return "&".join(f"{name}={texts[name]}" for name in sorted(texts) if texts[name] != "")


def signature(parameters: Mapping[str, Any], app_id: str) -> str:
    """The signature of the parameters for this application, before URL-encoding (64 base64 characters)."""
    digest = hashlib.md5(plain_text(parameters).encode(), usedforsecurity=False).hexdigest().upper().encode()
    missing = BLOCK - len(digest) % BLOCK
    # ECB is the vendor's choice; a stand-in has to copy it.
    encryptor = Cipher(algorithms.AES(app_id.encode()), modes.ECB()).encryptor()  # noqa: S305
    encrypted = encryptor.update(digest + bytes([missing]) * missing) + encryptor.finalize()
    return base64.b64encode(encrypted).decode()
