"""Mappings in the admin: history of every edit, import and export, and word to whoever waits for a mapping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..lingxing.lists import list_states
from ..sentences import listed
from .base import Admin
from .history_words import ChangesInWords, value_in_words
from .kept_uploads import KeptUpload
from .mapping_columns import columns_of
from .mapping_files import CodesCsv, CodesXlsx, UnreadableFile
from .mapping_forms import CheckedForm, MappingExportForm, MappingImportForm

if TYPE_CHECKING:

    class HistoryAdmin(admin.ModelAdmin[Any]):
        """What simple-history's admin is to the type checker."""

    class TransferAdmin(admin.ModelAdmin[Any]):
        """What import-export's admin is to the type checker."""

        def get_resource_classes(self, request: HttpRequest | None) -> Sequence[type[Any]]: ...

        def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse: ...

        def process_result(self, result: Any, request: HttpRequest) -> Any: ...

        def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]: ...

        def get_context_data(self, **kwargs: Any) -> dict[str, Any]: ...

        def add_data_read_fail_error_to_form(self, form: Any, error: Exception) -> None: ...
else:
    from import_export.admin import ImportExportModelAdmin as TransferAdmin
    from simple_history.admin import SimpleHistoryAdmin as HistoryAdmin

# Sent once after mappings were saved, deleted or imported (after the commit); arguments: model, request.
# Who waits for mappings listens; the packages that own the mappings need not know who that is.
mappings_changed = Signal()


class MappingAdmin(HistoryAdmin, TransferAdmin, Admin):
    """A table of mappings that staff keep."""

    form = CheckedForm
    import_form_class = MappingImportForm
    export_form_class = MappingExportForm
    formats: Any = (CodesXlsx, CodesCsv)
    change_form_before_template = "admin/mappings/form_top.html"
    change_form_outer_before_template = "admin/mappings/form_outer_top.html"
    list_before_template = "admin/mappings/list_top.html"
    object_history_list_template = "admin/mappings/history_list.html"
    history_list_display = ("who", "why")
    meanings: ClassVar[dict[str, Any]] = {}  # what the form calls a field otherwise than the model
    list_per_page = 100
    ordering = ("-id",)
    mapping = True
    skip_admin_log = True  # an import stands in the history, with that as its reason

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Importing is adding and changing."""
        return self.has_add_permission(request) and self.has_change_permission(request)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whoever may look may export."""
        return self.has_view_permission(request)

    def history_view_title(self, request: HttpRequest, obj: Any) -> str:
        """What the page is called; the way to it names the mapping."""
        return _("History")

    def get_historical_record_context_helper(self, request: HttpRequest, historical_record: Any) -> ChangesInWords:
        """Say changes in words."""
        return ChangesInWords(self, historical_record)

    def value_in_words(self, field: Any, value: Any) -> str:
        """Return a field's value as the history shows it."""
        return value_in_words(field, value)

    def who(self, record: Any) -> str:
        """Who made a change that the history keeps."""
        return change_author(record)

    def why(self, record: Any) -> str:
        """From where it was made, or why."""
        return change_reason(record)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, then tell who waits for it."""
        super().save_model(request, obj, form, change)
        for finding in getattr(form, "notes", ()):
            messages.warning(request, finding.message)
        self._tell(request)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Lead back to the page that asked for the mapping."""
        return _back(request, super().response_add(request, obj, post_url_continue))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Lead back to the page that asked for the mapping."""
        return _back(request, super().response_change(request, obj))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show above the list when LingXing's lists were read."""
        return super().changelist_view(request, {**(extra_context or {}), "lingxing_lists": lists_summary()})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show above the fields when LingXing's lists were read."""
        context["lingxing_lists"] = lists_summary()
        return super().render_change_form(request, context, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Explain the columns of the file on the pages of import and export."""
        return {**super().get_context_data(**kwargs), "columns": columns_of(self.get_resource_classes(None)[0]())}

    def add_success_message(self, result: Any, request: HttpRequest) -> None:
        """Say what was taken over."""
        totals = {"new": result.totals["new"], "changed": result.totals["update"]}
        messages.success(request, _("Taken over from the file: %(new)d new, %(changed)d changed.") % totals)

    def add_data_read_fail_error_to_form(self, form: Any, error: Exception) -> None:
        """Say why a file cannot be read."""
        if isinstance(error, UnreadableFile):
            form.add_error("import_file", str(error))
        else:
            super().add_data_read_fail_error_to_form(form, error)

    def get_tmp_storage_class(self) -> Any:
        """Keep the file between preview and confirmation where nobody else can put one."""
        return KeptUpload

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Carry out the import that was previewed; a file that is gone is asked for again."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        known = {str(number) for number in range(len(self.formats))}
        try:
            if request.method == "POST" and request.POST.get("format") not in known:
                raise UnreadableFile(_("The uploaded file is no longer there. Upload it again."))
            answer: HttpResponse = super().process_import(request, **kwargs)
        except UnreadableFile as error:
            messages.error(request, str(error))
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_import")
        return answer

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        """Take a file whole or not at all, also when something has changed since its preview."""
        return {**super().get_import_data_kwargs(**kwargs), "rollback_on_validation_errors": True}

    def process_result(self, result: Any, request: HttpRequest) -> Any:
        """Finish an import, then tell who waits for it; one that is no longer possible is asked for again."""
        if result.has_errors() or result.has_validation_errors():
            text = _("Something has changed since the preview: nothing was taken. Upload the file again to see what.")
            messages.error(request, text)
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_import")
        response = super().process_result(result, request)
        self._tell(request)
        return response

    def _tell(self, request: HttpRequest) -> None:
        """Send the signal once a request, however many rows were saved, after they are in the database."""
        if getattr(request, "_mappings_told", False):
            return
        request._mappings_told = True  # type: ignore[attr-defined]
        transaction.on_commit(lambda: mappings_changed.send(sender=self.model, request=request))


# Reasons that the program itself gives to changes.
REASONS: dict[str, Any] = {
    "import": gettext_lazy("Import"),
    "unmapped codes": gettext_lazy("From the page of codes without a mapping"),
}
LOADED = "loadmappings"


def change_author(record: Any) -> str:
    """Return who made a change of the history; without a person it was a command or the program itself."""
    return str(record.history_user) if record.history_user else _("no person: OrderBridge or a command")


def change_reason(record: Any) -> str:
    """Return why a change of the history was made, in the reader's language; a person's own words as they are."""
    reason = record.history_change_reason or ""
    name, _blank, file = reason.partition(" ")
    if name == LOADED:
        return _("Command %(command)s, file %(file)s") % {"command": name, "file": file}
    return str(REASONS.get(reason, reason))


def lists_summary() -> dict[str, Any]:
    """Return what pages of mappings say about LingXing's lists: the oldest reading, and what went wrong."""
    states = list(list_states().values())
    times = [state.read_at for state in states]
    return {
        "never": listed(state.name.label for state in states if state.read_at is None),
        "oldest": min((at for at in times if at is not None), default=None),
        "uncertain": listed(state.name.label for state in states if state.read_at is not None and not state.certain),
        "errors": [(state.name.label, state.error) for state in states if state.error],
    }


def _back(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the way back to the address of ours in ``?next=``, unless the user goes on editing."""
    address = request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    goes_on = {"_continue", "_addanother", "_popup"} & set(request.POST)
    return HttpResponseRedirect(address) if ours and not goes_on else response
