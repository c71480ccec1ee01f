"""A stand-in for LingXing ERP: its API as far as OrderBridge uses it, and the moves of its users and warehouses."""

from .answers import gateway_error
from .signing import signature
from .stand_in import LingXingStandIn

__all__ = ["LingXingStandIn", "gateway_error", "signature"]
