"""Examples of the answers about orders, for the description. A test holds them against the shapes."""

from __future__ import annotations

from typing import Any, Final

Example = dict[str, Any]

ORDER: Final[Example] = {
    "dsco_order_id": "9100000014", "po_number": "PO-7000014", "consumer_order_number": "C-000014",
    "supplier_order_number": "103664089112657016", "retailer_id": "1000041001", "retailer_name": "Northgate Home",
    "order_type": "Dropship", "test_order": False, "stage": "acknowledged", "held": False, "hold_reason": "",
    "held_by": "", "held_at": None, "dsco_status": "shipment_pending", "dsco_lifecycle": "acknowledged",
    "cancel_requested": False, "warehouse_code": "EAST", "service_level": "FEHD", "ship_carrier": "",
    "ship_method": "", "currency": "USD", "acknowledge_by": "2026-03-02T18:00:00Z", "ship_by": "2026-03-04T18:00:00Z",
    "invoice_by": "2026-03-20T18:00:00Z", "cancel_after": None, "dsco_created_at": "2026-03-01T08:00:00Z",
    "dsco_updated_at": "2026-03-01T08:21:00Z", "first_seen_at": "2026-03-01T08:01:00Z",
    "read_at": "2026-03-01T08:21:30Z", "problem": "",
    "steps": {
        "erp_push": "succeeded", "acknowledgement": "succeeded", "shipment": "needs_attention", "invoice": "waiting",
    },
}  # fmt: skip

ORDERS: Final[Example] = {"results": [ORDER], "next_cursor": "WyIyMDI2LTAzLTAxVDA4OjAxOjAwKzAwOjAwIiwxNF0"}

STANDING: Final[Example] = {
    "dsco_order_id": "9100000014", "po_number": "PO-7000014", "retailer_id": "1000041001", "stage": "acknowledged",
    "stage_name": "Acknowledged", "held": False, "hold_reason": "",
    "dsco": {
        "status": "shipment_pending", "lifecycle": "acknowledged", "cancel_requested": False, "tracking_numbers": [],
        "updated_at": "2026-03-01T08:21:00Z",
    },
    "lingxing": {
        "furthest": {"status": 6, "status_name": "Shipped in LingXing"},
        "parts": [{
            "erp_order_number": "103664089112657016", "status": 6, "status_name": "Shipped in LingXing",
            "deleted": False,
            "packages": [{
                "outbound_order": "WO103000014", "tracking_number": "1Z999AA10123456784", "shipped": True,
                "shipped_at": "2026-03-02T09:12:00Z",
            }],
        }],
        "reshipments": [],
    },
    "waits": [{
        "kind": "shipment", "id": 14, "status": "needs_attention", "code": "several_packages",
        "why": "The order left in 2 packages.",
        "what_to_do": ["Put the packages together and confirm them."], "next_attempt_at": None,
    }],
    "cancellations": [], "returns": [],
}  # fmt: skip

STANDINGS: Final[Example] = {"results": [STANDING]}
DONE: Final[Example] = {"order": STANDING, "flow_started": "report_shipments"}

CAUSES: Final[Example] = {
    "results": [{
        "id": 7, "kind": "erp_push", "vendor": "lingxing", "code": "unmapped_sku", "title": "SKU mapping missing",
        "meaning": "A line's SKU has no SKU mapping, so nobody knows which LingXing product it is. Nothing was sent.",
        "what_to_do": ["Add the missing mapping below, or import a file under Mappings."],
        "message": "SKU # has no SKU mapping.", "open": 4, "verifying": 0, "first_seen_at": "2026-03-01T08:02:00Z",
        "opened_at": "2026-03-01T08:02:00Z", "last_seen_at": "2026-03-01T08:21:00Z",
        "oldest_deadline": "2026-03-04T18:00:00Z", "closed_at": None, "assigned_to": None, "note": "",
    }],
    "next_cursor": None,
}  # fmt: skip

EVENTS: Final[Example] = {
    "results": [{
        "at": "2026-03-01T08:02:00Z", "source": "delivery", "kind": "erp_push", "action": "send",
        "dsco_order_id": "9100000014", "delivery_id": 14, "delivery_key": "erp_push:9100000014",
        "outcome": "succeeded", "error_code": "", "text": "", "actor": "",
    }],
    "cursor": "WzE0LDNd", "more": False,
}  # fmt: skip

ANSWERED: Final[Example] = {
    "dsco_order_id": "9100000014", "answer": "asked", "meaning": "LingXing has it and is asked to stop it",
    "held": False,
    "pause": {
        "code": "CXSC", "reason": "The customer has changed his mind", "asked_by": "shop",
        "asked_at": "2026-03-01T08:30:00Z", "erp_asked": True, "outcome": "open", "ended_at": None, "result": "",
    },
    "parts": [{"erp_order_number": "103664089112657016", "answer": "asked"}],
    "actions": [
        {"key": "cancellation:9100000014:erp", "status": "due", "last_error": ""},
        {"key": "cancellation:9100000014:dsco", "status": "waiting", "last_error": ""},
    ],
}  # fmt: skip

SETTLED: Final[Example] = {
    "changed": 3, "refused": [{"key": "erp_push:9100000015", "state": "Succeeded"}], "left": 0,
}  # fmt: skip

SHIPPED: Final[Example] = {
    "dsco_order_id": "9100000014", "complete": False,
    "lines": [
        {"position": 0, "sku": "HP-LAMP-01", "ordered": 3, "cancelled": 0, "shipped": 2, "packed": 3, "reported": 0},
    ],
}  # fmt: skip

CHANGE: Final[Example] = {
    "id": 12, "reported": {"tracking": ["1Z999AA10123456784"], "carrier": "UPS", "method": "Ground"},
    "now": {"tracking": ["9400100000000000000000"], "carrier": "USPS", "method": "Priority", "reason": "Handed over"},
    "first_seen_at": "2026-03-03T10:00:00Z", "closed_at": None, "closed_by": "", "result": "",
}  # fmt: skip

INVOICE: Final[Example] = {
    "dsco_order_id": "9100000014", "status": "succeeded", "issued": True, "invoice_number": "INV-2026-00017",
    "total": None, "finished_at": "2026-03-05T10:00:00Z",
    "documents": [{
        "name": "INV-2026-00017.pdf", "url": "https://files.example.com/INV-2026-00017.pdf", "added_by": "finance",
        "added_at": "2026-03-05T10:00:00Z",
    }],
}  # fmt: skip

REPORTED: Final[Example] = {
    "dry_run": True,
    "call": [{
        "trackingNumber": "1Z999AA10123456784", "shipCarrier": "UPS", "shipMethod": "Ground",
        "lineItems": [{"lineNumber": 1, "sku": "HP-LAMP-01", "quantity": 1, "packageSpanFlag": True}],
    }],
    "remarks": [], "waits": None, "order": None, "flow_started": None,
}  # fmt: skip
