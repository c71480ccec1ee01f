"""Settings of ``make simulate``: those of the tests, with a database in memory unless DATABASE_URL names PostgreSQL."""

import os

os.environ.setdefault("LOG_LEVEL", "CRITICAL")

from tests.settings import *  # noqa: F403

LOGGING["root"]["level"] = "CRITICAL"  # noqa: F405
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    DATABASES["default"]["NAME"] = ":memory:"  # noqa: F405
    # More different statements than the driver keeps prepared.
    DATABASES["default"]["OPTIONS"]["cached_statements"] = 2000  # noqa: F405
