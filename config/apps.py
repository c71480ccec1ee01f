from django.apps import AppConfig, apps
from django.contrib.admin.apps import SimpleAdminConfig
from django.db.models.signals import post_save
from django.utils.translation import gettext_lazy


class ConfigConfig(AppConfig):
    """Ties the packages together: settings, addresses, health checks, roles, demo."""

    name = "config"
    verbose_name = "OrderBridge"

    def ready(self) -> None:
        """Keep the roles' permissions in step with the table of ``roles.py``; show an emergency stop at once."""
        from integrations.models import VendorStop  # noqa: PLC0415 - models are loaded by now
        from integrations.recent import look_at_the_machine_again  # noqa: PLC0415

        from .retention import register_chores  # noqa: PLC0415
        from .roles import keep_roles  # noqa: PLC0415 - after Django's own receiver, which makes the permissions

        keep_roles()
        register_chores()
        apps.get_app_config("django_q").verbose_name = gettext_lazy("Background jobs")  # its own label is one text
        post_save.connect(look_at_the_machine_again, sender=VendorStop, dispatch_uid="orderbridge_stop_seen")


class PagesConfig(SimpleAdminConfig):
    """Django's admin with our site. ``config/urls.py`` looks for the pages: commands start without them."""

    default_site = "config.admin_site.BackOffice"
