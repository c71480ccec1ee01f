"""One log line at the start and end of each request, with its id, its user and where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.http import HttpRequest

from .addresses import client_address

if TYPE_CHECKING:

    class RequestMiddleware:
        """What django-structlog's middleware is to the type checker."""

else:
    from django_structlog.middlewares import RequestMiddleware


class RequestLog(RequestMiddleware):
    """django-structlog's, without what people search for (a consumer's name), and with the address that we trust."""

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        """Put the client's address into every line of the request."""
        structlog.contextvars.bind_contextvars(ip=client_address(request))

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Name the request by its path alone."""
        return f"{request.method} {request.path}"
