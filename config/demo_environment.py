"""The environment of the demo. It overrides whatever is set, so that the demo can never touch real accounts."""

from __future__ import annotations

from pathlib import Path

DEMO_DIRECTORY = Path(__file__).resolve().parent.parent / "var"
DEMO_USER = "demo"
DEMO_PASSWORD = "orderbridge-demo"  # noqa: S105 - printed on the screen, for a server that only this machine reaches


def demo_environment() -> dict[str, str]:
    """Return every variable that the demo's processes need, except the sandbox's address."""
    return {
        "ORDERBRIDGE_ENV_FILE": "",
        "DJANGO_SECRET_KEY": "the-demo-holds-no-secrets-and-listens-on-loopback-only",
        "DJANGO_SETTINGS_MODULE": "config.demo_settings",
        "DJANGO_DEBUG": "false",
        "DJANGO_HTTPS": "false",
        "DJANGO_ALLOWED_HOSTS": "localhost,127.0.0.1",
        "DJANGO_TRUSTED_PROXIES": "",
        "DATABASE_SEAL_KEY": "",
        "DATABASE_SEAL_KEYS_FORMER": "",
        "SECOND_FACTOR": "optional",
        "DATABASE_URL": f"sqlite:///{DEMO_DIRECTORY / 'demo.sqlite3'}",
        "REDIS_URL": "",
        "DSCO_BASE_URL": "http://127.0.0.1:9/api/v3",
        "LINGXING_BASE_URL": "http://127.0.0.1:9",
        "DSCO_CLIENT_ID": "",
        "DSCO_CLIENT_SECRET": "",
        "LINGXING_APP_ID": "",
        "LINGXING_APP_SECRET": "",
        "FLOW_INTERVAL_SECONDS": "5",
        "RETRY_BACKOFF_SCALE": "0.05",
        "VERIFY_DELAY_SECONDS": "5",
        "HTTP_TIMEOUT_SECONDS": "10",
        "RATE_LIMIT_SCALE": "1",
        "PUBLIC_URL": "",
        "EMAIL_URL": "",
        "ALERT_WEBHOOK_PRIVATE": "false",
        "LOG_LEVEL": "ERROR",
        "LOG_FORMAT": "console",
    }
