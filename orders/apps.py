from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    """Business: orders, ERP orders, packages and what we owe to both vendors for them."""

    name = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        """Announce this package's flows, kinds of delivery and words for reasons (alerts say them, too)."""
        # Models must be loaded first.
        from . import (  # noqa: PLC0415
            bulk_actions,  # noqa: F401
            deadline_alerts,  # noqa: F401
            exports,  # noqa: F401
            flow_runs,  # noqa: F401
            flows,  # noqa: F401
            reservations,  # noqa: F401
            retention,  # noqa: F401
        )
        from .admin import reason_words  # noqa: F401, PLC0415
