from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    """Business: orders, ERP orders, packages and what we owe to both vendors for them."""

    name = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        """Announce this package's flows and kinds of delivery."""
        # Models must be loaded first.
        from . import bulk_actions, deadline_alerts, exports, flows, reservations, retention  # noqa: F401, PLC0415
