"""LingXing ERP: the vendor's rules stop at this package's border."""

from .client import LingXingClient

__all__ = ["LingXingClient"]
