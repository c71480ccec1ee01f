"""Mappings in the admin: history of every edit, import and export, and word to whoever waits for a mapping."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import tablib
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from import_export import resources, widgets
from import_export.formats import base_formats
from unfold.contrib.import_export.forms import ExportForm, ImportForm

from .base import Admin

if TYPE_CHECKING:

    class HistoryAdmin(admin.ModelAdmin[Any]):
        """What simple-history's admin is to the type checker."""

    class TransferAdmin(admin.ModelAdmin[Any]):
        """What import-export's admin is to the type checker."""

        def process_result(self, result: Any, request: HttpRequest) -> Any: ...
else:
    from import_export.admin import ImportExportModelAdmin as TransferAdmin
    from simple_history.admin import SimpleHistoryAdmin as HistoryAdmin

# Sent once after mappings were saved, deleted or imported (after the commit); arguments: model, request.
# Who waits for mappings listens; the packages that own the mappings need not know who that is.
mappings_changed = Signal()
# Excel keeps 15 digits of a number: a longer one has lost its end before we see it.
MOST_DIGITS_IN_EXCEL = 15


class CodeWidget(widgets.CharWidget):  # type: ignore[misc]
    """A code or id: always text, without blanks around it, never a number that Excel has rounded."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        """Return the code; raises ValueError for a number with more digits than Excel keeps."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and len(str(abs(value))) > MOST_DIGITS_IN_EXCEL:
            raise ValueError(_("Excel has rounded the number %(n)s. Format the column as text.") % {"n": value})
        return str(value if value is not None else "").strip()


class MappingResource(resources.ModelResource):  # type: ignore[misc]
    """Import and export of one kind of mapping; ``Meta.import_id_fields`` is its key.

    A file is taken whole or not at all: a missing column, an empty key or a key that stands twice is an error.
    """

    WIDGETS_MAP: ClassVar[dict[str, Any]] = {**resources.ModelResource.WIDGETS_MAP, "CharField": CodeWidget}

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        """Check what can only be seen in the whole file."""
        key = list(self._meta.import_id_fields)
        headers = [str(header or "").strip() for header in dataset.headers or []]
        dataset.headers = headers
        missing = [name for name in key if name not in headers]
        if missing:
            raise ValidationError(_("The file lacks the column %(names)s.") % {"names": ", ".join(missing)})
        seen = Counter(tuple(str(row.get(name, "") or "").strip() for name in key) for row in dataset.dict)
        double = [" | ".join(values) for values, number in seen.items() if number > 1]
        if double:
            text = _("These stand more than once in the file: %(which)s.")
            raise ValidationError(text % {"which": ", ".join(double[:10])})

    def after_init_instance(self, instance: Any, new: bool, row: Any, **kwargs: Any) -> None:
        """Give the history its reason."""
        instance._change_reason = "import"


def resource_meta(model_class: type[Any], key: Iterable[str], columns: Iterable[str]) -> type:
    """Return the Meta of a mapping's resource."""
    return type(
        "Meta", (), {
            "model": model_class, "import_id_fields": tuple(key), "fields": tuple(columns),
            "export_order": tuple(columns), "import_order": tuple(columns), "skip_unchanged": True,
            "report_skipped": False, "clean_model_instances": True, "use_transactions": True,
        },
    )  # fmt: skip


class MappingAdmin(HistoryAdmin, TransferAdmin, Admin):
    """A table of mappings that staff keep."""

    import_form_class = ImportForm
    export_form_class = ExportForm
    formats: Any = (base_formats.XLSX, base_formats.CSV)
    list_per_page = 100
    ordering = ("-id",)
    mapping = True

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Importing is adding and changing."""
        return self.has_add_permission(request) and self.has_change_permission(request)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whoever may look may export."""
        return self.has_view_permission(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, then tell who waits for it."""
        super().save_model(request, obj, form, change)
        self._tell(request)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Lead back to the page that asked for the mapping."""
        return _back(request, super().response_add(request, obj, post_url_continue))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Lead back to the page that asked for the mapping."""
        return _back(request, super().response_change(request, obj))

    def process_result(self, result: Any, request: HttpRequest) -> Any:
        """Finish an import, then tell who waits for it."""
        response = super().process_result(result, request)
        self._tell(request)
        return response

    def _tell(self, request: HttpRequest) -> None:
        """Send the signal once a request, however many rows were saved, after they are in the database."""
        if getattr(request, "_mappings_told", False):
            return
        request._mappings_told = True  # type: ignore[attr-defined]
        transaction.on_commit(lambda: mappings_changed.send(sender=self.model, request=request))


def _back(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the way back to the address of ours in ``?next=``, unless the user goes on editing."""
    address = request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    goes_on = {"_continue", "_addanother", "_popup"} & set(request.POST)
    return HttpResponseRedirect(address) if ours and not goes_on else response
