"""The officer's list of records that may not be used."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import Group, site
from portal.context import Actor
from portal.permissions import Permission
from privacy.guardians import views
from records.freezing.selectors import running

_HANDLE = Permission.REQUESTS_HANDLE


def _frozen(_actor: Actor) -> int:
    return running().count()


site.page(
    "privacy/frozen/", views.frozen, _HANDLE, name="privacy_frozen", title=_("Frozen records"),
    menu=_("Frozen records"), hint=_("Records that may only be kept, after a parent spoke up"), count=_frozen,
    group=Group.REQUESTS,
)
site.page("privacy/frozen/<uuid:freeze_id>/lift/", views.lift, _HANDLE, name="privacy_lift", title=_("Use it again"))
