"""The form in which staff say what of an order is cancelled, with which code, and why."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Order, OrderLine
from ..staff_cancellations import cancel_codes


class CancelForm(forms.Form):
    """Units to cancel of each open line, or everything; ``quantities`` of the cleaned data is by line position."""

    everything = forms.BooleanField(label=gettext_lazy("Cancel everything that is open"), required=False)

    def __init__(self, order: Order, data: Any = None) -> None:
        super().__init__(data)
        self._lines = [line for line in order.lines.all() if line.open_quantity]
        for line in self._lines:
            self.fields[_name(line)] = forms.IntegerField(
                label=_("Line {number}: {sku} {title}").format(
                    number=line.line_number or line.position + 1, sku=line.sku or line.partner_sku, title=line.title
                ).strip(),
                help_text=_("Units to cancel; {units} are open.").format(units=line.open_quantity),
                min_value=0, max_value=line.open_quantity, required=False, initial=0,
            )  # fmt: skip
        choices = [(code, f"{code} – {text}") for code, text in cancel_codes(order).items()]
        self.fields["code"] = forms.ChoiceField(label=_("Cancel code"), choices=[("", "–"), *choices])
        self.fields["reason"] = forms.CharField(
            label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}),
            help_text=_("Kept with your name in the record."),
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Gather the quantities; nothing at all is an error."""
        data = super().clean() or {}
        everything = data.get("everything")
        quantities = {
            line.position: line.open_quantity if everything else data.get(_name(line)) or 0 for line in self._lines
        }
        data["quantities"] = {position: units for position, units in quantities.items() if units}
        if not data["quantities"] and not self.errors:
            raise forms.ValidationError(_("Say how many units of which line are to be cancelled."))
        return data


def _name(line: OrderLine) -> str:
    return f"units_{line.position}"
