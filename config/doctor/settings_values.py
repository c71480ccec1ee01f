"""Whether the settings fit together and fit production. Malformed ones never get here: every command refuses them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.utils.translation import gettext as _

from config.settings import env
from integrations.lingxing.signing import APP_ID_LENGTHS
from integrations.models import AlertRule, Channel

from .findings import Finding, note, ok, stops, warning

if TYPE_CHECKING:
    from .examination import Examination

CREDENTIALS = ("DSCO_CLIENT_ID", "DSCO_CLIENT_SECRET", "LINGXING_APP_ID", "LINGXING_APP_SECRET")
ADDRESSES = ("DSCO_BASE_URL", "LINGXING_BASE_URL")
# What only tests and the sandbox change, with the value of production.
ONLY_FOR_TESTS = {"RATE_LIMIT_SCALE": 1.0, "RETRY_BACKOFF_SCALE": 1.0}
# What Django's check says about pages without HTTPS; here that is one finding.
ABOUT_HTTPS = frozenset(f"security.{number}" for number in ("W004", "W005", "W008", "W012", "W016", "W021"))
# Read by somebody else than the settings.
OTHER_NAMES = frozenset({"ORDERBRIDGE_ENV_FILE", "ORDERBRIDGE_CHROMIUM"})


def look(examination: Examination) -> Iterator[Finding]:
    """Look at credentials, addresses, test values, Django's own checks and variables that nobody reads."""
    found = False
    for part in (_credentials, _addresses, _test_values, _django, _unknown_names):
        for finding in part():
            found = True
            yield finding
    if not found:
        yield ok(_("Credentials, addresses and production settings are in order."))


def mail_trouble() -> Iterator[Finding]:
    """Say so when alerts are to go by e-mail and no mail server is set. Needs the database."""
    by_mail = AlertRule.objects.filter(enabled=True, channel=Channel.EMAIL).exists()
    if by_mail and settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        yield warning(
            _("Alerts are to go by e-mail, but no mail server is set: mails are only printed."),
            _("Set EMAIL_URL and EMAIL_FROM."),
        )


def on_this_machine(address: str) -> bool:
    """Return whether an address is the machine's own: a sandbox, not the vendor."""
    return urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1")


def _credentials() -> Iterator[Finding]:
    for name in CREDENTIALS:
        if not getattr(settings, name):
            yield stops(
                _("%(name)s is not set: no flow runs.") % {"name": name},
                _("Put it into .env or the service's environment; who gives it out stands in docs/going-live.md."),
            )
    app_id = str(settings.LINGXING_APP_ID)
    if app_id and len(app_id.encode()) not in APP_ID_LENGTHS:
        yield stops(
            _("LINGXING_APP_ID has %(length)d characters; it must have 16, 24 or 32.") % {"length": len(app_id)},
            _("Copy the AppID again from the ERP's settings for open interfaces."),
        )


def _addresses() -> Iterator[Finding]:
    for name in ADDRESSES:
        address = str(getattr(settings, name))
        if on_this_machine(address):
            yield note(
                _("%(name)s leads to this machine: a sandbox, not the vendor.") % {"name": name},
                _("For real orders leave %(name)s out.") % {"name": name},
            )
        elif not address.startswith("https://"):
            yield stops(
                _("%(name)s is not encrypted: credentials and addresses of customers would travel in the open.")
                % {"name": name},
                _("Let %(name)s begin with https://.") % {"name": name},
            )
    if not str(settings.DSCO_BASE_URL).endswith("/api/v3"):
        yield warning(
            _("DSCO_BASE_URL does not end in /api/v3, as DSCO's addresses do."),
            _("Use https://api.dsco.io/api/v3, or https://staging-api.dsco.io/api/v3 for DSCO's test system."),
        )
    elif "staging" in str(settings.DSCO_BASE_URL):
        yield note(_("DSCO_BASE_URL is DSCO's test system."), _("For real orders leave DSCO_BASE_URL out."))
    if not settings.PUBLIC_URL:
        yield note(_("PUBLIC_URL is not set: alerts carry no links."), _("Set it to the address that staff open."))


def _test_values() -> Iterator[Finding]:
    if all(on_this_machine(str(getattr(settings, name))) for name in ADDRESSES):
        return
    for name, usual in ONLY_FOR_TESTS.items():
        value = float(getattr(settings, name))
        if value != usual:
            yield warning(
                _("%(name)s is %(value)g: that is for tests and the sandbox.") % {"name": name, "value": value},
                _("Leave %(name)s out; the vendors block accounts that ask too fast.") % {"name": name},
            )
    if settings.FLOW_INTERVAL_SECONDS:
        yield note(
            _("FLOW_INTERVAL_SECONDS sets every flow to %(seconds)g seconds, also the nightly comparison.")
            % {"seconds": settings.FLOW_INTERVAL_SECONDS},
            _("Leave it out and set intervals on the pages of the flows."),
        )


def _django() -> Iterator[Finding]:
    """Django's own check for deployment, whose sentences are English."""
    if settings.DEBUG:
        yield warning(
            _("DJANGO_DEBUG is on: error pages show source code, and pages are not meant for production."),
            _("Leave DJANGO_DEBUG out."),
        )
        return
    if not settings.HTTPS:
        yield warning(
            _("Pages are served without HTTPS: that is for this machine alone."),
            _("Put a reverse proxy with TLS in front and name the host in DJANGO_ALLOWED_HOSTS (docs/deployment.md)."),
        )
    for message in checks.run_checks(include_deployment_checks=True):
        if (
            message.is_silenced()
            or message.level < checks.WARNING
            or (message.id in ABOUT_HTTPS and not settings.HTTPS)
        ):
            continue
        what = f"Django {message.id}: {message.msg}"
        do = str(message.hint or _("See Django's documentation of this check."))
        yield stops(what, do) if message.level >= checks.ERROR else warning(what, do)


def _unknown_names() -> Iterator[Finding]:
    if not env.dotenv:
        return
    known = {variable.name for variable in env.variables} | OTHER_NAMES
    text = Path(env.dotenv).read_text(encoding="utf-8", errors="replace")
    written = re.findall(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=", text, re.MULTILINE)
    for name in sorted(set(written) - known):
        yield warning(
            _("%(file)s sets %(name)s, which nothing reads.") % {"file": env.dotenv, "name": name},
            _("Compare its spelling with .env.example, or remove the line."),
        )
