"""The site of the staff's pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite

EMPTY = "–"


class BackOffice(UnfoldAdminSite):  # type: ignore[misc]
    """The theme's site. Our sidebar says what there is (``navigation.py``), so nobody looks at Django's own list."""

    empty_value_display = EMPTY  # as our own columns say it

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Return Django's list of all models; it is worked out when somebody looks at it (a tenth of a page's time)."""
        return SimpleLazyObject(lambda: super(BackOffice, self).get_app_list(request, app_label))
