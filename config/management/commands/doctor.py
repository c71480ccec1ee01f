"""``manage.py doctor``: what keeps orders from going, what should be mended, and what to do about it."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.doctor import Examination, Finding, Level, Subject, examine
from integrations.management.arguments import whole_number

TITLES: dict[Subject, str | Promise] = {
    Subject.SETTINGS: _("Settings"),
    Subject.DATABASE: _("Database"),
    Subject.MACHINE: _("Machine and logs"),
    Subject.WORKERS: _("Workers"),
    Subject.FLOWS: _("Flows"),
    Subject.DSCO: _("Access to DSCO"),
    Subject.LINGXING: _("Access to LingXing"),
    Subject.CLOCK: _("Clock"),
    Subject.MAPPINGS: _("Mappings"),
    Subject.POLICIES: _("Retailer policies"),
    Subject.ASSUMPTIONS: _("What the vendors do not document"),
}
MARKS: dict[Level, str | Promise] = {
    Level.OK: pgettext_lazy("finding", "ok"),
    Level.NOTE: pgettext_lazy("finding", "note"),
    Level.WARNING: pgettext_lazy("finding", "WARNING"),
    Level.STOPS: pgettext_lazy("finding", "STOPS ORDERS"),
}


class Command(BaseCommand):
    """Tell every finding with what to do; exit 1 when something would stop orders."""

    help = "Looks at everything that orders depend on and says what to do. Writes nothing at the vendors."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own form; the doctor runs the checks itself

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what is to be looked at and how it is told."""
        parser.add_argument("--offline", action="store_true", help="call no vendor")
        parser.add_argument(
            "--language", choices=[code for code, _name in settings.LANGUAGES], default=settings.LANGUAGE_CODE,
            help="of the findings; default: DJANGO_LANGUAGE",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="one JSON object in place of the text")
        parser.add_argument(
            "--sample",
            type=whole_number,
            default=20,
            metavar="N",
            help="look up so many mapped SKUs at DSCO (default 20)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 when orders can go, 1 when something stops them."""
        examination = Examination(offline=options["offline"], sample=options["sample"])
        with translation.override(options["language"]):
            told = {}
            for subject, found in examine(examination):
                told[subject.value] = [_as_json(finding) for finding in found]
                if not options["json"]:
                    self._tell(subject, found)
            stopping = sum(row["level"] == Level.STOPS.value for rows in told.values() for row in rows)
            if options["json"]:
                self.stdout.write(json.dumps({"stops": stopping, "subjects": told}, ensure_ascii=False))
            else:
                self._conclude(examination, stopping)
        if stopping:
            raise SystemExit(1)

    def _tell(self, subject: Subject, found: list[Finding]) -> None:
        if not found:
            return
        styles = {Level.WARNING: self.style.WARNING, Level.STOPS: self.style.ERROR}
        self.stdout.write(self.style.MIGRATE_HEADING(str(TITLES[subject])))
        for finding in found:
            mark = styles.get(finding.level, str)(f"[{MARKS[finding.level]}]")
            self.stdout.write(f"  {mark} {finding.what}")
            if finding.do:
                self.stdout.write(f"      → {finding.do}")
        self.stdout.flush()

    def _conclude(self, examination: Examination, stopping: int) -> None:
        if stopping:
            words = translation.ngettext(
                "%(number)d finding stops orders.", "%(number)d findings stop orders.", stopping
            ) % {"number": stopping}
            self.stdout.write(self.style.ERROR(words))
        elif examination.offline:
            self.stdout.write(translation.gettext("Nothing here stops orders. The vendors were not asked."))
        else:
            self.stdout.write(self.style.SUCCESS(translation.gettext("Nothing stops orders.")))


def _as_json(finding: Finding) -> dict[str, str]:
    return {"level": finding.level.value, "what": finding.what, "do": finding.do}
