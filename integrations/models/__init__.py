"""Tables of the infrastructure."""

from .alerts import TOLD_WHEN_OVER, Alert, AlertKind, AlertNotice, AlertRule, Channel
from .api import ApiRequest, ApiScope, ApiToken
from .bulk import BulkResult, BulkRow, BulkRun, BulkStatus, Export
from .calls import ApiCall, Attempt, AttemptAction, Vendor
from .causes import Cause
from .flows import Flow, FlowRun, Heartbeat, RunStatus
from .limits import BatchSize, RateLimit, Slot, VendorToken, token_account
from .lingxing_lists import LingXingEntry, LingXingList, ListName
from .outages import VendorOutage
from .retention import RetentionMark
from .shadow import ShadowCall
from .staff import StaffPreference
from .stops import VendorStop

__all__ = [
    "TOLD_WHEN_OVER",
    "Alert",
    "AlertKind",
    "AlertNotice",
    "AlertRule",
    "ApiCall",
    "ApiRequest",
    "ApiScope",
    "ApiToken",
    "Attempt",
    "AttemptAction",
    "BatchSize",
    "BulkResult",
    "BulkRow",
    "BulkRun",
    "BulkStatus",
    "Cause",
    "Channel",
    "Export",
    "Flow",
    "FlowRun",
    "Heartbeat",
    "LingXingEntry",
    "LingXingList",
    "ListName",
    "RateLimit",
    "RetentionMark",
    "RunStatus",
    "ShadowCall",
    "Slot",
    "StaffPreference",
    "Vendor",
    "VendorOutage",
    "VendorStop",
    "VendorToken",
    "token_account",
]
