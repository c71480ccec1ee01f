"""The stand-in for DSCO: a supplier's account with orders, a catalogue and warehouses."""

from __future__ import annotations

from .stand_in import DscoStandIn

__all__ = ["DscoStandIn"]
