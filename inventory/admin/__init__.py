"""The admin of warehouses, SKUs and stock."""

from . import mappings, stock

__all__ = ["mappings", "stock"]
