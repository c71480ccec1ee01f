"""The client of DSCO: one method per API operation that OrderBridge uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

from django.conf import settings

from ..errors import ConfigurationError, Rejected
from ..sentences import gettext as _
from . import operations
from .errors import VENDOR, unreadable
from .operations import Operation
from .pages import Objects
from .schemas import (
    Accepted,
    AcknowledgeItem,
    CancelItems,
    ChangeLog,
    InventoryItem,
    InvoiceBody,
    LogEntry,
    ShipmentReport,
)
from .schemas.outbound import Outbound, iso
from .scrolling import large_pages, page_lists, scroll
from .transport import Answer, DscoTransport

_SETTINGS = ("DSCO_BASE_URL", "DSCO_CLIENT_ID", "DSCO_CLIENT_SECRET")


class DscoClient:
    """The supplier's side of DSCO. Thread-safe; made once per flow run.

    Every method raises the classes of ``integrations.errors`` with ``vendor="dsco"`` and the method's
    name as ``operation``, and waits for its turn as DSCO's documented limits ask. Reads raise
    TransientError for what a later attempt may heal; writes raise Uncertain when DSCO may have done it.
    Raw objects that are returned fit a JSON column: fractions are text, digit for digit.
    """

    def __init__(self, base_url: str, client_id: str, client_secret: str) -> None:
        self._transport = DscoTransport(base_url, client_id, client_secret)

    @classmethod
    def from_settings(cls) -> DscoClient:
        """Make the client of the configured account; a missing variable raises ConfigurationError."""
        values = []
        for name in _SETTINGS:
            value = str(getattr(settings, name, "") or "")
            if not value:
                raise ConfigurationError(
                    _("%(name)s is not set: without it nothing can be exchanged with DSCO.") % {"name": name},
                    vendor=VENDOR,
                    operation="from_settings",
                    code="missing_setting",
                )
            values.append(value)
        return cls(*values)

    def hello(self) -> None:
        """Try address and credentials; raises when they do not work."""
        self._transport.read(operations.HELLO)

    # --- Orders ---------------------------------------------------------------------------------

    def get_order(self, dsco_order_id: str) -> dict[str, Any] | None:
        """Return the raw order, or None when DSCO does not know it (which right after a write proves nothing)."""
        return self._find(operations.GET_ORDER, {"orderKey": "dscoOrderId", "value": dsco_order_id}, "dscoOrderId")

    def get_orders_by_po_number(self, po_number: str) -> list[dict[str, Any]]:
        """Return the raw orders with this PO number: none, one, or several (it is unique per retailer only)."""
        params = {"orderKey": "poNumber", "value": po_number, "returnMultiple": "true"}
        try:
            found = self._transport.read(operations.GET_ORDER, params).body
        except Rejected as error:
            if error.http_status == 404 or error.code == "notFound":
                return []
            raise
        rows = found if isinstance(found, list) else [found]
        return [row for row in rows if isinstance(row, dict) and str(row.get("poNumber")) == po_number]

    def order_pages(
        self,
        *,
        since: datetime,
        until: datetime,
        by: Literal["updated", "created"] = "updated",
        statuses: Sequence[str] = (),
        include_test_orders: bool = True,
        page_size: int = 1000,
    ) -> Iterator[Objects]:
        """Yield pages of raw orders that were updated after ``since`` (created at or after it) up to ``until``.

        Both times are aware; ``until`` must be at least 5 s in the past. statuses: the old dscoStatus
        values; none means all. page_size: 10 to 1000. Raises ScrollExpired when a page was fetched
        later than five minutes after the one before it.
        """
        params: list[tuple[str, Any]] = [
            ("ordersUpdatedSince" if by == "updated" else "ordersCreatedSince", iso(since)),
            ("until", iso(until)),
            *(("status", status) for status in statuses),
            ("includeTestOrders", _flag(include_test_orders)),
            ("ordersPerPage", str(page_size)),
        ]
        return large_pages(self._transport, operations.ORDER_PAGES, params)

    def order_log(self, request_id: str) -> ChangeLog:
        """Return what became of an acknowledgement, shipment or cancellation that DSCO accepted."""
        return self._log(operations.ORDER_LOG, request_id)

    def acknowledge(self, items: Sequence[AcknowledgeItem]) -> Accepted:
        """Acknowledge orders, storing our order numbers on them. Asynchronous: ask ``order_log``."""
        return self._batch(operations.ACKNOWLEDGE, items)

    def single_shipment(self, report: ShipmentReport) -> None:
        """Report the packages of one order; returning means that DSCO has them."""
        self._done_at_once(operations.SINGLE_SHIPMENT, report)

    def shipment_batch(self, reports: Sequence[ShipmentReport]) -> Accepted:
        """Report packages of several orders (at most 5 MB). Asynchronous: ask ``order_log``."""
        return self._batch(operations.SHIPMENT_BATCH, reports)

    def cancel_items(self, cancellation: CancelItems) -> Accepted | None:
        """Cancel items of one order: None when DSCO has done it, Accepted when ``order_log`` will tell."""
        answer = self._transport.write(operations.CANCEL_ITEMS, cancellation.payload())
        return _accepted(answer) if _is_queued(answer) else None

    # --- Invoices -------------------------------------------------------------------------------

    def create_invoice(self, invoice: InvoiceBody) -> None:
        """Hand in an invoice; ``get_invoices`` sees it only after DSCO's own processing."""
        self._done_at_once(operations.CREATE_INVOICE, invoice)

    def get_invoices(self, invoice_id: str) -> list[dict[str, Any]]:
        """Return the raw invoices that carry our ``invoice_id``; another supplier order may have used it too."""
        return self._invoices("invoiceId", invoice_id)

    def get_invoices_by_order(self, dsco_order_id: str, po_number: str) -> list[dict[str, Any]]:
        """Return the raw invoices of one order.

        DSCO cannot be asked by dscoOrderId, and a PO number may belong to several retailers: it is asked
        by PO number, and invoices that name another dscoOrderId are left out.
        """
        found = self._invoices("poNumber", po_number)
        return [item for item in found if str(item.get("dscoOrderId") or dsco_order_id) == dsco_order_id]

    def invoice_batch(self, invoices: Sequence[InvoiceBody]) -> Accepted:
        """Hand in several invoices (at most 5 MB). Asynchronous: ask ``invoice_log``."""
        return self._batch(operations.INVOICE_BATCH, invoices)

    def invoice_log(self, request_id: str) -> ChangeLog:
        """Return what became of an invoice batch that DSCO accepted."""
        return self._log(operations.INVOICE_LOG, request_id)

    def invoice_log_pages(self, *, since: datetime, until: datetime) -> Iterator[list[LogEntry]]:
        """Yield pages of the invoices that DSCO took between two aware times, by whatever way they came.

        DSCO keeps its logs for two weeks, or less. Raises ScrollExpired as ``order_pages``.
        """
        return self._log_pages(operations.INVOICE_LOG, since, until)

    # --- Inventory and warehouses ---------------------------------------------------------------

    def get_inventory(self, sku: str) -> dict[str, Any] | None:
        """Return the raw inventory of one of our SKUs, or None when DSCO does not know the item."""
        return self._find(operations.GET_INVENTORY, {"itemKey": "sku", "value": sku}, "sku")

    def update_inventory(self, item: InventoryItem) -> None:
        """Set the quantities of one item. Name all of its warehouses: what an absent one becomes is undocumented."""
        self._done_at_once(operations.UPDATE_INVENTORY, item)

    def inventory_batch(self, items: Sequence[InventoryItem], *, skip_missing: bool = False) -> Accepted:
        """Set the quantities of several items (at most 5 MB). Asynchronous: ask ``inventory_log``.

        skip_missing: DSCO drops items that it does not know, without a word, in place of refusing them.
        """
        params = {"skipItemsThatDontExist": "true"} if skip_missing else None
        return self._batch(operations.INVENTORY_BATCH, items, params)

    def inventory_log(self, request_id: str) -> ChangeLog:
        """Return what became of an inventory batch that DSCO accepted."""
        return self._log(operations.INVENTORY_LOG, request_id)

    def inventory_log_pages(self, *, since: datetime, until: datetime) -> Iterator[list[LogEntry]]:
        """Yield pages of the stock changes that DSCO carried out between two aware times; see ``invoice_log_pages``."""
        return self._log_pages(operations.INVENTORY_LOG, since, until)

    def warehouse_pages(self) -> Iterator[Sequence[dict[str, Any]]]:
        """Yield pages of our own warehouses as DSCO knows them; ``code`` is what orders carry."""
        return page_lists(self._transport, operations.WAREHOUSE_PAGES, {}, "warehouses")

    # --- How calls are made ---------------------------------------------------------------------

    def _find(self, operation: Operation, params: dict[str, str], key: str) -> dict[str, Any] | None:
        try:
            answer = self._transport.read(operation, params)
        except Rejected as error:
            if error.http_status == 404 or error.code == "notFound":
                return None
            raise
        found = answer.body
        if isinstance(found, list):
            found = next((item for item in found if isinstance(item, dict)), {})
        if not found:
            return None
        # The answer to another question proves nothing about this one.
        if str(found.get(key)).casefold() != params["value"].casefold():
            raise unreadable(answer.reply, answer.body, operation.name, writes=False)
        return dict(found)

    def _invoices(self, key: str, value: str) -> list[dict[str, Any]]:
        try:
            return list(self._transport.read(operations.GET_INVOICES, {"key": key, "value": value}).items("invoices"))
        except Rejected as error:
            if error.http_status == 404 or error.code == "notFound":
                return []
            raise

    def _log_pages(self, operation: Operation, since: datetime, until: datetime) -> Iterator[list[LogEntry]]:
        params = {"startDate": iso(since), "endDate": iso(until), "status": "success"}
        for page in page_lists(self._transport, operation, params, "logs"):
            yield [LogEntry.parse(raw) for raw in page]

    def _log(self, operation: Operation, request_id: str) -> ChangeLog:
        entries: list[LogEntry] = []
        status = ""
        try:
            for answer in scroll(self._transport, operation, {"requestId": request_id}, "logs"):
                status = status or str(answer.object().get("status") or "")
                entries += [LogEntry.parse(raw) for raw in answer.items("logs")]
        except Rejected as error:
            if error.http_status != 404:
                raise
            return ChangeLog(completed=False, entries=[])  # not known (yet): no proof of anything
        status = status.upper()
        return ChangeLog(completed=status == "COMPLETED", entries=entries, working=status == "PROCESSING")

    def _done_at_once(self, operation: Operation, body: Outbound) -> None:
        answer = self._transport.write(operation, body.payload())
        if _is_queued(answer):  # these operations answer when they are done; "queued" leaves it open
            raise unreadable(answer.reply, answer.body, operation.name, writes=True)

    def _batch(
        self, operation: Operation, bodies: Sequence[Outbound], params: dict[str, str] | None = None
    ) -> Accepted:
        if not bodies:
            raise ValueError(f"{operation.name} needs at least one object.")
        return _accepted(self._transport.write(operation, [body.payload() for body in bodies], params))


def _is_queued(answer: Answer) -> bool:
    return answer.reply.status == 202 or str(answer.object().get("status", "")).lower() == "pending"


def _accepted(answer: Answer) -> Accepted:
    request_id = answer.object().get("requestId")
    if not isinstance(request_id, str | int) or not str(request_id):
        raise unreadable(answer.reply, answer.body, answer.operation.name, writes=True)
    return Accepted(request_id=str(request_id))


def _flag(value: bool) -> str:
    return "true" if value else "false"
