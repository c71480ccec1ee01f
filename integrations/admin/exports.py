"""Exports on the screen: a list's "as CSV" and "as XLSX", the page where files wait, the download."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..exports import KEPT_DAYS, PERSONAL_DATA, exportable, request_export
from ..models import Export
from ..sentences import told
from . import words
from .base import display
from .records import RecordAdmin, Section, facts, list_address

EXPORT_PERMISSION = "orders.export_order"
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def list_label(export: Export) -> str:
    """Return which list it is."""
    known = exportable(export.subject)
    return capfirst(str(known.model._meta.verbose_name_plural)) if known else export.subject


def _filters(export: Export) -> SafeString | str:
    """Return which rows of the list were asked for: filters by a link to the list that shows them in words."""
    known, query = exportable(export.subject), export.filters.get("query")
    if "ids" in export.filters:
        return _("%(n)d ticked rows") % {"n": len(export.filters["ids"])}
    if not query or known is None:
        return str(query or _("all rows"))
    address = f"{list_address(known.model)}?{query}"
    return format_html('<a class="ob-link" href="{}">{}</a>', address, _("Show the list with these filters"))


def may_export(request: HttpRequest, subject: str) -> bool:
    """Return whether the user may export the list."""
    known = exportable(subject)
    return known is not None and bool(request.user.has_perm(known.permission))


def export_step(request: HttpRequest, subject: str, file_format: str) -> HttpResponse:
    """Ask for the file of what was chosen in a list (ticked rows, or all that match its filters), say where it comes.

    For a list's action: its address carries the filters.
    """
    across = request.POST.get("select_across") == "1"
    ids = None if across else [int(pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME) if pk.isdigit()]
    return _asked(request, subject, file_format, request.META.get("QUERY_STRING", ""), ids)


def export_list_view(request: HttpRequest, subject: str) -> HttpResponse:
    """Ask for the file of a whole filtered list: POST with ``format``; the filters are in the address."""
    if request.method != "POST":
        return HttpResponse(status=405)
    file_format = request.POST.get("format", "csv")
    return _asked(request, subject, file_format, request.META.get("QUERY_STRING", ""), None)


def _asked(request: HttpRequest, subject: str, file_format: str, query: str, ids: list[int] | None) -> HttpResponse:
    export = request_export(subject, file_format, request.user, query=query, ids=ids)
    address = reverse("admin:integrations_export_change", args=[export.pk])
    return HttpResponseRedirect(address)  # that page says how far it is


@admin.register(Export)
class ExportAdmin(RecordAdmin):
    """The user's own files (an administrator sees everybody's)."""

    change_form_template = "admin/exports/export.html"
    list_display = ("what", "format_label", "rows", "state", "by", "created", "kept_until", "file")
    list_display_links = ("what",)
    list_select_related = ("created_by",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Only one's own, without the files themselves."""
        rows = super().get_queryset(request).defer("content")
        return rows if request.user.is_superuser else rows.filter(created_by=request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may export."""
        return bool(request.user.has_perm(EXPORT_PERMISSION))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The same on the index."""
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        """Add the file and its progress."""
        view = self.admin_site.admin_view
        return [
            path("<int:export_id>/file/", view(self.file_view), name="integrations_export_file"),
            path("<int:export_id>/progress/", view(self.progress_view), name="integrations_export_progress"),
            *super().get_urls(),
        ]

    # --- Columns ----------------------------------------------------------------------------------

    @display(description=gettext_lazy("list"))
    def what(self, export: Export) -> str:
        """Which list."""
        return f"#{export.pk} {list_label(export)}"

    @display(description=gettext_lazy("format"))
    def format_label(self, export: Export) -> str:
        """CSV or XLSX."""
        return export.format.upper()

    @display(description=gettext_lazy("rows"))
    def rows(self, export: Export) -> str:
        """How many rows the file has."""
        return f"{export.row_count:,}" if export.finished_at else words.EMPTY

    @display(description=gettext_lazy("status"))
    def state(self, export: Export) -> SafeString:
        """Being made, ready, failed."""
        return words.label(*status_of(export))

    @display(description=gettext_lazy("by"))
    def by(self, export: Export) -> str:
        """Who asked for it."""
        return export.created_by.get_username() if export.created_by else words.EMPTY

    @display(description=gettext_lazy("created"))
    def created(self, export: Export) -> SafeString | str:
        """When."""
        return words.ago(export.created_at)

    @display(description=gettext_lazy("kept until"))
    def kept_until(self, export: Export) -> SafeString | str:
        """When it is removed."""
        return words.moment(export.expires_at)

    @display(description=gettext_lazy("file"))
    def file(self, export: Export) -> SafeString | str:
        """The download."""
        if not is_ready(export):
            return words.EMPTY
        return format_html('<a class="ob-link" href="{}">{}</a>', file_address(export), _("Download"))

    # --- The page and the file --------------------------------------------------------------------

    def sections(self, request: HttpRequest, record: Export) -> list[Section]:
        """Return what was asked."""
        chosen = _filters(record)
        return [
            facts(_("What was asked"), [
                (_("list"), list_label(record)), (_("format"), record.format.upper()), (_("filters"), chosen),
                (_("names and addresses"), _("included") if record.filters.get("personal") else _("left out")),
                (_("by"), self.by(record)), (_("created"), words.moment(record.created_at)),
                (_("finished"), words.moment(record.finished_at)), (_("kept until"), words.moment(record.expires_at)),
            ]),
        ]  # fmt: skip

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add the progress."""
        export: Export = kwargs.get("obj") or context["original"]
        context |= {
            "export": export, "facts": facts_of(export), "kept_days": KEPT_DAYS, "list_address": list_address(Export),
            "title": f"{list_label(export)} · {export.format.upper()}",
        }  # fmt: skip
        export.page_title = context["title"]  # type: ignore[attr-defined]
        return super().render_change_form(request, context, *args, **kwargs)

    def progress_view(self, request: HttpRequest, export_id: int) -> JsonResponse:
        """Return whether the file is there, for the page's script."""
        return JsonResponse(facts_of(self._export(request, export_id)))

    def file_view(self, request: HttpRequest, export_id: int) -> HttpResponse:
        """Return the file; one with names and addresses only to whoever may still see these."""
        export = self._export(request, export_id)
        if export.filters.get("personal") and not request.user.has_perm(PERSONAL_DATA):
            raise PermissionDenied
        content = Export.objects.values_list("content", flat=True).get(pk=export.pk)
        if content is None:
            raise Http404(_("The file is not there (any more)."))
        answer = HttpResponse(bytes(content), content_type=CONTENT_TYPES[export.format])
        name = f"{export.subject}-{timezone.localtime(export.created_at):%Y%m%d-%H%M}-{export.pk}.{export.format}"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

    def _export(self, request: HttpRequest, export_id: int) -> Export:
        if not self.has_view_permission(request):
            raise PermissionDenied
        found: Export | None = self.get_queryset(request).filter(pk=export_id).first()
        if found is None:
            raise Http404(_("There is no such export of yours."))
        return found


def is_ready(export: Export) -> bool:
    """Return whether there is a file. A finished export without rows has one, too."""
    return export.finished_at is not None and (not export.error or export.row_count > 0)


def status_of(export: Export) -> tuple[str, str]:
    """Return the status in words, and its tone."""
    if export.finished_at is None:
        return _("being made"), "info"
    return (_("ready"), "success") if is_ready(export) else (_("failed"), "danger")


def file_address(export: Export) -> str:
    """Return where the file is."""
    return reverse("admin:integrations_export_file", args=[export.pk])


def facts_of(export: Export) -> dict[str, Any]:
    """Return the state of an export for its page."""
    status, tone = status_of(export)
    return {
        "open": export.finished_at is None, "status": status, "tone": tone, "rows": export.row_count,
        "file": file_address(export) if is_ready(export) else "", "note": told(export.error),
    }  # fmt: skip
