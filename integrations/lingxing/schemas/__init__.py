"""What goes to LingXing and what comes back, typed."""

from .new_orders import CancelResult, CreateResult, NewErpLine, NewErpOrder
from .orders import ErpAddress, ErpOrderItem, ErpOrderRow
from .warehouse import (
    InventoryPage,
    InventoryRow,
    LogisticsTypeRow,
    OutboundOrderRow,
    OutboundProduct,
    PairRow,
    StoreRow,
    TokenData,
    WarehouseRow,
)

__all__ = [
    "CancelResult",
    "CreateResult",
    "ErpAddress",
    "ErpOrderItem",
    "ErpOrderRow",
    "InventoryPage",
    "InventoryRow",
    "LogisticsTypeRow",
    "NewErpLine",
    "NewErpOrder",
    "OutboundOrderRow",
    "OutboundProduct",
    "PairRow",
    "StoreRow",
    "TokenData",
    "WarehouseRow",
]
