"""Whose request it is: the client's address, also behind a proxy that is trusted to tell it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest

# What stands for a client on a Unix socket, or with an address that is none.
UNKNOWN = "0.0.0.0"  # noqa: S104 - no address to listen at


def client_address(request: HttpRequest) -> str:
    """Return the address that a request came from.

    ``X-Forwarded-For`` is read only when the connection itself comes from one of DJANGO_TRUSTED_PROXIES, and then from
    its right end: the first address that is no trusted proxy. What stands left of it anybody could have written.
    """
    found = _parsed(request.META.get("REMOTE_ADDR", ""))
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    while found is not None and forwarded and _is_trusted(found):
        told = _parsed(forwarded.pop())
        if told is None:
            break
        found = told
    return str(found) if found is not None else UNKNOWN


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)
