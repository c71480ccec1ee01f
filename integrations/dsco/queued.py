"""Deliveries that DSCO may only queue: it answers with a request id; a change log says later what became of each."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar

from django.conf import settings

from ..deliveries import outcomes
from ..deliveries.kinds import Call, DeliveryKind, Plan
from ..deliveries.models import Delivery
from ..deliveries.outcomes import Outcome
from ..deliveries.states import State
from ..errors import Rejected, VendorError
from ..sentences import gettext as _
from .client import DscoClient
from .schemas import Accepted, ChangeLog, LogEntry

D = TypeVar("D", bound=Delivery)

BATCH_BYTES = 4_500_000  # DSCO takes 5 MB; the rest is for commas and surprises
# DSCO's gateway answers so when an account may not use an address.
NOT_OFFERED = (403, 404, 405)


class QueuedKind(DeliveryKind[D]):
    """A kind whose batches DSCO queues. What becomes of one row never touches its neighbours in the batch."""

    vendor: ClassVar[str] = "dsco"
    # A lost reply does not say whether DSCO has queued the call and will carry it out later.
    absent_after_delays: ClassVar[int] = 3

    def read_log(self, client: DscoClient, request_id: str) -> ChangeLog:
        """Read the change log that tells of this kind."""
        return client.order_log(request_id)

    @abstractmethod
    def entry(self, log: ChangeLog, row: D) -> LogEntry | None:
        """Return what the log says of the row, if anything."""

    @abstractmethod
    def done(self, row: D, entry: LogEntry) -> Outcome:
        """Return the outcome of a row that the log shows as carried out."""

    def refused(self, row: D, entry: LogEntry) -> Outcome:
        """Return the outcome of a row that the log shows as refused: alone it gets a clearer answer."""
        return outcomes.retry(entry.code or "refused", words_of(entry), solo=True, retry_after=0)

    def unmentioned(self, row: D) -> Outcome:
        """Return the outcome of an accepted row of which a finished log says nothing: it is verified."""
        return outcomes.not_in_log()

    def plan_poll(self, deliveries: Sequence[D]) -> Plan[D]:
        """Ask the change log once for each request."""
        client = DscoClient.from_settings()
        groups = _by_request(deliveries).items()
        return Plan([Call(group, partial(self._poll, client, request, group)) for request, group in groups])

    def told(self, log: ChangeLog, rows: Sequence[D]) -> dict[int, Outcome]:
        """Return the outcomes by primary key, of the rows whose outcome the log tells."""
        found: dict[int, Outcome] = {}
        for row in rows:
            entry = self.entry(log, row)
            if entry is not None and entry.status == "success":
                found[row.pk] = self.done(row, entry)
            elif entry is not None and entry.status == "failure":
                found[row.pk] = self.refused(row, entry)
        return found

    def _poll(self, client: DscoClient, request_id: str, rows: Sequence[D]) -> dict[int, Outcome]:
        """What an unfinished log does not say stays open."""
        if not request_id:
            return {row.pk: self.unmentioned(row) for row in rows}
        log = self.read_log(client, request_id)
        told = self.told(log, rows)
        return {row.pk: told.get(row.pk) or self.not_told(log, row) for row in rows}

    def not_told(self, log: ChangeLog, row: D) -> Outcome:
        """Return the outcome of an accepted row that the log does not tell."""
        return self.unmentioned(row) if log.completed else outcomes.still_pending()


class QueuedOnceKind(QueuedKind[D]):
    """A queued kind that must take effect exactly once: a doubt is settled by the log, else by DSCO's own record."""

    def not_told(self, log: ChangeLog, row: D) -> Outcome:
        """What DSCO is still working on is waited for as long as for anything: sent again, it would be there twice."""
        return outcomes.still_working() if log.working else super().not_told(log, row)

    @abstractmethod
    def look(self, client: DscoClient, rows: Sequence[D]) -> Callable[[D], Outcome]:
        """Prepare (the database may be read) and return the read of DSCO's record of one row (it may not)."""

    def plan_verify(self, deliveries: Sequence[D]) -> Plan[D]:
        """Ask the log where the request is known, else look at each row's own record."""
        client = DscoClient.from_settings()
        shown = self.look(client, deliveries)
        groups = _by_request(deliveries)
        lost = [[row] for row in groups.pop("", [])]
        calls = [Call(group, partial(self._verify, client, request, group, shown)) for request, group in groups.items()]
        return Plan(calls + [Call(group, partial(self._verify, client, "", group, shown)) for group in lost])

    def _verify(
        self, client: DscoClient, request_id: str, rows: Sequence[D], shown: Callable[[D], Outcome]
    ) -> dict[int, Outcome]:
        told: dict[int, Outcome] = {}
        working = False
        if request_id:
            try:
                log = self.read_log(client, request_id)
            except Rejected:
                pass  # DSCO does not know the request (any more): its own record tells
            else:
                told, working = self.told(log, rows), log.working
        return {row.pk: told.get(row.pk) or unless_working(shown(row), working=working) for row in rows}


def unless_working(shown: Outcome, *, working: bool) -> Outcome:
    """Return what DSCO's record shows; "absent" proves nothing while DSCO still works on the request."""
    return outcomes.still_working() if working and outcomes.says_absent(shown) else shown


def alone_or_together(rows: Sequence[D]) -> tuple[list[D], list[D]]:
    """Divide rows into those that go alone, whose errors are clearer, and those that go together, when many do."""
    together = [row for row in rows if not row.solo]
    if len(together) < settings.BATCH_FROM:
        return list(rows), []
    return [row for row in rows if row.solo], together


def batches(rows: Sequence[D], body: Callable[[D], Any], most: int) -> list[list[D]]:
    """Divide rows into calls of at most ``most`` rows whose bodies (plain JSON) fit into what DSCO takes."""
    found: list[list[D]] = []
    size = 0
    for row in rows:
        length = len(json.dumps(body(row), ensure_ascii=False).encode())
        if not found or len(found[-1]) >= most or size + length > BATCH_BYTES:
            found.append([])
            size = 0
        found[-1].append(row)
        size += length
    return found


def hand_in(rows: Sequence[D], send: Callable[[], Accepted]) -> dict[int, Outcome]:
    """Send a batch. An account that is not offered the operation sends each row alone, which says what it may."""
    try:
        receipt = send()
    except VendorError as error:
        if error.http_status not in NOT_OFFERED:
            raise
        alone = Outcome(
            State.DUE, "batch_unavailable", error.message, "transient", counted=False, retry_after=0, solo=True
        )
        return {row.pk: alone for row in rows}
    return {row.pk: outcomes.accepted(receipt.request_id) for row in rows}


def words_of(entry: LogEntry) -> str:
    """Return DSCO's reasons for a refusal."""
    return entry.messages_text or _("DSCO gave no reason.")


def _by_request(rows: Sequence[D]) -> dict[str, list[D]]:
    groups: dict[str, list[D]] = defaultdict(list)
    for row in rows:
        groups[row.remote_request_id].append(row)
    return groups
