"""A seeded database and people with different rights."""

from tests.staff.people import as_user, boss, browser, orders, seeded, staff

__all__ = ["as_user", "boss", "browser", "orders", "seeded", "staff"]
