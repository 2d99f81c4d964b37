"""The officer's deeds for printed copies, below the request's page; imported by ``privacy.admin``."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import site
from portal.permissions import Permission
from privacy.copies.views import staff

_HANDLE = Permission.REQUESTS_HANDLE
site.page("privacy/<uuid:request_id>/print/", staff.prepare, _HANDLE, name="copy_prepare", title=_("Make the copy"))
site.page("privacy/<uuid:request_id>/fee/", staff.quote, _HANDLE, name="copy_quote", title=_("Name the cost"))
