"""The demo's settings: pages as in production, also those that tell of errors, with static files from the sources."""

from __future__ import annotations

from .settings import *  # noqa: F403 - the same settings but for two

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
STATIC_ROOT = None  # type: ignore[assignment] # nothing was collected
