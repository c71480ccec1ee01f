"""Connections that can only be made to public addresses: what is checked is the very address that is connected to.

A name that is looked up once for the check and once more for the call can answer differently the second time (DNS
rebinding). Here the look-up, the check and the connection are one.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

# Translates to IPv4 at the network's edge: the last four bytes say where it leads.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class NotPublic(Exception):
    """The host has an address that only we can reach: our own network, this machine, the cloud's metadata."""


def is_public(text: str) -> bool:
    """Return whether an address is one of the open internet, also when it is wrapped in an IPv6 address."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            address = inner
    return address.is_global and not address.is_multicast


def addresses_of(host: str, port: int | None = None) -> list[str]:
    """Return every address of a host. Raises OSError or UnicodeError for one that is not known."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class PublicAdapter(HTTPAdapter):
    """Carries requests to public addresses only; raises NotPublic before anything is sent anywhere else."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Let the pools make our connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PublicHttpPool, "https": _PublicHttpsPool}


def _connected(connection: HTTPConnection) -> socket.socket:
    """Look the host up, refuse it unless all of its addresses are public, connect to the first that answers."""
    try:
        found = addresses_of(connection.host, connection.port)
    except (OSError, UnicodeError) as error:
        raise NameResolutionError(connection.host, connection, socket.gaierror(str(error))) from None
    if not found or not all(is_public(address) for address in found):
        raise NotPublic(connection.host)
    problem: Exception = OSError("no address")
    for address in found:
        try:
            return create_connection((address, connection.port), connection.timeout)
        except OSError as error:
            problem = error
    raise NewConnectionError(connection, f"no connection: {type(problem).__name__}")


class _PublicHttp(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)


class _PublicHttps(HTTPSConnection):
    # The certificate is checked against the name, as ever: only the way there is ours.
    def _new_conn(self) -> socket.socket:
        return _connected(self)


class _PublicHttpPool(HTTPConnectionPool):
    ConnectionCls = _PublicHttp


class _PublicHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _PublicHttps
