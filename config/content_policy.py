"""What a browser may do on our pages: scripts, styles and pictures from this server only, nothing written into a page.

``'unsafe-eval'`` stands for the admin's theme alone: Alpine.js makes functions of the expressions in the theme's
templates (``x-show="open"``). Its build for strict policies knows neither statements nor globals such as localStorage,
which the theme uses. What an attacker would need, a way to get a script or a tag of his own into a page, stays shut:
no inline script runs, and templates escape what they show. Styles may be written into pages: the theme, its select
boxes and scroll bars set widths and colours that way.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_PAGES = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
_NOTHING = {"default-src": "'none'", "frame-ancestors": "'none'"}


def _policy(directives: dict[str, str]) -> str:
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


PAGES = _policy(_PAGES)
ADMIN_PAGES = _policy({**_PAGES, "script-src": "'self' 'unsafe-eval'"})
DATA = _policy(_NOTHING)


class ContentPolicyMiddleware:
    """Sends the policy that fits with every answer, unless the view sent one of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the headers."""
        response = self.get_response(request)
        is_page = response.get("Content-Type", "").startswith("text/html")
        themed = not request.path.startswith("/api/")
        response.setdefault("Content-Security-Policy", (ADMIN_PAGES if themed else PAGES) if is_page else DATA)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
        return response
