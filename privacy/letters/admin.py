"""The desk of letters in the clinic's admin; imported by ``privacy.admin``."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import Group, site
from portal.context import Actor
from portal.permissions import Permission
from privacy.letters.selectors import waiting_count
from privacy.letters.views import staff

_HANDLE = Permission.REQUESTS_HANDLE


def _waiting(_actor: Actor) -> int:
    return waiting_count()


site.page(
    "letters/", staff.desk, _HANDLE, name="letters", title=_("Letters"), menu=_("Letters"),
    hint=_("Letters to print and post, and those that came back"), count=_waiting,
    group=Group.REQUESTS,
)
site.page("letters/batch/", staff.batch, _HANDLE, name="letters_batch", title=_("Print all"))
site.page("letters/posted/", staff.all_posted, _HANDLE, name="letters_posted", title=_("Posted"))
site.page("letters/<uuid:letter_id>/", staff.letter, _HANDLE, name="letter", title=_("Letter"))
site.page("letters/<uuid:letter_id>/file/", staff.letter_file, _HANDLE, name="letter_file", title=_("File"))
site.page("letters/<uuid:letter_id>/posted/", staff.posted, _HANDLE, name="letter_posted", title=_("Posted"))
site.page("letters/<uuid:letter_id>/returned/", staff.returned, _HANDLE, name="letter_returned", title=_("Came back"))
site.page("letters/<uuid:letter_id>/address/", staff.address, _HANDLE, name="letter_address", title=_("Address"))
site.page("letters/<uuid:letter_id>/settle/", staff.settle, _HANDLE, name="letter_settle", title=_("Seen to"))
site.page("letters/<uuid:letter_id>/again/", staff.again, _HANDLE, name="letter_again", title=_("Make again"))
