from django.contrib.admin.apps import AdminConfig


class PortalAdminConfig(AdminConfig):
    """Django's admin with the clinic's own site behind ``admin.site``."""

    default_site = "portal.admin_site.PortalAdminSite"
