"""The control API: other processes play retailers, warehouse and fate over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from .faults import Fault
from .http import Answer, Effect, Request
from .options import SandboxOptions

if TYPE_CHECKING:
    from .sandbox import Sandbox

DSCO_ACTIONS = (
    "change_order",
    "request_cancel",
    "cancel_by_retailer",
    "add_item",
    "add_warehouse",
    "refuse_acknowledgement",
    "refuse_shipment",
    "refuse_invoice",
    "refuse_cancellation",
    "stop_refusing",
    "expire_tokens",
    "ship_in_portal",
    "acknowledge_in_portal",
    "remove_shipment",
    "invoice_in_portal",
    "change_invoice",
    "set_stock_in_portal",
    "lose_order",
)
SHOWN_MEMBERS = ("poNumber", "dscoStatus", "dscoLifecycle", "supplierOrderNumber")
LOGGED_CALLS_SHOWN = 500
OPTION_NAMES = {option.name for option in fields(SandboxOptions)}


class ControlApi:
    """Answers everything below /control. JSON in, JSON out; bad use is answered 400 with a reason."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._routes: dict[tuple[str, str], Callable[[dict[str, Any], Request], object]] = {
            ("GET", "/control/state"): self._state,
            ("GET", "/control/counts"): self._counts,
            ("GET", "/control/effects"): self._effects,
            ("GET", "/control/requests"): self._requests,
            ("GET", "/control/environment"): lambda body, request: self._sandbox.environment(),
            ("POST", "/control/orders"): self._add_orders,
            ("GET", "/control/faults"): lambda body, request: self._sandbox.faults.rows(),
            ("POST", "/control/faults"): self._add_faults,
            ("DELETE", "/control/faults"): self._clear_faults,
            ("POST", "/control/clock"): self._advance,
            ("POST", "/control/options"): self._set_options,
            ("POST", "/control/mappings"): self._mappings,
        }

    def health(self, request: Request) -> Answer:
        """The sandbox is up."""
        return Answer(200, {"status": "ok"})

    def answer(self, request: Request) -> Answer:
        """Carry out one control request."""
        try:
            body = request.json() if request.body else {}
            return Answer(200, _as_json(self._run(body, request)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return Answer(400, {"error": f"{type(error).__name__}: {error}"})

    def _run(self, body: Any, request: Request) -> object:
        route = self._routes.get((request.method, request.path))
        if route is not None:
            return route(body, request)
        parts = request.path.strip("/").split("/")
        if request.method == "POST" and len(parts) == 3:
            return self._act(parts[1], parts[2], body)
        raise ValueError(f"there is no {request.method} {request.path}")

    def _act(self, vendor: str, action: str, body: dict[str, Any]) -> object:
        if vendor == "dsco" and action in DSCO_ACTIONS:
            return {"result": _as_json(getattr(self._sandbox.dsco, action)(**body))}
        if vendor == "lingxing":
            return {"result": _as_json(self._sandbox.lingxing.move(action, body))}
        raise ValueError(f"{vendor} has no action {action}")

    def _state(self, body: object, request: Request) -> object:
        sandbox = self._sandbox
        return {
            "now": sandbox.clock.now(),
            "requests": {" ".join(name): count for name, count in sorted(sandbox.requests.items())},
            "violations": list(sandbox.violations),
            "faults": sandbox.faults.rows(),
            "options": asdict(sandbox.options),
            "dsco": {
                "orders": {
                    order_id: {name: order.get(name) for name in SHOWN_MEMBERS}
                    for order_id, order in list(sandbox.dsco.orders.items())
                },
                "invoices": {number: invoice["dscoOrderId"] for number, invoice in list(sandbox.dsco.invoices.items())},
                "effects": _counts(sandbox.dsco.effects),
                "duplicates": sandbox.dsco.duplicates(),
            },
            "lingxing": {
                **sandbox.lingxing.state(),
                "effects": _counts(sandbox.lingxing.effects),
            },
        }

    def _counts(self, body: object, request: Request) -> object:
        """What the state says of calls, without its orders: small however much the sandbox holds."""
        by_operation = {" ".join(name): count for name, count in sorted(self._sandbox.requests.items())}
        return {
            "requests": sum(by_operation.values()),
            "by_operation": by_operation,
            "violations": list(self._sandbox.violations),
        }

    def _effects(self, body: object, request: Request) -> object:
        vendors = {"dsco": self._sandbox.dsco.effects, "lingxing": self._sandbox.lingxing.effects}
        kind, key = request.one("kind"), request.one("key")
        return [
            {"vendor": vendor, **effect.row()}
            for vendor, effects in vendors.items()
            if request.one("vendor") in ("", vendor)
            for effect in list(effects)
            if kind in ("", effect.kind) and key in ("", effect.key)
        ]

    def _requests(self, body: object, request: Request) -> object:
        calls = list(self._sandbox.request_log)[-LOGGED_CALLS_SHOWN:]
        return [{**asdict(call), "body": call.body.decode("utf-8", "replace")} for call in calls]

    def _add_orders(self, body: dict[str, Any], request: Request) -> object:
        count = int(body.pop("count", 1))
        return self._sandbox.dsco.add_orders(count, **body)

    def _add_faults(self, body: Any, request: Request) -> object:
        for one in body if isinstance(body, list) else [body]:
            self._sandbox.faults.add(Fault(**one))
        return self._sandbox.faults.rows()

    def _clear_faults(self, body: object, request: Request) -> object:
        self._sandbox.faults.clear()
        return []

    def _advance(self, body: dict[str, Any], request: Request) -> object:
        self._sandbox.clock.advance(float(body["advance"]))
        return {"now": self._sandbox.clock.now()}

    def _set_options(self, body: dict[str, Any], request: Request) -> object:
        unknown = set(body) - OPTION_NAMES
        if unknown:
            raise ValueError(f"unknown options {', '.join(sorted(unknown))}")
        for name, value in body.items():
            setattr(self._sandbox.options, name, value)
        return asdict(self._sandbox.options)

    def _mappings(self, body: dict[str, Any], request: Request) -> object:
        from .demo import connect  # noqa: PLC0415 (demo needs the sandbox)

        return connect(self._sandbox, **body)


def _counts(effects: list[Effect]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for effect in list(effects):
        counts[effect.kind] = counts.get(effect.kind, 0) + 1
    return counts


def _as_json(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _as_json(asdict(value))
    if isinstance(value, dict):
        return {str(key): _as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_as_json(inner) for inner in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
