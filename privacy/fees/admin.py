"""The officer's deeds about costs, below the request's page; imported by ``privacy.admin``."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import site
from portal.permissions import Permission
from privacy.fees.views import staff

_HANDLE = Permission.REQUESTS_HANDLE
site.page("privacy/<uuid:request_id>/cost/", staff.name_cost, _HANDLE, name="fee_name", title=_("Name the cost"))
site.page("privacy/<uuid:request_id>/check/", staff.paid_by_post, _HANDLE, name="fee_check", title=_("Paid by check"))
