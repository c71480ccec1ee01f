"""Imports every module that registers pages."""

from . import mappings, stock

__all__ = ["mappings", "stock"]
