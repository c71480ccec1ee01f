"""The knobs of the sandbox."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class SandboxOptions:
    """How the stand-ins behave. Every value may be changed while the sandbox runs.

    All durations are seconds of the sandbox's clock, except the latencies, which are slept for real.
    """

    seed: int = 1
    """Makes invented names, extra attributes and the chances of faults the same in every run."""
    latency_seconds: float = 0
    """Added to every call; the two below replace it for one vendor."""
    dsco_latency_seconds: float | None = None
    lingxing_latency_seconds: float | None = None
    visibility_delay_seconds: float = 0
    """Reads of DSCO orders and invoices, and of LingXing's order and outbound lists, lag this long behind writes."""
    async_seconds: float = 0.2
    """DSCO's asynchronous requests stay PROCESSING this long; their effects are applied afterwards."""
    audit_after_seconds: float | None = None
    """LingXing moves an order from status 4 to 5 by itself after this long."""
    ship_after_seconds: float | None = None
    """LingXing ships an audited order by itself after this long (status 6, outbound order status 3 with tracking
    number).
    """
    enforce_limits: bool = True
    """Answer 429 or 3001008 beyond the documented rates and capacities."""
    limit_scale: float = 1
    """The documented rates are this many times higher, and an abandoned slot is given back this many times sooner."""
    new_order_every_seconds: float | None = None
    """New DSCO orders arrive by themselves, for the demo."""
    dsco_token_seconds: int = 3600
    lingxing_token_seconds: int = 7199
    most_rows_per_page: int | None = None
    """Lists give out at most so many rows per page, however many were asked for."""
    require_acknowledgement: bool = True
    """DSCO refuses the shipment of an order that was not acknowledged."""
    missing_invoice_is_404: bool = False
    """DSCO answers 404 instead of an empty list when no invoice has the number."""
    cancel_answers_202: bool = False
    """DSCO answers item cancellations with 202 and applies them later."""
    extra_attributes: bool = True
    """Attributes that no document knows appear in answers now and then."""
    order_bytes: int = 0
    """Invented orders carry so many attributes that they have at least this size as JSON."""
    troubles: bool = False
    """Start with the demo's cast of orders, each with one of the troubles that staff exist for."""

    def latency(self, vendor: str) -> float:
        """Seconds to wait before every answer of ``vendor``."""
        own = self.dsco_latency_seconds if vendor == "dsco" else self.lingxing_latency_seconds
        return self.latency_seconds if own is None else own
