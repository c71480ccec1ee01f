"""The admin of orders, what is owed for them, their mappings and policies."""

from . import deliveries, differences, erp, inbox, mappings, orders, policies, reconciliations, releasing, shadow

__all__ = [
    "deliveries",
    "differences",
    "erp",
    "inbox",
    "mappings",
    "orders",
    "policies",
    "reconciliations",
    "releasing",
    "shadow",
]
