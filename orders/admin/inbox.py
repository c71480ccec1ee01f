"""The exceptions inbox: causes in three tabs, and the page of one cause with the buttons that mend it."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from integrations import bulk, inbox, sentences
from integrations.admin import words
from integrations.admin.base import ReadOnlyAdmin
from integrations.admin.flows import start_flow
from integrations.admin.kinds import kind_label
from integrations.admin.reasons import ReasonForm
from integrations.admin.records import address_of
from integrations.bulk import BulkAction, bulk_action
from integrations.causes import deliveries_of, groups, refresh_causes
from integrations.deliveries.kinds import delivery_kinds
from integrations.flows import flow_definitions
from integrations.models import Cause, Vendor
from integrations.sentences import from_label, joined, titled, told

from ..retailers import known_retailers
from .cause_page import cause_context, title_of
from .inbox_rows import flow_facts, listed

CAUSES_PER_PAGE = 50
ACTIONS: Final = ("retry", "skip", "mark_done")
# More rows than this are a bulk run's work, in the background.
MOST_AT_ONCE = 1000
SHOWN_BEFORE_ACTING = 20
INBOX = "admin:integrations_cause_changelist"
TAB_LABELS: Final = {
    inbox.OPEN: gettext_lazy("Open causes"),
    inbox.VERIFYING: gettext_lazy("Waiting for verification"),
    inbox.CLOSED: gettext_lazy("Closed lately"),
}


class NothingToFill(forms.Form):
    """A confirmation without questions."""


@admin.register(Cause)
class CauseAdmin(ReadOnlyAdmin):
    """The inbox instead of the ordinary list, the cause's page instead of a form."""

    def called(self, row: Cause) -> str:
        """Return the cause in a few words."""
        return title_of(row)

    def get_urls(self) -> list[Any]:
        """Add what is posted from a cause's page."""
        own = [
            path("<int:pk>/act/", self.admin_site.admin_view(require_POST(self.act)), name="integrations_cause_act"),
            path("<int:pk>/keep/", self.admin_site.admin_view(require_POST(self.keep)), name="integrations_cause_keep"),
        ]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the inbox: one tab, filtered, newest cause first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        refresh_causes(now)
        chosen = {name: request.GET.get(name, "") for name in ("kind", "vendor", "retailer")}
        tab = request.GET.get("tab", inbox.OPEN)
        if tab not in inbox.TABS:
            raise Http404(_("There is no such tab."))
        rows = inbox.causes_in(tab, now, kind=chosen["kind"], vendor=chosen["vendor"])
        counts = None
        if chosen["retailer"] and tab != inbox.CLOSED:
            counts = {group.cause: group for group in groups(now, order__retailer_id=chosen["retailer"])}
            rows = rows.filter(key__in=list(counts))
        page = Paginator(rows, CAUSES_PER_PAGE).get_page(request.GET.get("p"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Exceptions"), "opts": self.opts, "tab": tab, "tabs": self._tabs(tab, now), "page": page,
            "causes": [listed(cause, tab, counts) for cause in page.object_list],
            "chosen": chosen, "filtered": any(chosen.values()), "choices": self._choices(tab),
            "flows": [] if page.object_list else flow_facts(),
            "page_query": "&".join(f"{name}={value}" for name, value in {"tab": tab, **chosen}.items() if value),
        }  # fmt: skip
        return TemplateResponse(request, "admin/inbox/list.html", context)

    def _tabs(self, chosen: str, now: Any) -> list[dict[str, Any]]:
        counts = inbox.tab_counts(now)
        address = reverse(INBOX)
        return [
            {"label": label, "number": counts[tab], "address": f"{address}?tab={tab}", "active": tab == chosen}
            for tab, label in TAB_LABELS.items()
        ]

    def _choices(self, tab: str) -> list[tuple[str, str, list[tuple[str, str]]]]:
        kinds = [(kind, kind_label(kind)) for kind in delivery_kinds()]
        found = [("kind", _("Step"), kinds), ("vendor", _("Vendor"), [(str(v), str(v.label)) for v in Vendor])]
        return found if tab == inbox.CLOSED else [*found, ("retailer", _("Retailer"), list(known_retailers().items()))]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one cause. Who comes from a mapping that solved it goes on to the inbox."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        refresh_causes(now)
        cause = get_object_or_404(Cause.objects.select_related("assigned_to"), pk=_number(object_id))
        if "mapped" in request.GET and cause.closed_at is not None:
            return HttpResponseRedirect(reverse(INBOX))
        context = {
            **self.admin_site.each_context(request),
            "title": title_of(cause), "subtitle": kind_label(cause.kind), "opts": self.opts,
            "actions": [action for name in ACTIONS if self._may(request, action := bulk_action(name))],
            "may_keep": self.has_operate_permission(request, cause), "checkbox": ACTION_CHECKBOX_NAME,
            "inbox_address": reverse(INBOX), "most_at_once": MOST_AT_ONCE,
            **cause_context(request, cause, now),
        }  # fmt: skip
        return TemplateResponse(request, "admin/inbox/cause.html", context)

    # --- What is done from the page of a cause --------------------------------------------------------

    def act(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Retry, skip or settle the chosen deliveries, or all of the cause, after a confirmation."""
        cause = get_object_or_404(Cause, pk=pk)
        name = request.POST.get("action", "")
        if name not in ACTIONS:
            raise BadRequest("unknown action")
        action = bulk_action(name)
        if not self._may(request, action):
            raise PermissionDenied
        rows = _chosen(request, cause)
        number = rows.count()
        if not number:
            text = _("Nothing was changed: tick rows first, or take all of them. What was mended has left the list.")
            messages.info(request, text)
            return HttpResponseRedirect(address_of(cause))
        form = (ReasonForm if action.asks else NothingToFill)(request.POST if "confirmed" in request.POST else None)
        if not form.is_bound or not form.is_valid():
            return self._confirm(request, cause, action, rows, number, form)
        self._carry_out(request, cause, action, rows, number, form.cleaned_data.get("reason", ""))
        cause.refresh_from_db()
        return HttpResponseRedirect(reverse(INBOX) if cause.closed_at else address_of(cause))

    def _confirm(
        self, request: HttpRequest, cause: Cause, action: BulkAction, rows: QuerySet[Any], number: int, form: forms.Form
    ) -> HttpResponse:
        name = str(action.label).rstrip(" …")
        context = {
            **self.admin_site.each_context(request),
            "title": titled(name, title_of(cause)), "advice": action.advice, "opts": self.opts, "form": form,
            "button": ngettext("%(what)s: %(n)d row", "%(what)s: %(n)d rows", number) % {"what": name, "n": number},
            "shown": list(rows[:SHOWN_BEFORE_ACTING]), "total": number, "action": action.name,
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "select_across": request.POST.get("select_across", "0"), "next": "", "back": address_of(cause),
            "media": self.media + form.media,
        }  # fmt: skip
        return TemplateResponse(request, "admin/reason.html", context)

    def _carry_out(
        self, request: HttpRequest, cause: Cause, action: BulkAction, rows: QuerySet[Any], number: int, reason: str
    ) -> None:
        if number > MOST_AT_ONCE and bulk.may_run(request.user, action):
            origin = sentences.gettext("Cause: %(title)s") % {
                "title": words.known_reasons().get(cause.code, cause.code)
            }
            run = bulk.prepare(action, cause.kind, rows, {"reason": reason}, request.user, origin)
            bulk.start(run)
            messages.success(request, _("%(n)d rows were handed to the workers as a bulk run.") % {"n": number})
            return
        ids = list(rows.values_list("pk", flat=True)[:MOST_AT_ONCE])
        result = inbox.act(action.name, cause.kind, ids, request.user.get_username(), reason)
        self.log_change(request, cause, joined([from_label(action.label), f"× {result.changed}", reason]))
        if action.name == "retry" and result.changed:
            _start_flow_of(cause.kind, request.user.get_username())
        _tell(request, action, result.changed, result.refused, number - len(ids))

    def keep(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Assign the cause to the user or to nobody, or keep a note."""
        cause = get_object_or_404(Cause, pk=pk)
        if not self.has_operate_permission(request, cause):
            raise PermissionDenied
        match request.POST.get("what"):
            case "take":
                inbox.assign(cause, request.user)  # type: ignore[arg-type]
                self.log_change(request, cause, sentences.gettext("Assigned to me."))
            case "give":
                inbox.assign(cause, None)
                self.log_change(request, cause, sentences.gettext("Assigned to nobody."))
            case "note":
                inbox.keep_note(cause, request.POST.get("note", ""))
                self.log_change(
                    request, cause, sentences.gettext("Note: %(note)s") % {"note": request.POST.get("note", "")[:500]}
                )
            case _:
                raise BadRequest("unknown action")
        return HttpResponseRedirect(address_of(cause))

    def _may(self, request: HttpRequest, action: BulkAction) -> bool:
        return self.has_view_permission(request) and bool(request.user.has_perm(action.permission))


def _number(text: str) -> int:
    if not text.isdecimal():
        raise Http404(_("There is no such cause."))
    return int(text)


def _chosen(request: HttpRequest, cause: Cause) -> QuerySet[Any]:
    rows: QuerySet[Any] = deliveries_of(cause, timezone.now())
    if request.POST.get("select_across") == "1":
        return rows
    ids = [int(pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME) if pk.isdecimal()]
    return rows.filter(pk__in=ids)


def _start_flow_of(kind: str, actor: str) -> None:
    """Let the retried rows go at once instead of at the flow's next turn, unless somebody has paused the flow."""
    for definition in flow_definitions():
        if definition.delivers == kind and inbox.is_running_by_schedule(definition.name):
            start_flow(definition.name, actor)


def _tell(request: HttpRequest, action: BulkAction, changed: int, refused: dict[str, str], left: int) -> None:
    texts = {
        "retry": ngettext(
            "%(n)d is due again; what may have happened is checked first.",
            "%(n)d are due again; what may have happened is checked first.", changed,
        ),
        "skip": ngettext("%(n)d was skipped.", "%(n)d were skipped.", changed),
        "mark_done": ngettext("%(n)d was marked as done.", "%(n)d were marked as done.", changed),
    }  # fmt: skip
    if changed:
        messages.success(request, texts[action.name] % {"n": changed})
    if refused:
        shown = "; ".join(f"{key} ({told(why)})" for key, why in list(refused.items())[:10])
        text = ngettext("%(n)d was left as it is: %(which)s", "%(n)d were left as they are: %(which)s", len(refused))
        messages.warning(request, text % {"n": len(refused), "which": shown})
    if left > 0:
        text = _("%(n)d more are left: repeat this, or ask somebody who may act on many rows at once.")
        messages.warning(request, text % {"n": left})
