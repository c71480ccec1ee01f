"""Alerts and the rules by which groups are told: the keys in webhook addresses are never shown."""

from __future__ import annotations

from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language, get_language_info, gettext_lazy
from django.utils.translation import gettext as _

from ..alerts import sources  # noqa: F401 - announces how alerts are said
from ..alerts.book import describe
from ..alerts.channels import shown_target
from ..alerts.sending import send_test
from ..alerts.webhooks import TargetFailed, check_form
from ..models import Alert, AlertKind, AlertRule, Channel
from ..sealing import SealedField
from ..sentences import listed, told
from . import words
from .base import (
    Admin,
    CheckboxesWidget,
    ChoicesCheckboxFilter,
    DropdownFilter,
    SelectWidget,
    TextInputWidget,
    action,
    display,
)
from .people import GroupFilter, group_label, say_in_words
from .reasons import come_back
from .records import RecordAdmin, Section, action_button, facts, table

TONES = {AlertKind.VENDOR_DOWN: "danger", AlertKind.FLOW_OVERDUE: "danger", AlertKind.DEADLINE: "warning"}
KEEP_NONE = "-"
QUIET_HOURS = ("quiet_from", "quiet_until")
# How much of an alert its page is called.
TITLE = 60


def _time_zones() -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(available_timezones()) if "/" in name or name == "UTC"]


class AlertRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A rule. What was entered as a webhook's address comes back masked; unless it is replaced it stays."""

    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Alerts"), choices=AlertKind.choices, widget=CheckboxesWidget, initial=AlertKind.values
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), widget=SelectWidget)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"), widget=SelectWidget,
        help_text=gettext_lazy("Of the quiet hours, and of the times in the messages."),
    )  # fmt: skip

    class Meta:
        model = AlertRule
        fields = (
            "name", "group", "enabled", "kinds", "channel", "target", "secret", "language", "time_zone",
            "digest_minutes", "quiet_from", "quiet_until",
        )  # fmt: skip
        help_texts: ClassVar = {
            "target": gettext_lazy("E-mail addresses separated by commas (empty: those of the role's members), or the "
                                   "address of the webhook. A saved webhook is shown with its key masked."),
            "secret": gettext_lazy("Only for DingTalk robots that check signatures. Empty keeps the saved one, "
                                   "a single - removes it."),
            "digest_minutes": gettext_lazy("At most one message in so many minutes; 0: each minute."),
            "quiet_from": gettext_lazy("Nothing is sent in the quiet hours; what lasts is told after them."),
        }  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "language" not in self.fields:  # for who may only look
            return
        languages = [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES]
        self.fields["language"].choices = languages  # type: ignore[attr-defined]
        self.fields["time_zone"].choices = _time_zones()  # type: ignore[attr-defined]
        self._saved_target, self._saved_secret = self.instance.target, self.instance.secret
        self._shown_target = shown_target(self.instance)
        self.initial["target"], self.initial["secret"] = self._shown_target, ""
        self.fields["secret"].widget.input_type = "password"
        for name in QUIET_HOURS:  # Django's own widget warns of another time zone; here the rule's own counts
            self.fields[name].widget = TextInputWidget(attrs={"type": "time"})
        self.fields["secret"].widget.attrs["autocomplete"] = "new-password"

    def clean_target(self) -> str:
        """Return the address; the masked one stands for what was saved."""
        entered = str(self.cleaned_data["target"]).strip()
        return self._saved_target if entered and entered == self._shown_target else entered

    def clean_secret(self) -> str:
        """Return the signing secret; nothing entered keeps what was saved."""
        entered = str(self.cleaned_data["secret"]).strip()
        return "" if entered == KEEP_NONE else entered or self._saved_secret

    def clean(self) -> dict[str, Any]:
        """Check that the channel can use the target, and that quiet hours have both ends."""
        data = super().clean() or {}
        if (data.get("quiet_from") is None) != (data.get("quiet_until") is None):
            self.add_error("quiet_until", _("Quiet hours need a beginning and an end."))
        if "channel" in data and "target" in data:
            try:
                _check_target(data["channel"], data["target"], data.get("group"))
            except (ValidationError, TargetFailed) as reason:
                message = reason.messages[0] if isinstance(reason, ValidationError) else told(str(reason))
                self.add_error("target", message)
        return data

    def save(self, commit: bool = True) -> Any:
        """Save; a changed target starts without the old one's error."""
        if {"target", "channel", "secret"} & set(self.changed_data):
            self.instance.last_error = ""
        return super().save(commit)


def _check_target(channel: str, target: str, group: Any) -> None:
    if channel != Channel.EMAIL:
        if not target:
            raise ValidationError(_("Enter the address of the webhook."))
        check_form(target)
        return
    if not target and group is None:
        raise ValidationError(_("Enter addresses, or choose the role whose members are to be written to."))
    for address in filter(None, (part.strip() for part in target.split(","))):
        validate_email(address)


@admin.register(AlertRule)
class AlertRuleAdmin(Admin):
    """How groups are told."""

    form = AlertRuleForm
    formfield_overrides: ClassVar[Any] = {SealedField: {"widget": TextInputWidget}}
    list_display = ("name", "whose", "channel", "where_to", "enabled", "last_sent", "error")
    list_filter: ClassVar[Any] = (GroupFilter, ("channel", ChoicesCheckboxFilter))
    list_select_related = ("group",)
    ordering = ("name",)
    sortable_by = ()
    actions = ("test",)
    change_form_outer_before_template = "admin/record/buttons.html"
    readonly_fields = ("last_sent", "error")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("name", "group", "enabled", "kinds")}),
        (gettext_lazy("Where to"), {"fields": ("channel", "target", "secret", "language")}),
        (gettext_lazy("When"), {"fields": ("digest_minutes", "quiet_from", "quiet_until", "time_zone")}),
        (gettext_lazy("State"), {"fields": ("last_sent", "error")}),
    )
    _shown_only: ClassVar[Any] = (
        (None, {"fields": (
            "name", "whose", "enabled", "alerts", "channel", "where_to", "language", "digest_minutes", "quiet_from",
            "quiet_until", "time_zone", "last_sent", "error",
        )}),
    )  # fmt: skip

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new rule speaks the language of whoever makes it, by the same clock, until others are chosen."""
        reader = {"language": get_language() or settings.LANGUAGE_CODE, "time_zone": get_current_timezone_name()}
        return reader | super().get_changeform_initial_data(request)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the groups in words."""
        return say_in_words(super().formfield_for_foreignkey(db_field, request, **kwargs))

    @display(description=gettext_lazy("role"))
    def whose(self, rule: AlertRule) -> str:
        """The group that is told."""
        return group_label(rule.group) if rule.group else words.EMPTY

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show to people who may only look neither address nor secret."""
        editable = self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)
        return self.fieldsets if editable else self._shown_only

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Name the columns of the page for people who may only look."""
        editable = self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)
        return self.readonly_fields if editable else self._shown_only[0][1]["fields"]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add the button that sends a test message."""
        rule = kwargs.get("obj")
        context["buttons"] = []
        if rule is not None and self.has_operate_permission(request, rule):
            context["buttons"] = [action_button(request, rule, "test", _("Send a test message"))]
        return super().render_change_form(request, context, *args, **kwargs)

    @action(description=gettext_lazy("Send a test message"), permissions=["operate"])
    def test(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Send a test message by each of the rules, and say what came of it."""
        for rule in queryset:
            reason = send_test(rule)
            AlertRule.objects.filter(pk=rule.pk).update(last_error=reason)
            if reason:
                text = _("%(rule)s: the test message did not get through. %(reason)s")
                self.message_user(request, text % {"rule": rule, "reason": told(reason)}, messages.ERROR)
            else:
                self.message_user(request, _("%(rule)s: the test message was sent.") % {"rule": rule}, messages.SUCCESS)
        return come_back(request)

    @display(description=gettext_lazy("target"))
    def where_to(self, rule: AlertRule) -> str:
        """Where it sends to, the key masked."""
        return shown_target(rule) or (_("members of the role") if rule.channel == Channel.EMAIL else words.EMPTY)

    @display(description=gettext_lazy("alerts"))
    def alerts(self, rule: AlertRule) -> str:
        """Which alerts it tells."""
        return listed(AlertKind(kind).label for kind in rule.kinds if kind in AlertKind.values)

    @display(description=gettext_lazy("last sent"))
    def last_sent(self, rule: AlertRule) -> SafeString | str:
        """When the last digest was sent."""
        return words.ago(rule.last_sent_at)

    @display(description=gettext_lazy("last error"))
    def error(self, rule: AlertRule) -> SafeString | str:
        """Why the last digest did not get through; it is tried again every minute."""
        return words.label(rule.last_error, "danger") if rule.last_error else words.EMPTY


def _page_link(path: str) -> SafeString | str:
    return format_html('<a class="ob-link" href="{}">{}</a>', path, _("Open the page")) if path else ""


class OverFilter(DropdownFilter):
    title = gettext_lazy("state")
    parameter_name = "over"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return open and over."""
        return [("no", gettext_lazy("Still open")), ("yes", gettext_lazy("Over"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list."""
        return queryset.filter(ended_at__isnull=self.value() == "no") if self.value() else queryset


@admin.register(Alert)
class AlertAdmin(RecordAdmin):
    """What was worth telling, and when it was over."""

    list_display = ("kind_label", "text", "raised", "over")
    list_display_links = ("text",)
    list_filter: ClassVar[Any] = (("kind", ChoicesCheckboxFilter), OverFilter)
    sortable_by = ()

    @display(description=gettext_lazy("kind"))
    def kind_label(self, alert: Alert) -> SafeString:
        """The kind, coloured while it is open."""
        return words.label(
            alert.get_kind_display(), "muted" if alert.ended_at else TONES.get(AlertKind(alert.kind), "plain")
        )

    @display(description=gettext_lazy("what is the matter"))
    def text(self, alert: Alert) -> str:
        """The alert in the reader's language and time zone."""
        return describe(alert)

    @display(description=gettext_lazy("raised"))
    def raised(self, alert: Alert) -> SafeString | str:
        """When it was raised."""
        return words.ago(alert.raised_at)

    @display(description=gettext_lazy("over"))
    def over(self, alert: Alert) -> SafeString | str:
        """When it was over."""
        return words.ago(alert.ended_at) if alert.ended_at else words.label(_("still open"), "warning")

    def called(self, row: Alert) -> str:
        """Return what is the matter, in the reader's language."""
        return Truncator(describe(row)).chars(TITLE)

    def sections(self, request: HttpRequest, record: Alert) -> list[Section]:
        """Return the alert, and who was told."""
        notices = record.notices.select_related("rule").order_by("sent_at")
        return [
            facts(_("Alert"), [
                (_("kind"), record.get_kind_display()), (_("what is the matter"), describe(record)),
                (_("where to look"), _page_link(record.path)),
                (_("raised"), words.moment(record.raised_at)), (_("over"), words.moment(record.ended_at)),
            ], wide=True),
            table(
                _("Told by"), [_("rule"), _("sent")],
                [[notice.rule, words.moment(notice.sent_at)] for notice in notices],
                _("Nobody was told: no rule is for this kind of alert, or its time has not come."),
            ),
        ]  # fmt: skip
