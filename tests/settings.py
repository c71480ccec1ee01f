"""Settings of the tests: config.settings with a clean, fast environment. DATABASE_URL may name PostgreSQL."""

import os
import tempfile
from pathlib import Path

for name in list(os.environ):  # the developer's own settings must not leak into the tests
    if (
        name.startswith(("DSCO_", "LINGXING_", "DJANGO_", "DATABASE_SEAL_", "LOGIN_", "SESSION_", "SECOND_"))
        and name != "DJANGO_SETTINGS_MODULE"
    ):
        del os.environ[name]

_workspace = os.environ.setdefault("ORDERBRIDGE_TEST_DIRECTORY", tempfile.mkdtemp(prefix="orderbridge-tests-"))
os.environ.update(
    ORDERBRIDGE_ENV_FILE="",
    DJANGO_SECRET_KEY="only-for-tests-" + "x" * 40,
    DJANGO_DEBUG="false",
    DJANGO_HTTPS="false",
    DJANGO_ALLOWED_HOSTS="testserver,localhost,127.0.0.1",
    DSCO_BASE_URL="http://127.0.0.1:9/api/v3",
    DSCO_CLIENT_ID="test-client",
    DSCO_CLIENT_SECRET="test-client-secret",
    LINGXING_BASE_URL="http://127.0.0.1:9",
    LINGXING_APP_ID="ak_TestApp000000",
    LINGXING_APP_SECRET="test-app-secret",
    OPENPYXL_DEFUSEDXML="False",  # pip-audit brings it; production reads workbooks without
    LOG_LEVEL="WARNING",
    LOG_FORMAT="json",
)
os.environ.setdefault("DATABASE_URL", f"sqlite:///{_workspace}/tests.sqlite3")

from config.settings import *  # noqa: E402, F403

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
STATIC_ROOT = Path(_workspace)  # a directory that exists: WhiteNoise warns otherwise
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, not memory: worker threads and processes of the tests open connections of their own.
    DATABASES["default"]["TEST"] = {"NAME": f"{_workspace}/tests-database.sqlite3"}  # noqa: F405
    # Durability after a power cut is not what the tests are about; waiting for the disk is slow.
    DATABASES["default"]["OPTIONS"]["init_command"] += ";PRAGMA synchronous=OFF"  # noqa: F405
else:
    # Nor is it here; and compiling queries of a few rows is slow too.
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c synchronous_commit=off -c jit=off"  # noqa: F405

# tests/chromium.py sets DJANGO_ALLOW_ASYNC_UNSAFE while a browser is open: its event loop runs in the tests' thread.
SILENCED_SYSTEM_CHECKS = [*globals().get("SILENCED_SYSTEM_CHECKS", []), "async.E001"]
