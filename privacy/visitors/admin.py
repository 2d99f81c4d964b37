"""The owner's page about visits in the clinic's admin."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import Group, site
from portal.permissions import Permission
from privacy.visitors.views import staff

site.page(
    "visits/", staff.desk, Permission.REPORTS_VIEW, name="visits", title=_("Visits of the site"),
    menu=_("Visits of the site"), hint=_("Which pages are read, for how long, in which browsers; nobody can be told"),
    group=Group.NUMBERS,
)
site.page("visits/file/", staff.file, Permission.REPORTS_VIEW, name="visits_file", title=_("File"))
