"""Every state, stage and reason with what it means, and how DSCO and LingXing say it. Read from the enums.

What is missing here cannot be shown anywhere: a test compares the tables with the enums.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from integrations.admin.words import known_reasons
from integrations.deliveries.states import State
from integrations.errors import ErrorKind
from integrations.models import RunStatus

from .models import ErpStatus, Mode, Stage

Text = str | Promise
LANGUAGES: Final = ("en", "zh-hans")


@dataclass(frozen=True, slots=True)
class Entry:
    """One word: its code, its label in each language, what it means, and the vendors' words for it."""

    code: str
    labels: dict[str, str]
    meaning: Text = ""
    dsco: str = ""
    lingxing: str = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """Words of one kind. ``vendors`` says whether the vendors' columns have something to show."""

    name: str
    title: Text
    help: Text
    entries: list[Entry] = field(default_factory=list)

    @property
    def dsco(self) -> bool:
        """Return whether DSCO has words for these."""
        return any(entry.dsco for entry in self.entries)

    @property
    def lingxing(self) -> bool:
        """Return whether LingXing has words for these."""
        return any(entry.lingxing for entry in self.entries)

    @property
    def meaning(self) -> bool:
        """Return whether the entries need more than their label."""
        return any(entry.meaning for entry in self.entries)


STATES: Final[dict[State, Text]] = {
    State.WAITING: _("A condition is not met yet; it goes on by itself as soon as it is. Nothing to do."),
    State.DUE: _("It is carried out by the next run of its flow; after a temporary failure at the time shown."),
    State.IN_PROGRESS: _("A worker is sending it just now. Nothing to do."),
    State.ACCEPTED: _("The vendor took it and says later whether it worked; it is asked until it says so."),
    State.UNCERTAIN: _(
        "It may or may not have happened (a lost reply). The vendor's data are looked at before anything is repeated;"
        " act only if it stays like this."
    ),
    State.SUCCEEDED: _("The vendor has it. Done."),
    State.FAILED: _("The vendor refused it, or it was retried for a day in vain. Mend the cause, then retry or skip."),
    State.NEEDS_ATTENTION: _("A person must decide or mend something; the reason says what. Then retry or skip."),
    State.SKIPPED: _("Not applicable, switched off, or given up by a person. A person can retry it."),
    State.CANCELLED: _("No longer owed: the order was cancelled or the figure changed back."),
}
# Meaning, DSCO's words (dscoLifecycle / dscoStatus), LingXing's words.
STAGES: Final[dict[Stage, tuple[Text, str, str]]] = {
    Stage.RECEIVED: (_("Pulled from DSCO; not in LingXing yet."), "created / created", "–"),
    Stage.IN_ERP: (
        _("LingXing has the order; the retailer has not been told that we took it."), "created / created",
        "4 待审核, 5 待发货",
    ),
    Stage.ACKNOWLEDGED: (
        _("The retailer knows that we took it; the warehouse has not shipped."), "acknowledged / shipment_pending",
        "5 待发货",
    ),
    Stage.SHIPPED: (
        _("The shipment was reported; the invoice is owed (unless the policy says never)."), "completed / shipped",
        "6 已发货",
    ),
    Stage.INVOICED: (_("The invoice was sent. Done."), "completed / shipped", "6 已发货"),
    Stage.CANCELLED: (_("Nothing will be shipped."), "completed / cancelled", "7 已取消/不发货"),
    Stage.CLOSED: (
        _("Not ours to do: shipped before we saw it first, a test order, or skipped by a person."),
        "completed / shipped", "–",
    ),
}  # fmt: skip
ERP_STATUSES: Final[dict[ErpStatus, str]] = {
    ErpStatus.SYNCING: "同步中",
    ErpStatus.SYNCED: "已同步",
    ErpStatus.UNPAID: "待付款 / 未付款",
    ErpStatus.TO_REVIEW: "待审核",
    ErpStatus.TO_SHIP: "待发货",
    ErpStatus.SHIPPED: "已发货",
    ErpStatus.CANCELLED: "已取消 / 不发货",
    ErpStatus.HIDDEN: "不显示",
    ErpStatus.PLATFORM: "平台发货",
}
DSCO_LIFECYCLES: Final[dict[str, tuple[Text, Text]]] = {
    "received": (_("Received, not ready"), _("DSCO has the order, but it is not ready to be taken; we wait.")),
    "created": (_("Ready to be taken"), _("Ready for the supplier: it is pushed to LingXing.")),
    "acknowledged": (_("Taken by the supplier"), _("The supplier has it; something is still to be shipped.")),
    "completed": (_("Nothing open"), _("No quantity is open any more: everything is shipped or cancelled.")),
}
DSCO_STATUSES: Final[dict[str, tuple[Text, Text]]] = {
    "created": (_("Created"), _("Not taken yet.")),
    "shipment_pending": (_("Shipment pending"), _("Taken by the supplier, or acknowledged automatically.")),
    "shipped": (_("Something shipped"), _("At least one unit of one line is shipped: not necessarily everything.")),
    "cancelled": (_("Cancelled as a whole"), _("Every unit of every line is cancelled.")),
}
OUTBOUND_STATUSES: Final[dict[int, tuple[Text, str, Text]]] = {
    1: (_("Ordering the carrier"), "物流下单", _("A tracking number may be there already; nothing has left.")),
    2: (_("Being shipped"), "发货中", _("The warehouse is packing.")),
    3: (_("Shipped"), "已发货", _("The package has left: only now it is reported to the retailer.")),
    4: (_("Deleted"), "已删除", _("Never counted as a package.")),
}


def outbound_status(code: int | None) -> str:
    """Return an outbound order's status with its number, as people know it from LingXing."""
    if code not in OUTBOUND_STATUSES:
        return "" if code is None else str(code)
    return f"{code} {OUTBOUND_STATUSES[code][0]}"


RUNS: Final[dict[RunStatus, Text]] = {
    RunStatus.RUNNING: _("It is at work now."),
    RunStatus.SUCCEEDED: _("It did its work, even if single orders failed."),
    RunStatus.STOPPED: _("A vendor could not be reached or refused access; blames no order. The next run tries again."),
    RunStatus.FAILED: _("An error of OrderBridge itself; tell an engineer. The next run tries again."),
    RunStatus.INTERRUPTED: _("The worker ended in the middle; what was under way is verified."),
    RunStatus.PAUSED: _("Somebody paused the flow; it does not run by itself."),
    RunStatus.ALREADY_RUNNING: _("A flow never runs twice at once; this start did nothing."),
}
ERRORS: Final[dict[ErrorKind, Text]] = {
    ErrorKind.TRANSIENT: _("It certainly did not happen; it is retried by itself, with growing pauses."),
    ErrorKind.RATE_LIMITED: _("The vendor asked us to slow down; it waits and goes on."),
    ErrorKind.AUTHENTICATION: _("The token was refused; it is renewed and the call repeated."),
    ErrorKind.CONFIGURATION: _("Credentials, IP list or permissions: the flow stops until that is mended."),
    ErrorKind.REJECTED: _("The vendor understood and refused; its words say why. A repeat alone won't help."),
    ErrorKind.UNCERTAIN: _("Nobody knows whether it happened; it is verified before it is repeated."),
}


def chapters() -> list[Chapter]:
    """Return the dictionary, in the order in which people meet the words."""
    return [*_our_words(), *_vendors_words()]


def _our_words() -> list[Chapter]:
    return [
        Chapter(
            "stages", _("Stages of an order"), _("How far an order has come; the filter “stage” of the order list."),
            [_entry(stage.value, stage.label, *facts) for stage, facts in STAGES.items()],
        ),
        Chapter(
            "states", _("States of a step"),
            _("A step is what we owe a vendor: push, acknowledgement, shipment, invoice, cancellation, stock update."),
            [_entry(state.value, state.label, meaning) for state, meaning in STATES.items()],
        ),
        Chapter(
            "reasons", _("Reasons"), _("Why a step is where it is. Other codes are the vendor's, with its own words."),
            [_entry(code, text) for code, text in sorted(known_reasons().items())],
        ),
        Chapter(
            "runs", _("Runs of a flow"), _("How one execution of a flow ended."),
            [_entry(status.value, status.label, meaning) for status, meaning in RUNS.items()],
        ),
        Chapter(
            "errors", _("Classes of errors"), _("What an error means for us, whatever the vendor calls it."),
            [_entry(kind.value, kind.label, meaning) for kind, meaning in ERRORS.items()],
        ),
        Chapter(
            "modes", _("Modes of a flow for a retailer"), _("Set in the retailer policy."),
            [_entry(mode.value, mode.label) for mode in Mode],
        ),
    ]  # fmt: skip


def _vendors_words() -> list[Chapter]:
    return [
        Chapter(
            "dsco-lifecycle", _("DSCO: lifecycle of an order"), _("dscoLifecycle, the one that counts."),
            [_entry(word, label, meaning, dsco=word) for word, (label, meaning) in DSCO_LIFECYCLES.items()],
        ),
        Chapter(
            "dsco-status", _("DSCO: status of an order"), _("dscoStatus, the older one; still shown."),
            [_entry(word, label, meaning, dsco=word) for word, (label, meaning) in DSCO_STATUSES.items()],
        ),
        Chapter(
            "lingxing-orders", _("LingXing: status of an order (系统单)"), "",
            [_entry(str(status.value), status.label, lingxing=word) for status, word in ERP_STATUSES.items()],
        ),
        Chapter(
            "lingxing-outbound", _("LingXing: status of an outbound order (销售出库单)"), "",
            [
                _entry(str(code), label, meaning, lingxing=word)
                for code, (label, word, meaning) in OUTBOUND_STATUSES.items()
            ],
        ),
    ]  # fmt: skip


def _entry(code: str, label: Text, meaning: Text = "", dsco: str = "", lingxing: str = "") -> Entry:
    return Entry(code, in_both(label), meaning, dsco, lingxing)


def in_both(text: Text) -> dict[str, str]:
    """Return a text in each of the languages."""
    found = {}
    for language in LANGUAGES:
        with translation.override(language):
            found[language] = str(text)
    return found
