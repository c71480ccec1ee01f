from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Ties the packages together: settings, addresses, health checks, roles, demo."""

    name = "config"
    verbose_name = "OrderBridge"

    def ready(self) -> None:
        """Keep the roles' permissions in step with the table of ``roles.py``."""
        from .roles import keep_roles  # noqa: PLC0415 - after Django's own receiver, which makes the permissions

        keep_roles()
