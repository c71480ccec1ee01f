"""The admin of orders, what is owed for them, their mappings and policies."""

from . import deliveries, erp, inbox, mappings, orders, policies, releasing, shadow

__all__ = ["deliveries", "erp", "inbox", "mappings", "orders", "policies", "releasing", "shadow"]
