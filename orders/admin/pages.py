"""Imports every module that registers pages."""

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
