"""The flows of the inventory package, and the kind of delivery that they carry out."""

from .. import stock_updates  # noqa: F401 (announces the kind)
from . import sync_inventory  # noqa: F401
