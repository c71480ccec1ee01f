"""The machine itself: room on its disks, memory, the pages' files, and where log lines go."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from .findings import Finding, note, ok, stops, warning

if TYPE_CHECKING:
    from .examination import Examination

MEGABYTE = 1_000_000
LITTLE_DISK, NO_DISK = 2000, 200
LITTLE_MEMORY = 400


def look(examination: Examination) -> Iterator[Finding]:
    """Look at disks, memory, static files and logs."""
    yield from _disks()
    yield from _memory()
    yield from _static_files()
    yield from _logs()


def _disks() -> Iterator[Finding]:
    """The disk of the program, and of the database where it is a file."""
    places = {Path(settings.BASE_DIR)}
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        places.add(Path(str(settings.DATABASES["default"]["NAME"])).resolve().parent)
    for place in sorted(places):
        if not place.exists():
            continue  # the database's own subject says so
        free = shutil.disk_usage(place).free // MEGABYTE
        what = _("%(free)d MB are free on the disk of %(place)s.") % {"free": free, "place": place}
        do = _("Make room: a full disk stops the database, and with it everything.")
        if free < NO_DISK:
            yield stops(what, do)
        elif free < LITTLE_DISK:
            yield warning(what, do)
        else:
            yield ok(what)


def _memory() -> Iterator[Finding]:
    figures = Path("/proc/meminfo")
    if not figures.exists():
        return
    lines = dict(line.split(":", 1) for line in figures.read_text().splitlines() if ":" in line)
    free = int(lines.get("MemAvailable", "0 kB").split()[0]) // 1000
    what = _("%(free)d MB of memory are free.") % {"free": free}
    if free and free < LITTLE_MEMORY:
        yield warning(what, _("A worker takes 100 to 150 MB: lower WORKERS, or give the machine more memory."))
    else:
        yield ok(what)


def _static_files() -> Iterator[Finding]:
    if settings.DEBUG or (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
        return
    if "Manifest" in settings.STORAGES["staticfiles"]["BACKEND"]:
        yield warning(
            _("The pages' style sheets and scripts are not collected: every page of the admin would break."),
            _("Run manage.py collectstatic --no-input (make run does it)."),
        )


def _logs() -> Iterator[Finding]:
    """Logs go to standard error; the service manager keeps them. A file there must have room like any other."""
    where = Path("/proc/self/fd/2").resolve() if Path("/proc/self/fd/2").exists() else Path("stderr")
    target = str(where) if where.is_file() else _("the terminal or the service manager")
    level, style = settings.LOG_LEVEL, settings.LOG_FORMAT
    yield ok(
        _("Log lines go to standard error (here: %(target)s), from %(level)s on, as %(style)s.")
        % {"target": target, "level": level, "style": style}
    )
    if level in ("WARNING", "ERROR"):
        yield note(
            _("LOG_LEVEL=%(level)s leaves out that flows ended and with which counts.") % {"level": level},
            _("Leave LOG_LEVEL at INFO: a flow writes a handful of lines."),
        )
    elif level == "DEBUG":
        yield warning(_("LOG_LEVEL=DEBUG writes very much."), _("Leave LOG_LEVEL at INFO."))
    if style == "console" and not sys.stderr.isatty():
        yield note(_("LOG_FORMAT=console is for people; machines read json."), _("Leave LOG_FORMAT out."))
