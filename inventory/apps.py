from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InventoryConfig(AppConfig):
    """Business: warehouses, SKU and warehouse mappings, stock levels and stock updates."""

    name = "inventory"
    verbose_name = _("Inventory")

    def ready(self) -> None:
        """Announce this package's flows and kinds of delivery."""
        from . import flows  # noqa: F401, PLC0415 (models must be loaded first)
