from django.apps import AppConfig
from django.db import connection
from django.utils.translation import gettext_lazy as _


class IntegrationsConfig(AppConfig):
    """Infrastructure: vendor clients, limits, the delivery engine, flows. Knows no business rule."""

    name = "integrations"
    verbose_name = _("Flows and vendor calls")

    def ready(self) -> None:
        """PostgreSQL gets its arrays and lists, and gives its times, faster."""
        if connection.vendor == "postgresql":  # psycopg only where it is used
            from .quick_arrays import use_quick_arrays  # noqa: PLC0415
            from .quick_lists import use_quick_lists  # noqa: PLC0415
            from .quick_times import use_quick_times  # noqa: PLC0415

            use_quick_arrays()
            use_quick_lists()
            use_quick_times()
