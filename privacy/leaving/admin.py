"""The officer's page for addresses of people who left."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import Group, site
from portal.permissions import Permission
from privacy.leaving import views

site.page(
    "privacy/left/", views.come_back_page, Permission.REQUESTS_HANDLE, name="privacy_come_back",
    title=_("Addresses we never write to"), menu=_("Who left"), hint=_("For somebody who wants mail again"),
    group=Group.REQUESTS,
)
