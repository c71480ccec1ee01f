from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntegrationsConfig(AppConfig):
    """Infrastructure: vendor clients, limits, the delivery engine, flows. Knows no business rule."""

    name = "integrations"
    verbose_name = _("Flows and vendor calls")
