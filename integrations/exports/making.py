"""From the wish to the file: what the list showed is asked again in a worker, with the rights of who wants it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.contrib import admin
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import get_resolver
from django.utils import timezone, translation
from django.utils.translation import get_language

from .. import jobs
from ..models import Export
from ..sentences import gettext as _
from .lists import PERSONAL_DATA, Exportable, exportable
from .writing import write_csv, write_xlsx

log = structlog.get_logger(__name__)

KEPT_DAYS = 7
# A file of this many rows is about 60 MB; whoever needs more exports by parts.
MOST_ROWS = 200_000
CHUNK = 500
TASK = "integrations.tasks.make_export"
# A worker that has not finished by now is dead: the queue ends every job after ten minutes.
GIVEN_UP_AFTER = timedelta(minutes=20)


def request_export(
    subject: str, file_format: str, user: Any, *, query: str = "", ids: Sequence[int] | None = None
) -> Export:
    """Ask for a file of a list. Raises PermissionDenied.

    query: the list's query string (its filters); ids: the ticked rows instead. Personal data is in the file only
    when the user may see it now and when it is made.
    """
    wanted = exportable(subject)
    if wanted is None or not user.has_perm(wanted.permission):
        raise PermissionDenied(_("You may not export this list."))
    zone = timezone.get_current_timezone_name()
    filters: dict[str, Any] = {"query": query, "language": get_language() or "en", "time_zone": zone}
    if ids is not None:
        filters["ids"] = list(ids)[:MOST_ROWS]
    filters["personal"] = bool(user.has_perm(PERSONAL_DATA))
    export = Export.objects.create(
        subject=subject, format="xlsx" if file_format == "xlsx" else "csv", filters=filters, created_by=user,
        expires_at=timezone.now() + timedelta(days=KEPT_DAYS),
    )  # fmt: skip
    transaction.on_commit(lambda: jobs.start(TASK, export.pk, name=f"export {export.pk}: {subject}"))
    return export


def make(export_id: int) -> str:
    """Write the file of an export that has none yet. Returns what became of it, in a word."""
    export = Export.objects.select_related("created_by").defer("content").filter(pk=export_id).first()
    if export is None or export.finished_at is not None:
        return "nothing to do"
    with (
        translation.override(export.filters.get("language") or "en"),
        timezone.override(export.filters.get("time_zone") or timezone.get_default_timezone()),
    ):
        try:
            _write(export)
        except (PermissionDenied, ObjectDoesNotExist) as error:
            export.error = str(error)
        except Exception as error:
            log.exception("export_broke", export=export.pk)
            text = _("The file could not be made (%(error)s). Try again; if it happens again, tell the administrator.")
            export.error, export.row_count = text % {"error": type(error).__name__}, 0
    export.finished_at = timezone.now()
    export.save(update_fields=["content", "row_count", "error", "finished_at"])
    return "failed" if export.content is None else "made"


def sweep() -> int:
    """Remove files that were kept long enough and close exports whose worker died. Returns how many were removed."""
    now = timezone.now()
    dead = Export.objects.filter(finished_at__isnull=True, created_at__lt=now - GIVEN_UP_AFTER)
    dead.update(finished_at=now, error=_("The worker stopped before the file was complete. Export again."))
    return Export.objects.filter(expires_at__lt=now).delete()[0]


def _write(export: Export) -> None:
    wanted, user = exportable(export.subject), export.created_by
    if wanted is None or user is None or not user.is_active or not user.has_perm(wanted.permission):
        raise PermissionDenied(_("You may not export this list."))
    personal = bool(export.filters.get("personal")) and user.has_perm(PERSONAL_DATA)
    columns = [column for column in wanted.columns() if personal or not column.personal]
    ids = list(_chosen(export, wanted)[: MOST_ROWS + 1])
    if len(ids) > MOST_ROWS:
        ids = ids[:MOST_ROWS]
        text = _("Only the first %(n)d rows are in the file. Narrow the list by its filters to export the others.")
        export.error = text % {"n": MOST_ROWS}
    export.row_count = len(ids)

    def rows() -> Iterator[list[Any]]:
        for start in range(0, len(ids), CHUNK):
            for record in wanted.records(ids[start : start + CHUNK], personal):
                yield [column.value(record) for column in columns]

    headers = [str(column.header) for column in columns]
    title = str(wanted.model._meta.verbose_name_plural)
    export.content = write_xlsx(headers, rows(), title) if export.format == "xlsx" else write_csv(headers, rows())


def _chosen(export: Export, wanted: Exportable) -> QuerySet[Any]:
    """Return the primary keys in the list's order: the list's own page answers, so filters mean the same here."""
    if "ids" in export.filters:
        chosen = wanted.model._default_manager.filter(pk__in=export.filters["ids"])
        return chosen.values_list("pk", flat=True)
    _load_pages()
    model_admin = admin.site.get_model_admin(wanted.model)
    request = HttpRequest()
    request.method = "GET"
    request.GET = QueryDict(str(export.filters.get("query", "")))
    if export.created_by is not None:
        request.user = export.created_by
    request.resolver_match = None
    rows = model_admin.get_changelist_instance(request).get_queryset(request)
    return rows.select_related(None).values_list("pk", flat=True)


def _load_pages() -> None:
    """Make sure that the lists' pages are registered: they come with the addresses, which a worker may not need."""
    get_resolver().url_patterns  # noqa: B018 - looking at them loads them
