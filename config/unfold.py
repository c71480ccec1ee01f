"""Settings of the admin theme (django-unfold): names, colours, navigation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _


def _file(name: str) -> Callable[[Any], str]:
    """Return what gives the address of one of our files; asked at each page, when static files are ready."""
    return lambda _request: static(f"orderbridge/{name}")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "OrderBridge",
    "SITE_HEADER": "OrderBridge",
    "SITE_SUBHEADER": _("DSCO and LingXing"),
    "SITE_SYMBOL": "sync_alt",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _file("favicon.svg")}],
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "ENVIRONMENT": "config.start_page.environment",
    "DASHBOARD_CALLBACK": "config.start_page.context",
    "STYLES": [_file("admin.css"), _file("dashboard.css")],
    "SCRIPTS": [_file("keys.js"), _file("access.js")],
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 240)",
            "100": "oklch(94% .03 240)",
            "200": "oklch(89% .055 240)",
            "300": "oklch(82% .1 240)",
            "400": "oklch(71% .14 243)",
            "500": "oklch(60% .15 246)",
            "600": "oklch(52% .15 248)",
            "700": "oklch(46% .13 250)",
            "800": "oklch(41% .11 251)",
            "900": "oklch(36% .09 252)",
            "950": "oklch(27% .07 253)",
        },
    },
    "ACCOUNT": {"navigation": "config.preferences.account_links"},
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": "config.navigation.sidebar",
    },
}
