"""A seeded database, people with different rights, and their browsers."""

from tests.staff.people import as_user, boss, browser, orders, seeded, viewer, viewers_browser

__all__ = ["as_user", "boss", "browser", "orders", "seeded", "viewer", "viewers_browser"]
