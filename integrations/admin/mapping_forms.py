"""Forms of mappings: ids are chosen by name from LingXing's lists, and checked against them before they are saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from unfold.contrib.import_export.forms import ExportForm as ThemedExportForm
from unfold.contrib.import_export.forms import ImportForm as ThemedImportForm

from ..findings import Finding, Rules, Weight, fingerprint, of_weight
from ..models import ListName
from .base import TextInputWidget

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm

CONFIRMATION = "confirm_warnings"
LARGEST_FILE = 5 * 1024 * 1024


class SuggestWidget(TextInputWidget):  # type: ignore[misc]
    """A text input that offers the entries of one of LingXing's lists by id and name; other text may be typed."""

    def __init__(self, name: ListName, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({**(attrs or {}), "autocomplete": "off", "data-ob-suggest-list": name.value})

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Add where the entries come from."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        listed = context["widget"]["attrs"].pop("data-ob-suggest-list")
        context["widget"]["attrs"]["data-ob-suggest"] = f"{reverse('lingxing-suggestions')}?list={listed}"
        return context

    @property
    def media(self) -> forms.Media:
        """The script that fetches the entries while somebody types."""
        return forms.Media(js=["orderbridge/suggest.js"])


class CheckedForm(ModelForm):
    """A form whose row is checked as a whole: what is impossible is refused, what is doubtful must be confirmed.

    ``warnings`` are shown with a tick box above the fields; ``notes`` are said after saving.
    """

    rules: ClassVar[Rules | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.warnings: list[Finding] = []
        self.notes: list[Finding] = []

    @property
    def confirmation(self) -> str:
        """What ticking the box sends: it confirms these warnings and no others."""
        return fingerprint(self.warnings)

    def findings(self) -> list[Finding]:
        """Return what speaks against the row; asked when every field for itself is valid."""
        if self.rules is None:
            return []
        if not self.instance._state.adding and not set(self.changed_data) & set(self.rules.columns):
            return []
        row = {column: str(self.cleaned_data.get(column, "")) for column in self.rules.columns}
        [found] = self.rules.check([{**row, "pk": "" if self.instance._state.adding else str(self.instance.pk)}])
        return found

    def clean(self) -> dict[str, Any] | None:
        """Check the row when it is new, or when one of the columns that matter has changed."""
        super().clean()
        found = [] if self.errors else self.findings()
        refused = of_weight(found, Weight.REFUSE)
        for finding in refused:
            self.add_error(finding.column if finding.column in self.fields else None, finding.message)
        self.warnings, self.notes = of_weight(found, Weight.CONFIRM), of_weight(found, Weight.NOTE)
        if self.warnings and not refused and self.data.get(CONFIRMATION) != self.confirmation:
            self.add_error(None, _("Nothing was saved yet: read the warnings, tick the box and save again."))
        return self.cleaned_data


def _in_capitals(field: Any) -> None:
    """Call the formats as people do: XLSX, CSV."""
    named = [(number, name.upper() if number else name) for number, name in field.choices]
    field.choices = field.widget.choices = named


class MappingImportForm(ThemedImportForm):  # type: ignore[misc]
    """The upload of a file of mappings; a file that is too large is refused before it is opened."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _in_capitals(self.fields["format"])

    def clean_import_file(self) -> Any:
        """Return the file; raises ValidationError when it is too large."""
        file = self.cleaned_data["import_file"]
        if file.size > LARGEST_FILE:
            text = _("The file has %(mb)d MB; at most %(most)d MB are taken. Split it, or use manage.py loadmappings.")
            size = {"mb": file.size // 1024 // 1024, "most": LARGEST_FILE // 1024 // 1024}
            raise forms.ValidationError(text % size)
        return file


class MappingExportForm(ThemedExportForm):  # type: ignore[misc]
    """What asks for a file of mappings: XLSX unless somebody wants CSV."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        formats = self.fields["format"]
        formats.choices = [choice for choice in formats.choices if choice[0]]
        _in_capitals(formats)
