"""DSCO (Rithum): the supplier's side of its Platform API v3."""

from .client import DscoClient
from .errors import ScrollExpired

__all__ = ["DscoClient", "ScrollExpired"]
