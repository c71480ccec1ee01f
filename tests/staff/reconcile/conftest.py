from __future__ import annotations

from tests.staff.people import boss, browser

__all__ = ["boss", "browser"]
