"""Page: packages by hand for one order, and its buttons. What it shows stands in ``orders/admin/compose_page.py``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.sites import site
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache

from integrations.admin import words
from integrations.admin.flow_states import flow_label, workers_alive
from integrations.deliveries.states import State
from integrations.sentences import told

from ..compose_drafts import (
    Content,
    content_of,
    differences,
    discard_draft,
    empty_package,
    has_content,
    keep_editing,
    save_draft,
    start_editing,
    version_of,
)
from ..compose_facts import changes, closed_because, facts_for, shipment_for, snapshot
from ..compose_preview import preview_of
from ..composed_packages import ComposeFacts, NotConfirmed, Problem, body_of, check
from ..composing import confirm, hindrance, report_elsewhere
from ..further_shipments import begin_rest
from ..mappings import MappingBook
from ..models import Shipment
from ..starting import start_for_order
from .compose_form import MOST_PACKAGES, Understood, posted, understood
from .compose_page import Shown, page_context, stored

FLOW = "report_shipments"
PERMISSION = "orders.compose_shipment"
OTHER_REPORT = "other_report"


def compose_address(order_id: int) -> str:
    """Return the address of an order's packages by hand (by the order's primary key)."""
    return reverse("admin:orders_shipment_compose", args=[order_id])


def compose_button(request: HttpRequest, shipment: Shipment) -> list[SafeString]:
    """Return the link to the packages by hand, for who may and where the state allows it."""
    if not request.user.has_perm(PERMISSION) or closed_because(shipment) is not None:
        return []
    address = compose_address(shipment.order_id)
    return [
        format_html('<a class="ob-button ob-button-primary" href="{}">{}</a>', address, _("Put packages together …"))
    ]


def composing_urls() -> list[URLPattern]:
    """Return the addresses below those of the shipments."""
    page = site.admin_view(ComposePage.as_view())
    return [
        path("by-hand/<int:order_id>/", page, name="orders_shipment_compose"),
        path("by-hand/<int:order_id>/draft/", site.admin_view(keep_draft), name="orders_shipment_draft"),
    ]


@method_decorator(never_cache, name="dispatch")
class ComposePage(View):
    """Order lines × packages: fill, keep, look at what is sent, confirm; or say that it is reported elsewhere."""

    row: Shipment
    facts: ComposeFacts

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Read the order; whoever may look at shipments may look here."""
        if not (request.user.has_perm("orders.view_shipment") or request.user.has_perm(PERMISSION)):
            raise PermissionDenied
        self._read(kwargs["order_id"])
        return super().dispatch(request, *args, **kwargs)

    def _read(self, order_id: int) -> None:
        row = shipment_for(order_id)
        if row is None:
            raise Http404
        self.row = row

    def get(self, request: HttpRequest, order_id: int) -> HttpResponse:
        """Show the draft, else LingXing's packages; whoever may compose is noted as the editor."""
        if self._may(request) and closed_because(self.row) is None and not self._settled(request):
            start_editing(self.row.pk, request.user.get_username(), timezone.now())
            self._read(order_id)
        return self._page(request, stored(self.row))

    def _settled(self, request: HttpRequest) -> bool:
        """Somebody has confirmed and it only has to go: the form is shown to who asks for it."""
        goes = bool(self.row.chosen_by) and self.row.status in (State.DUE, State.WAITING)
        return goes and "edit" not in request.GET and request.method == "GET"

    def post(self, request: HttpRequest, order_id: int) -> HttpResponse:
        """Carry out the button that was pressed; what was typed is kept whatever happens."""
        if not self._may(request):
            raise PermissionDenied
        action = request.POST.get("action", "")
        steps: dict[str, Callable[[HttpRequest], HttpResponse]] = {
            "save": self._save, "add": self._add, "remove": self._remove, "preview": self._preview,
            "confirm": self._confirm, "reset": self._reset, "take_over": self._take_over, "done": self._done,
            "rest": self._rest,
        }  # fmt: skip
        step = steps.get(action.partition("-")[0], self._save)
        try:
            _require_same_report(request, self.row)
            return step(request)
        except NotConfirmed as refusal:
            return self._refused(request, refusal)

    # --- Buttons --------------------------------------------------------------------------------------

    def _save(self, request: HttpRequest) -> HttpResponse:
        self._keep(request, self._posted(request))
        messages.success(request, _("Draft saved. Nothing was sent."))
        return self._back()

    def _add(self, request: HttpRequest) -> HttpResponse:
        content = self._posted(request)
        if len(content["packages"]) < MOST_PACKAGES:
            facts = facts_for(self.row, [])
            content["packages"].append(empty_package(self.row.order, MappingBook.load([self.row.order]), facts))
        self._keep(request, content)
        return self._back(f"#package-{len(content['packages'])}")

    def _remove(self, request: HttpRequest) -> HttpResponse:
        content = self._posted(request)
        place = request.POST["action"].partition("-")[2]
        if (
            place.isdecimal()
            and int(place) < len(content["packages"])
            and not content["packages"][int(place)]["source"]
        ):
            del content["packages"][int(place)]
        self._keep(request, content)
        return self._back()

    def _preview(self, request: HttpRequest) -> HttpResponse:
        content = self._posted(request)
        version = self._keep(request, content)
        read = understood(content)
        facts = self._facts(read)
        problems = self._changed(request, facts) or read.problems
        if not problems:
            now, partial, reason = timezone.now(), content["partial"], content["reason"]
            problems = read.placed(check(facts, read.packages, now, partial=partial, partial_reason=reason))
        shown = Shown(content, problems, version)
        if not problems:
            waits = hindrance(self.row, body_of(facts, read.packages))
            known = list(self.row.order.packages.all())
            shown.preview = preview_of(facts, read.packages, known, waits, content["reason"].strip())
        return self._page(request, shown)

    def _confirm(self, request: HttpRequest) -> HttpResponse:
        content = self._posted(request)
        read = understood(content)
        if read.problems:
            raise NotConfirmed(read.problems)
        try:
            result = confirm(
                self.row, read.packages, request.user.get_username(), partial=content["partial"],
                partial_reason=content["reason"], seen=_seen(request), version=_version(request),
            )  # fmt: skip
        except NotConfirmed as refusal:
            raise NotConfirmed(read.placed(refusal.problems)) from None
        if result.waits is not None:
            text = _("Stored, but not sent yet: %(why)s")
            why = told(result.waits.message) or words.reason(result.waits.code)
            messages.warning(request, text % {"why": why})
        else:
            messages.success(request, _("Confirmed. One call tells DSCO about all these packages."))
            _start_flow(request, self.row.order.dsco_order_id)
        return self._back()

    def _reset(self, request: HttpRequest) -> HttpResponse:
        discard_draft(self.row.pk, request.user.get_username(), _version(request), timezone.now())
        messages.info(request, _("The packages were filled from LingXing again."))
        return self._back()

    def _take_over(self, request: HttpRequest) -> HttpResponse:
        start_editing(self.row.pk, request.user.get_username(), timezone.now(), take_over=True)
        messages.info(
            request, _("You edit these packages now. What the other person still has open cannot be confirmed.")
        )
        return self._back()

    def _done(self, request: HttpRequest) -> HttpResponse:
        report_elsewhere(self.row, request.user.get_username(), request.POST.get("done_reason", ""))
        messages.success(request, _("Noted as reported elsewhere. Nothing was sent."))
        return self._back()

    def _rest(self, request: HttpRequest) -> HttpResponse:
        if begin_rest(self.row.order_id, request.user.get_username()):
            messages.success(request, _("Put together what is left of the order."))
        else:
            messages.info(request, _("Nothing of this order is left to report, or it is under way already."))
        return self._back()

    def _refused(self, request: HttpRequest, refusal: NotConfirmed) -> HttpResponse:
        """Show what was typed with what stands against it, on top of the present facts."""
        self._read(self.row.order_id)
        content = self._posted(request)
        if "count" not in request.POST or refusal.code == OTHER_REPORT:  # nothing typed, or typed for what has gone
            shown = stored(self.row)
            shown.problems, shown.reason = refusal.problems, request.POST.get("done_reason", "")
            return self._page(request, shown)
        shown = Shown(content, refusal.problems, version_of(self.row))
        if refusal.code == "draft_changed" and has_content(self.row):
            shown.notes = differences(content, content_of(self.row))
        return self._page(request, shown)

    # --- Pieces ---------------------------------------------------------------------------------------

    def _may(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSION)

    def _back(self, anchor: str = "") -> HttpResponse:
        return HttpResponseRedirect(compose_address(self.row.order_id) + anchor)

    def _posted(self, request: HttpRequest) -> Content:
        return posted(request.POST, list(self.row.order.lines.all()))

    def _keep(self, request: HttpRequest, content: Content) -> int:
        actor = request.user.get_username()
        return save_draft(self.row.pk, actor, content, _version(request), _seen(request), timezone.now())

    def _changed(self, request: HttpRequest, facts: ComposeFacts) -> list[Problem]:
        """Return what is different from what the person saw when the page was built."""
        found = changes(_seen(request), snapshot(self.row, facts), facts.lines)
        return [Problem("changed", text) for text in found]

    def _facts(self, read: Understood) -> ComposeFacts:
        return facts_for(self.row, [package.tracking_number for package in read.packages])

    def _page(self, request: HttpRequest, shown: Shown) -> HttpResponse:
        who, may, settled = request.user.get_username(), self._may(request), self._settled(request)
        context = site.each_context(request) | page_context(self.row, shown, who, may=may, settled=settled)
        template = "admin/orders/compose_preview.html" if shown.preview else "admin/orders/compose.html"
        return TemplateResponse(request, template, context)


def _require_same_report(request: HttpRequest, row: Shipment) -> None:
    """Raise NotConfirmed when the page was built for a report that has gone to DSCO since; it is about the rest now."""
    if request.POST.get("report", str(row.pk)) == str(row.pk):
        return
    before = next((one for one in row.order.shipments.all() if str(one.pk) == request.POST["report"]), None)
    text = _("%(who)s has reported packages of this order meanwhile: %(numbers)s. Below is what is left of the order.")
    names = {"who": (before and before.chosen_by) or "–", "numbers": (before and before.remote_reference) or "–"}
    raise NotConfirmed([Problem(OTHER_REPORT, text % names)])


def _version(request: HttpRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else -1


def _seen(request: HttpRequest) -> dict[str, Any]:
    try:
        seen = json.loads(request.POST.get("seen", "{}"))
    except ValueError:
        return {}
    return seen if isinstance(seen, dict) else {}


def _start_flow(request: HttpRequest, dsco_order_id: str) -> None:
    """Let the workers send it at once; a paused flow stays paused."""
    if not start_for_order(FLOW, dsco_order_id, "released"):
        text = _("The flow “%(flow)s” is paused: it goes when the flow is resumed.")
        messages.warning(request, text % {"flow": flow_label(FLOW)})
    elif not workers_alive():
        messages.warning(request, _("No worker is running: it is sent when one is started (manage.py qcluster)."))


@never_cache
def keep_draft(request: HttpRequest, order_id: int) -> HttpResponse:
    """Keep what is typed while the page is open, and renew the editor's mark (with ``renew``: only that).

    Answers JSON; status 409 says what is in the way.
    """
    if request.method != "POST" or not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    row = shipment_for(order_id)
    if row is None:
        raise Http404
    content = posted(request.POST, list(row.order.lines.all()))
    now, actor, version = timezone.now(), request.user.get_username(), _version(request)
    try:
        _require_same_report(request, row)
        if "renew" in request.POST:
            keep_editing(row.pk, actor, version, now)
            return JsonResponse({"version": version, "message": ""})
        version = save_draft(row.pk, actor, content, version, _seen(request), now)
    except NotConfirmed as refusal:
        return JsonResponse({"code": refusal.code, "message": str(refusal)}, status=409)
    saved = _("Draft saved at %(time)s") % {"time": timezone.localtime(now).strftime("%H:%M:%S")}
    return JsonResponse({"version": version, "message": saved})
