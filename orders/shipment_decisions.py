"""What is to be done about one order's packages: report them, wait, or ask a person. Pure decisions, nothing is stored.

The rules (seed 002, 4.4 and 7.1; decision 6): an order is reported once, when one tracking number covers it
exactly. Everything else a person decides, with the packages in front of him; a retailer policy may allow
several packages that together are the order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from integrations.deliveries import outcomes
from integrations.deliveries.outcomes import Outcome
from integrations.sentences import gettext as _
from integrations.sentences import joined

from .conditions import is_cancelled
from .deciding import READY
from .further_shipments import REST_LEFT, WAITING_FOR_REST
from .models import ErpOrder, ErpStatus, Order, OrderLine, RetailerPolicy, Shipment
from .packages import Coverage, Packed, Parcel, coverage_of, parcels_of, tracking_numbers
from .reported import missing_at_dsco, told_body
from .shipment_bodies import Body, CannotCompose, ShippingNames, compose, numbers_in

# So long after a package has left, what is still missing is worth a look by a person.
PATIENCE = timedelta(hours=24)
WAITING_FOR_OUTBOUND = "waiting_for_outbound"
NO_OUTBOUND = "no_outbound"


@dataclass(slots=True)
class ShipmentFacts:
    """What is known of an order when its packages are judged.

    used_elsewhere: tracking numbers of other orders; others: the order's other shipments; waited: it has waited for
    its outbound order longer than usual.
    """

    order: Order
    lines: Sequence[OrderLine]
    policy: RetailerPolicy
    packed: Sequence[Packed] = ()
    used_elsewhere: Collection[str] = ()
    others: Sequence[Shipment] = ()
    waited: bool = False


@dataclass(slots=True)
class Decision:
    """The outcome, and the body where one could be composed; ``reported``: DSCO has these tracking numbers already."""

    outcome: Outcome
    body: Body = field(default_factory=list)
    reported: list[str] = field(default_factory=list)


def not_shipped_yet(erp_orders: Sequence[ErpOrder]) -> Outcome | None:
    """Return why an order with these live ERP orders is no candidate yet, or None when all of them are shipped."""
    shipped = sum(erp_order.status == ErpStatus.SHIPPED for erp_order in erp_orders)
    if erp_orders and shipped == len(erp_orders):
        return None
    if not shipped:
        return outcomes.waiting("waiting_for_warehouse")
    return outcomes.waiting(
        "partly_shipped",
        _("LingXing has split the order; %(shipped)d of %(all)d parts are shipped. It goes when all are.")
        % {"shipped": shipped, "all": len(erp_orders)},
    )


def judge(facts: ShipmentFacts, names: ShippingNames, now: datetime) -> Decision:
    """Decide about an order whose ERP orders are all shipped. Conditions such as a hold are not looked at here."""
    counted = [one for one in facts.packed if one.counts]
    shipped = [one for one in counted if one.package.shipped]
    if not shipped:
        return Decision(_no_outbound(facts))
    if any(not tracking_numbers(one.package) for one in shipped):
        return Decision(_no_tracking_number(facts.order, shipped, now))
    parcels = parcels_of(shipped)
    numbers = [number for one in shipped for number in tracking_numbers(one.package)]
    already = _already_reported(facts, numbers, parcels)
    if already is not None:
        return already
    if is_cancelled(facts.order, facts.lines):
        return Decision(cancelled_after_shipment(facts.order, numbers))
    coverage = coverage_of(facts.lines, parcels)
    if coverage.missing and len(shipped) < len(counted) and not _long_ago(shipped, now):
        return Decision(outcomes.waiting(WAITING_FOR_OUTBOUND, _("Some of its outbound orders are not shipped yet.")))
    refused = _refusal(facts, shipped, parcels, coverage)
    if refused is not None:
        return Decision(refused)
    try:
        return Decision(READY, compose(facts.order, facts.lines, parcels, facts.policy, names, now))
    except CannotCompose as problem:
        return Decision(outcomes.needs_attention(problem.code, str(problem)))


def judge_rest(facts: ShipmentFacts) -> Decision:
    """Decide about the rest of an order that was reported in part: a person puts it together, when it has left."""
    told = {number.strip().casefold() for number in facts.order.reported_tracking_numbers}
    told |= {number.casefold() for number in numbers_in(told_body(facts.others))}
    left = [one.package for one in facts.packed if one.counts and one.package.shipped]
    numbers = [number for package in left for number in tracking_numbers(package) if number.casefold() not in told]
    if not numbers:
        return Decision(outcomes.waiting(WAITING_FOR_REST))
    if is_cancelled(facts.order, facts.lines):
        return Decision(cancelled_after_shipment(facts.order, numbers))
    return Decision(
        outcomes.needs_attention(
            REST_LEFT,
            _(
                "A part of order %(order)s was reported; package %(numbers)s has left since, or was left out. Put"
                " together what is left of the order, or mark it as reported elsewhere; skip it when the rest is not"
                " delivered."
            )
            % {"order": facts.order.dsco_order_id, "numbers": ", ".join(dict.fromkeys(numbers))},
        )
    )


def cancelled_after_shipment(order: Order, numbers: Sequence[str]) -> Outcome:
    """DSCO has cancelled what has left: a person decides."""
    return outcomes.needs_attention(
        "cancelled_after_shipment",
        _(
            "Order %(order)s was cancelled at DSCO, but package %(numbers)s has left. Stop or fetch back the package"
            " and skip the shipment, or settle it with the retailer."
        )
        % {"order": order.dsco_order_id, "numbers": ", ".join(numbers)},
    )


def partly_at_dsco(
    order: Order, lines: Iterable[OrderLine], numbers: Sequence[str], missing: Mapping[int, int]
) -> Outcome:
    """DSCO has these tracking numbers with fewer units than they hold, and takes no correction: a person settles it."""
    names = {line.position: line.sku or line.partner_sku or line.erp_sku for line in lines}
    parts = [_("%(sku)s: %(units)d missing") % {"sku": names[position], "units": n} for position, n in missing.items()]
    return outcomes.needs_attention(
        "reported_differently",
        _(
            "DSCO shows package %(numbers)s of order %(order)s with fewer units than were packed (%(missing)s). Report"
            " the rest in DSCO's portal, and the shipment is done by itself; or mark it as done."
        )
        % {"order": order.dsco_order_id, "numbers": ", ".join(dict.fromkeys(numbers)), "missing": joined(parts, "; ")},
    )


def waited_for_outbound(row: Shipment, now: datetime) -> bool:
    """Return whether LingXing has shown the order as shipped for long, but no outbound order with it."""
    if row.reason_code == NO_OUTBOUND:
        return True
    return row.reason_code == WAITING_FOR_OUTBOUND and now - row.changed_at > PATIENCE


def _no_outbound(facts: ShipmentFacts) -> Outcome:
    if not facts.waited:
        return outcomes.waiting(WAITING_FOR_OUTBOUND, _("LingXing shows no shipped outbound order yet."))
    return outcomes.needs_attention(
        "no_outbound",
        _(
            "Order %(order)s has been shipped in LingXing for a day, but no shipped outbound order shows how. Look it"
            " up there: when the outbound order is completed, the shipment goes by itself. Else put the packages"
            " together here, or mark the shipment as done."
        )
        % {"order": facts.order.dsco_order_id},
    )


def _no_tracking_number(order: Order, shipped: Sequence[Packed], now: datetime) -> Outcome:
    names = ", ".join(one.package.wo_number for one in shipped if not tracking_numbers(one.package))
    words = _(
        "Order %(order)s: outbound order %(outbound)s is shipped but has no tracking number in LingXing. Enter it"
        " there; the shipment then goes by itself."
    ) % {"order": order.dsco_order_id, "outbound": names}
    if _long_ago(shipped, now):
        return outcomes.needs_attention("no_tracking_number", words)
    return outcomes.waiting("no_tracking_number", words)


def _long_ago(shipped: Sequence[Packed], now: datetime) -> bool:
    times = [one.package.shipped_at for one in shipped if one.package.shipped_at]
    return bool(times) and now - max(times) > PATIENCE


def _already_reported(facts: ShipmentFacts, numbers: Sequence[str], parcels: Sequence[Parcel]) -> Decision | None:
    """What DSCO shows already, for example reported by hand in its portal, is not reported again."""
    order = facts.order
    there = {number.strip().casefold() for number in order.reported_tracking_numbers}
    if not there:
        return None
    if all(number.casefold() in there for number in numbers):
        units = {line.position: sum(parcel.quantities.get(line.pk, 0) for parcel in parcels) for line in facts.lines}
        if missing := missing_at_dsco(order, facts.lines, units):
            return Decision(partly_at_dsco(order, facts.lines, numbers, missing))
        reported = list(dict.fromkeys(numbers))
        return Decision(outcomes.succeeded(",".join(reported)), reported=reported)
    return Decision(
        outcomes.needs_attention(
            "reported_differently",
            _(
                "DSCO shows order %(order)s with the tracking numbers %(there)s, LingXing with %(here)s. Compare both;"
                " then mark the shipment as done, or report what is missing in DSCO's portal."
            )
            % {
                "order": order.dsco_order_id,
                "there": ", ".join(order.reported_tracking_numbers),
                "here": ", ".join(numbers),
            },
        )
    )


def _refusal(
    facts: ShipmentFacts, shipped: Sequence[Packed], parcels: Sequence[Parcel], coverage: Coverage
) -> Outcome | None:
    numbers = list(dict.fromkeys(number for one in shipped for number in tracking_numbers(one.package)))
    several_in_one = any(len(tracking_numbers(one.package)) > 1 for one in shipped)
    filled = all(parcel.quantities for parcel in parcels)
    automatic = facts.policy.automatic_packages and coverage.exact and filled and not several_in_one
    if len(numbers) > 1 and not automatic:
        return _several_packages(facts, numbers, coverage, several_in_one)
    if not (coverage.exact and filled):
        return outcomes.needs_attention(
            "quantities_differ",
            _(
                "Order %(order)s: package %(numbers)s is not what was ordered (%(differences)s). Check it in LingXing;"
                " when the outbound order is corrected the shipment goes by itself, else report it in DSCO's portal and"
                " mark the shipment as done."
            )
            % {
                "order": facts.order.dsco_order_id,
                "numbers": ", ".join(numbers),
                "differences": _differences(facts.lines, coverage),
            },
        )
    used = [number for number in numbers if number in facts.used_elsewhere]
    if used:
        return outcomes.needs_attention(
            "tracking_number_used",
            _(
                "Order %(order)s: tracking number %(numbers)s also stands on another order's package. Correct it in"
                " LingXing (the shipment then goes by itself), or report it in DSCO's portal and mark it as done."
            )
            % {"order": facts.order.dsco_order_id, "numbers": ", ".join(used)},
        )
    return None


def _several_packages(
    facts: ShipmentFacts, numbers: Sequence[str], coverage: Coverage, several_in_one: bool
) -> Outcome:
    if several_in_one:
        how = _("which of them holds what is unknown, because LingXing has several numbers in one field")
    elif coverage.exact:
        how = _("together they are the whole order")
    else:
        how = _("together they are not the order: %s") % _differences(facts.lines, coverage)
    return outcomes.needs_attention(
        "several_packages",
        _(
            "Order %(order)s left in %(count)d packages: %(numbers)s; %(how)s. Compare them with the order's lines and"
            " report one or all of them, or mark the shipment as done if it was reported in DSCO's portal."
        )
        % {
            "order": facts.order.dsco_order_id,
            "count": len(numbers),
            "numbers": ", ".join(numbers),
            "how": how,
        },
    )


def _differences(lines: Iterable[OrderLine], coverage: Coverage) -> str:
    names = {line.pk: line.sku or line.partner_sku or line.erp_sku for line in lines}
    parts = [_("%(sku)s: %(units)d missing") % {"sku": names[pk], "units": n} for pk, n in coverage.missing.items()]
    parts += [_("%(sku)s: %(units)d too many") % {"sku": names[pk], "units": n} for pk, n in coverage.excess.items()]
    parts += [
        _("%(sku)s: %(units)d units that are on no line of the order, or that a merged order does not tell apart")
        % {"sku": sku or "–", "units": units}
        for sku, units in coverage.unmatched.items()
    ]
    return joined(parts, "; ") or _("its contents are unknown")
