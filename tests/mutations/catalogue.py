"""Small changes that break a promise, each with the test that must notice. ``make mutations`` applies them in turn."""

from __future__ import annotations

from dataclasses import dataclass

ENGINE = "integrations/deliveries"
PASSES = "tests/engine/test_passes.py"
STOPS = "tests/engine/test_stops.py"
OUTAGES = "tests/engine/test_outages.py"


@dataclass(frozen=True)
class Mutation:
    """``before`` stands exactly once in ``path`` (``everywhere``: at least once) and becomes ``after``.

    ``noticed_by``: pytest targets, or "simulation FIRST SEEDS".
    """

    name: str
    path: str
    before: str
    after: str
    noticed_by: str
    everywhere: bool = False


MUTATIONS = [
    # --- Exactly one effect ---------------------------------------------------------------------------
    Mutation(
        "conditions are not checked again at the claim", f"{ENGINE}/claims.py",
        "refused = _check(kind, due, now) if due else {}", "refused = {}", PASSES,
    ),
    Mutation(
        "an expired lease means due", f"{ENGINE}/claims.py",
        'return outcomes.unknown(\n        "lease_expired"', 'return outcomes.retry(\n        "lease_expired"',
        f"{PASSES} simulation 1 40",
    ),
    Mutation(
        "a worker that lost its lease writes all the same", f"{ENGINE}/claims.py",
        "ours = set(lock_by_key(rows.filter(lease_token=token)))", "ours = set(lock_by_key(rows))", PASSES,
    ),
    Mutation(
        "a worker that lost its lease sends all the same", "integrations/http.py",
        "if writes and not _work_is_ours.get()():", "if writes and not _always():",
        "tests/end_to_end/test_interruptions.py",
    ),
    Mutation(
        "a lost reply is repeated blindly", f"{ENGINE}/outcomes.py",
        'return Outcome(State.UNCERTAIN, request_id="", **facts)',
        'return Outcome(State.DUE, request_id="", retry_after=0, **facts)', PASSES,
    ),
    Mutation(
        "a lost reply is looked up before the vendor can show it", f"{ENGINE}/transitions.py",
        "asked_in_vain else backoff.verify_delay())", "asked_in_vain else timedelta())", PASSES,
    ),
    Mutation(
        "a retry by staff does not look first", f"{ENGINE}/staff.py",
        "if row.maybe_sent or row.status == State.UNCERTAIN:", "if row.status == State.UNCERTAIN:", PASSES,
    ),
    Mutation(
        "absent is believed while DSCO may still have it queued", f"{ENGINE}/engine.py",
        "return sent_at is not None and timezone.now() < sent_at + self.kind.absent_after_delays"
        " * backoff.verify_delay()",
        "return False", PASSES,
    ),
    Mutation(
        "one key may be stored twice", "orders/migrations/0001_initial.py",
        "('key', models.CharField(max_length=160, unique=True", "('key', models.CharField(max_length=160",
        "tests/engine/test_keys.py", everywhere=True,
    ),
    Mutation(
        "a flow may run twice at once", "integrations/flows/lease.py",
        "    if row.lease_token and row.lease_until and row.lease_until > now and not is_dead(row.lease_holder):\n"
        "        return None\n",
        "", "tests/engine/test_concurrency.py",
    ),
    Mutation(
        "LingXing's order list is not asked before an order is created", "orders/erp_creation.py",
        "    result = {pk: outcome for pk, outcome in found.items() if outcome.state != State.DUE}\n",
        "    result: dict[int, Outcome] = {}\n",
        "tests/orders/test_push_orders.py",
    ),
    # --- Done is what the vendor has ------------------------------------------------------------------
    Mutation(
        "queued is taken for done", "orders/flows/acknowledge_orders.py",
        "return {row.pk: outcomes.accepted(receipt.request_id) for row in rows}",
        "return {row.pk: outcomes.succeeded(receipt.request_id) for row in rows}",
        "tests/orders/test_acknowledge_orders.py simulation 1 40",
    ),
    Mutation(
        "a refusal in DSCO's log is taken for done", "integrations/dsco/queued.py",
        "found[row.pk] = self.refused(row, entry)", "found[row.pk] = self.done(row, entry)",
        "tests/orders/test_acknowledge_orders.py",
    ),
    Mutation(
        "an item that a batch's reply does not mention is taken for done", f"{ENGINE}/engine.py",
        "outcome = answer.outcomes.get(delivery.pk) or outcomes.unknown(\n                \"no_outcome\","
        " _(\"The vendor's reply did not mention this delivery; its outcome is being verified.\")\n            )",
        "outcome = answer.outcomes.get(delivery.pk) or outcomes.succeeded()", PASSES,
    ),
    Mutation(
        "an order that LingXing's reply does not mention is taken for done", "orders/erp_creation.py",
        'result[order.push.pk] = outcomes.unknown(\n                "not_in_reply"',
        'result[order.push.pk] = outcomes.rejected(\n                "not_in_reply"',
        "tests/orders/test_push_orders.py",
    ),
    # --- Nothing is lost, nobody delays others --------------------------------------------------------
    Mutation(
        "a refused batch fails all of it", f"{ENGINE}/engine.py",
        'if outcome.state == "failed" and answer.error and len(item.call.deliveries) > 1:', "if False:", PASSES,
    ),
    Mutation(
        "the bookmark moves before the window is read", "orders/flows/pull_orders.py",
        "        _pull_window(context, client, since, end)\n",
        "        context.save_cursor(updated_until=end.isoformat())\n"
        "        _pull_window(context, client, since, end)\n",
        "tests/orders/test_pull_orders.py",
    ),
    Mutation(
        "windows do not overlap", "orders/flows/pull_orders.py",
        "since = bookmark - OVERLAP", "since = bookmark", "tests/orders/test_pull_orders.py",
    ),
    Mutation(
        "nothing is ever given up", f"{ENGINE}/transitions.py",
        "if since is None or delivery.failures < TRIES_IN_VAIN:", "if True:", PASSES,
    ),
    Mutation(
        "calls for rows that went to another worker are not kept", f"{ENGINE}/claims.py",
        "                if id(call) not in logged and call.row_id is None\n", "                if False\n", PASSES,
    ),
    Mutation(
        "a worker that is killed while idle stops its cluster", "integrations/worker_queues.py",
        "    django_q.cluster.Queue = KillSafeQueue\n", "", "tests/end_to_end/test_killed_workers.py",
    ),
    # --- What people decided wins ----------------------------------------------------------------------
    Mutation(
        "a hold is ignored", "orders/conditions.py", "    if order.held:\n", "    if False:\n",
        "tests/orders/test_push_orders.py",
    ),
    Mutation(
        "a cancellation is ignored", "orders/conditions.py",
        "if order.dsco_status.lower() in CANCELLED_STATUSES:\n        return True",
        "if order.dsco_status.lower() in CANCELLED_STATUSES:\n        return False",
        "tests/orders/test_push_orders.py tests/orders/test_cancellations.py",
    ),
    Mutation(
        "the HTTP door ignores an emergency stop", "integrations/http.py",
        "            refuse_if_stopped(self.vendor, operation)\n", "            pass\n", STOPS,
    ),
    Mutation(
        "claims ignore an emergency stop", f"{ENGINE}/claims.py",
        "refused |= while_stopped(kind, [row for row in due if row.pk not in refused])", "", STOPS,
    ),
    # --- Outages ----------------------------------------------------------------------------------------
    Mutation(
        "a vendor that is out is called all the same", "integrations/http.py",
        "        refuse_while_out(self.vendor, operation)\n", "", OUTAGES,
    ),
    Mutation(
        "the hours of an outage count toward giving up", f"{ENGINE}/transitions.py",
        "return tried - since - vendor_out(since, tried) >", "return tried - since >", OUTAGES,
    ),
    Mutation(
        "hours in which nobody tried count toward giving up", f"{ENGINE}/transitions.py",
        "delivery.failures < TRIES_IN_VAIN", "delivery.failures == 0", OUTAGES,
    ),
    Mutation(
        "what was waited for an answer counts toward giving up", f"{ENGINE}/transitions.py",
        "since, tried = delivery.failing_since, delivery.last_attempt_at or now",
        "since, tried = delivery.failing_since, now", OUTAGES,
    ),
    Mutation(
        "after an outage the order of deadlines is not kept", f"{ENGINE}/after_outage.py",
        "        place += timedelta(microseconds=1)\n", "", OUTAGES,
    ),
    # --- Money, packages, stock ---------------------------------------------------------------------------
    Mutation(
        "cents are cut instead of rounded", "orders/invoices.py",
        "return amount.quantize(CENT, rounding=ROUND_HALF_UP)", 'return amount.quantize(CENT, rounding="ROUND_DOWN")',
        "tests/orders/test_invoices_amounts.py tests/orders/test_invoices.py",
    ),
    Mutation(
        "several packages are reported without a person", "orders/shipment_decisions.py",
        "if len(numbers) > 1 and not automatic:", "if False:", "tests/orders/test_shipments.py",
    ),
    Mutation(
        "a package that is not what was ordered is reported", "orders/shipment_decisions.py",
        "if not (coverage.exact and filled):", "if False:", "tests/orders/test_shipments.py",
    ),
    Mutation(
        "what DSCO shows already is reported again", "orders/shipment_decisions.py",
        "    if already is not None:\n        return already\n", "", "tests/orders/test_shipments.py",
    ),
    Mutation(
        "stock that is sold but not in the ERP is offered again", "inventory/targets.py",
        "max(0, units - max(0, reserved.get(code, 0)))", "max(0, units)", "tests/inventory/test_targets.py",
    ),
    Mutation(
        "an incomplete list of LingXing is believed", "integrations/lingxing/paging.py",
        "        if not raw:\n            raise incomplete(",
        "        if not raw:\n            return\n            raise incomplete(",
        "tests/integrations/lingxing tests/inventory/test_sync_inventory.py",
    ),
    # --- Limits, tokens -----------------------------------------------------------------------------------
    Mutation(
        "nobody waits for his turn", "integrations/limits.py",
        "        clock.sleep(min(wait, LONGEST_PAUSE_SECONDS))\n", "",
        "tests/integrations/test_limits.py tests/integrations/dsco/test_pace.py",
    ),
    Mutation(
        "two processes may use LingXing's refresh token", "integrations/lingxing/auth.py",
        'renewing_by=current_holder(), refresh_token="")', "renewing_by=current_holder())",
        "tests/integrations/lingxing/test_tokens.py",
    ),
]  # fmt: skip
