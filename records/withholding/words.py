"""What a page, a copy and an app say of parts that are left out, with the right to a second look (RULES 1.16)."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.withholding.selectors import Kept


def left_out(withheld: Iterable[Kept]) -> list[str]:
    """A sentence for each answer that keeps something back. What it keeps is not said here."""
    return [
        ngettext(
            "%(count)d part of this record is left out.", "%(count)d parts of this record are left out.", one.count
        )
        % {"count": one.count}
        + " "
        + _(
            "Our answer of %(day)s says why. You can have somebody who had no part in it look at it again: "
            "write to %(email)s or call %(phone)s."
        )
        % {
            "day": date_format(timezone.localtime(one.since), "F j, Y"), "email": settings.CLINIC_OFFICER_EMAIL,
            "phone": settings.CLINIC_PHONE,
        }
        for one in withheld
    ]
