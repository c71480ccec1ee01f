"""The consumer in what DSCO sent: where the parcel goes, and which paths of a payload are personal."""

from __future__ import annotations

import re
from typing import Any

from integrations.dsco.schemas import DscoAddress
from integrations.redaction import PERSONAL_KEYS

_SEGMENT = re.compile(r"[^.\[\]]+")


def consignee_of(payload: Any) -> DscoAddress:
    """Return where the parcel goes, as far as the payload says it."""
    raw = payload.get("shipping") if isinstance(payload, dict) else None
    return DscoAddress.model_validate(raw if isinstance(raw, dict) else {})


def is_personal_path(path: str) -> bool:
    """Return whether a path such as ``shipping.address[0]`` leads to personal data."""
    return any(segment.lower() in PERSONAL_KEYS for segment in _SEGMENT.findall(path))
