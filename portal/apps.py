from django.contrib.admin.apps import AdminConfig
from django.core import checks


class PortalAdminConfig(AdminConfig):
    """Django's admin with the clinic's own site behind ``admin.site``."""

    default_site = "portal.admin_site.PortalAdminSite"

    def ready(self) -> None:
        super().ready()
        from portal.checks import safe_to_start

        checks.register(safe_to_start)
