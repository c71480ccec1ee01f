from django.apps import AppConfig
from django.db import connection
from django.utils.translation import gettext_lazy as _


class IntegrationsConfig(AppConfig):
    """Infrastructure: vendor clients, limits, the delivery engine, flows. Knows no business rule."""

    name = "integrations"
    verbose_name = _("Flows and vendor calls")

    def ready(self) -> None:
        """PostgreSQL gets its arrays faster."""
        if connection.vendor == "postgresql":
            from .quick_arrays import use_quick_arrays  # noqa: PLC0415 - psycopg only where it is used

            use_quick_arrays()
