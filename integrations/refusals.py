"""What a domain function raises when the thing asked of it cannot be done now."""

from __future__ import annotations


class CannotDo(Exception):
    """It cannot be done (now), and nothing was changed; the message says why and what to do, ``code`` names the case.

    The admin shows the message; the REST API answers ``not_possible`` with both.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
