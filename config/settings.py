"""All settings, read once from the environment. ``.env.example`` explains every variable."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from .environment import Environment
from .logs import configure_structlog, logging_settings
from .unfold import UNFOLD  # noqa: F401 - Django reads it here

BASE_DIR = Path(__file__).resolve().parent.parent
# The most that settings may ask for, in seconds and days: far beyond any use, near enough for every date and wait.
_MINUTE, _HOUR, _DAY, _WEEK, _YEAR = 60, 3600, 86_400, 604_800, 31_536_000
_DECADE_DAYS, _CENTURY_DAYS = 3650, 36_500
env = Environment(os.environ.get("ORDERBRIDGE_ENV_FILE", str(BASE_DIR / ".env")))

# --- Django -------------------------------------------------------------------------------------
SECRET_KEY = env.text("DJANGO_SECRET_KEY")
DEBUG = env.flag("DJANGO_DEBUG")
ALLOWED_HOSTS = env.words("DJANGO_ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]"))
CSRF_TRUSTED_ORIGINS = env.origins("DJANGO_CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the site is ours
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "unfold.contrib.simple_history",
    "config.apps.PagesConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "integrations.apps.IntegrationsConfig",  # before django_q, whose qcluster command it replaces
    "django_q",
    "axes",
    "django_otp",
    "django_structlog",
    "import_export",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "simple_history",
    "config.apps.ConfigConfig",
    "inventory.apps.InventoryConfig",
    "orders.apps.OrdersConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.content_policy.ContentPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "config.preferences.PreferenceMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "config.request_log.RequestLog",
    "config.second_factor.SecondFactorMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.health_strip.health",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "config.preferences.StaffBackend"]
LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
FILE_UPLOAD_HANDLERS = [
    "config.uploads.SizeLimit",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# --- Database -----------------------------------------------------------------------------------
DATABASES: dict[str, Any] = {"default": env.database("DATABASE_URL", f"sqlite:///{BASE_DIR / 'orderbridge.sqlite3'}")}
DATABASES["default"]["CONN_MAX_AGE"] = 60
if DATABASES["default"].get("ENGINE", "").endswith("sqlite3"):
    # A read-then-write transaction must take the write lock at its start, else SQLite answers "locked" at once.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA mmap_size=134217728;"
        "PRAGMA journal_size_limit=67108864;PRAGMA cache_size=-20000;PRAGMA temp_store=MEMORY",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# --- Language, time, files ----------------------------------------------------------------------
# For whoever has chosen none: pages where the browser asks for neither, new alert rules. Stored sentences are English.
LANGUAGE_CODE = env.text("DJANGO_LANGUAGE", "en", choices=("en", "zh-hans"))
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.time_zone("DJANGO_TIME_ZONE", "Asia/Shanghai")
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG

# --- Security (what the README's production settings switch on) -----------------------------------
_THIS_MACHINE = {"localhost", "127.0.0.1", "[::1]", "testserver", "*"}
HTTPS = env.flag("DJANGO_HTTPS", default=not DEBUG and not _THIS_MACHINE.issuperset(ALLOWED_HOSTS))
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = round(env.number("SESSION_HOURS", 12.0, minimum=0.1, maximum=_YEAR / _HOUR) * 3600)
SESSION_EXPIRE_AT_BROWSER_CLOSE = env.flag("SESSION_ENDS_WITH_BROWSER")
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "config.error_pages.stale_form"
X_FRAME_OPTIONS = "DENY"
if env.flag("DJANGO_BEHIND_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
TRUSTED_PROXIES = env.networks("DJANGO_TRUSTED_PROXIES")
# Secrets in the database are sealed with this; unset: with DJANGO_SECRET_KEY.
DATABASE_SEAL_KEY = env.text("DATABASE_SEAL_KEY", "")
DATABASE_SEAL_KEYS_FORMER = env.words("DATABASE_SEAL_KEYS_FORMER")
SECOND_FACTOR = env.text("SECOND_FACTOR", "optional", choices=("off", "optional", "required"))
# Failed log-ins: config/login_lock.py says how these play together.
LOGIN_FAILURE_LIMIT = env.whole("LOGIN_FAILURE_LIMIT", 5, minimum=1)
AXES_FAILURE_LIMIT = LOGIN_FAILURE_LIMIT
AXES_COOLOFF_TIME = timedelta(minutes=env.number("LOGIN_LOCK_MINUTES", 15.0, minimum=1, maximum=_WEEK / _MINUTE))
AXES_HANDLER = "config.login_lock.LoginLock"
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_LOCKOUT_CALLABLE = "config.login_lock.locked_response"
AXES_CLIENT_IP_CALLABLE = "config.addresses.client_address"
AXES_RESET_ON_SUCCESS = True
# Somebody who goes on guessing must not keep the owner out for ever.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["csrfmiddlewaretoken"]

# --- Vendors ------------------------------------------------------------------------------------
DSCO_BASE_URL = env.url("DSCO_BASE_URL", "https://api.dsco.io/api/v3")
DSCO_CLIENT_ID = env.text("DSCO_CLIENT_ID", "")
DSCO_CLIENT_SECRET = env.text("DSCO_CLIENT_SECRET", "")
DSCO_ORDER_URL = env.link("DSCO_ORDER_URL")
LINGXING_BASE_URL = env.url("LINGXING_BASE_URL", "https://openapi.lingxing.com")
LINGXING_APP_ID = env.text("LINGXING_APP_ID", "")
LINGXING_APP_SECRET = env.text("LINGXING_APP_SECRET", "")
LINGXING_ORDER_URL = env.link("LINGXING_ORDER_URL")
LINGXING_PLATFORM_CODE = env.whole("LINGXING_PLATFORM_CODE", 10009)
LINGXING_TIME_ZONE = env.time_zone("LINGXING_TIME_ZONE", "Asia/Shanghai")
LINGXING_ORDER_NUMBER_FIELD = env.text(
    "LINGXING_ORDER_NUMBER_FIELD", "dsco_order_id", choices=("dsco_order_id", "po_number")
)

# --- Flows --------------------------------------------------------------------------------------
FLOW_INTERVAL_SECONDS = env.optional_number("FLOW_INTERVAL_SECONDS", minimum=1, maximum=_WEEK)
RETRY_BACKOFF_SCALE = env.number("RETRY_BACKOFF_SCALE", 1.0, maximum=1000)
VERIFY_DELAY_SECONDS = env.number("VERIFY_DELAY_SECONDS", 120.0, maximum=_DAY)
HTTP_TIMEOUT_SECONDS = env.optional_number("HTTP_TIMEOUT_SECONDS", minimum=0.1, maximum=_HOUR)
RATE_LIMIT_SCALE = env.number("RATE_LIMIT_SCALE", 1.0, minimum=0.01, maximum=100_000)
HTTP_THREADS = env.whole("HTTP_THREADS", 16, minimum=1, maximum=64)
ACK_ORDER_STATUSES = env.whole_numbers("ACK_ORDER_STATUSES", (5, 6))
ORDER_BACKFILL_DAYS = env.number("ORDER_BACKFILL_DAYS", 7.0, maximum=_DECADE_DAYS)
PUSH_BATCH_SIZE = env.whole("PUSH_BATCH_SIZE", 100, minimum=1, maximum=200)
BATCH_FROM = env.whole("BATCH_FROM", 30, minimum=2)
SETTLE_SECONDS = env.number("SETTLE_SECONDS", 10.0, maximum=_HOUR)
STOCK_INCLUDE_ZERO = env.flag("STOCK_INCLUDE_ZERO", default=True)
STOCK_DROP_LIMIT_PERCENT = env.number("STOCK_DROP_LIMIT_PERCENT", 20.0, maximum=100)
ATTENTION_AFTER_HOURS = env.number("ATTENTION_AFTER_HOURS", 2.0, maximum=_YEAR / _HOUR)
GIVE_UP_AFTER_HOURS = env.number("GIVE_UP_AFTER_HOURS", 24.0, maximum=_YEAR / _HOUR)
# So many calls in a row without an answer are an outage; then one process asks, at first after so many seconds.
OUTAGE_AFTER_FAILURES = env.whole("OUTAGE_AFTER_FAILURES", 5, minimum=1)
OUTAGE_PROBE_SECONDS = env.number("OUTAGE_PROBE_SECONDS", 15.0, minimum=1, maximum=_DAY)
OUTAGE_PROBE_LONGEST_SECONDS = env.number("OUTAGE_PROBE_LONGEST_SECONDS", 300.0, minimum=1, maximum=_DAY)

# --- Alerts: e-mail and webhooks ------------------------------------------------------------------
# Where staff open the admin; links in messages start with it.
PUBLIC_URL = env.url("PUBLIC_URL", "")
ALERT_WEBHOOK_PRIVATE = env.flag("ALERT_WEBHOOK_PRIVATE")
globals().update(env.email("EMAIL_URL"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "OrderBridge <orderbridge@localhost>")

# --- How long things are kept (days; 0: for ever) ----------------------------------------------------
RETENTION_CALL_BODY_DAYS = env.number("RETENTION_CALL_BODY_DAYS", 90.0, maximum=_CENTURY_DAYS)
RETENTION_HISTORY_DAYS = env.number("RETENTION_HISTORY_DAYS", 400.0, maximum=_CENTURY_DAYS)
RETENTION_VERSION_DAYS = env.number("RETENTION_VERSION_DAYS", 180.0, maximum=_CENTURY_DAYS)
RETENTION_PERSONAL_DAYS = env.number("RETENTION_PERSONAL_DAYS", 365.0, maximum=_CENTURY_DAYS)
RETENTION_LOGIN_DAYS = env.number("RETENTION_LOGIN_DAYS", 7.0, maximum=_CENTURY_DAYS)
RETENTION_ALERT_DAYS = env.number("RETENTION_ALERT_DAYS", 90.0, maximum=_CENTURY_DAYS)

# --- Monitoring -----------------------------------------------------------------------------------
METRICS_TOKEN = env.text("METRICS_TOKEN", "")

# --- Jobs: django-q2 is only the clock and the worker pool; retries belong to the deliveries --------
REDIS_URL = env.redis("REDIS_URL")
Q_CLUSTER: dict[str, Any] = {
    "name": "orderbridge",
    "workers": env.whole("WORKERS", 2, minimum=1, maximum=64),
    "queue_limit": 1,
    "bulk": 1,
    "timeout": 600,
    "retry": 1800,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "poll": 1.0,
    "guard_cycle": 0.5,
    "recycle": 200,
    "max_rss": 400_000,
    "save_limit": 100,
    "save_limit_per": "func",
    "label": "Background jobs",
}
Q_CLUSTER |= {"redis": REDIS_URL} if REDIS_URL else {"orm": "default"}

# --- REST, admin, logs ----------------------------------------------------------------------------
API_READS_PER_MINUTE = env.whole("API_READS_PER_MINUTE", 600, minimum=1)
API_WRITES_PER_MINUTE = env.whole("API_WRITES_PER_MINUTE", 120, minimum=1)
RETENTION_API_KEY_DAYS = env.number("RETENTION_API_KEY_DAYS", 30.0, maximum=_CENTURY_DAYS)
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "integrations.api.schema.ApiSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": ["integrations.api.access.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["integrations.api.access.Allowed"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["integrations.api.parsing.StrictJson"],
    "EXCEPTION_HANDLER": "integrations.api.problems.answer_problem",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "OrderBridge",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "docExpansion": "none", "validatorUrl": None},
    "REDOC_DIST": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["integrations.api.schema.finish"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True
LOG_LEVEL = env.text("LOG_LEVEL", "INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.text("LOG_FORMAT", "console" if DEBUG or sys.stderr.isatty() else "json", choices=("json", "console"))
LOGGING = logging_settings(LOG_LEVEL, LOG_FORMAT)
configure_structlog()

env.stop_on_problems()
