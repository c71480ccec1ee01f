"""Names and addresses of consumers: shown to whoever has the permission, masked for everybody else."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from ..redaction import mask_personal

PERMISSION = "integrations.view_personal_data"


def sees_personal_data(request: HttpRequest) -> bool:
    """Return whether the user may see names and addresses."""
    return bool(request.user.has_perm(PERMISSION))


def as_allowed(request: HttpRequest, document: Any) -> Any:
    """Return a document (JSON-like or JSON text) as this user may see it."""
    return document if sees_personal_data(request) else mask_personal(document)
