"""Reading the register of companies; what the portal's programs ask before they hand anything over."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from portal.dates import due_on, today
from privacy.vendors.models import Vendor, VendorImport

SOON_DAYS = 60


@dataclass(frozen=True, slots=True)
class Use:
    """A company that this installation's settings hand something to. ``sees``: health information, or none."""

    code: str
    what: str
    sees: bool


def vendor_allowed(code: str, *, on: dt.date | None = None) -> bool:
    """True when this company may get health information on that day: an agreement is in force (RULES 1.62).

    A company that is not in the register may not.
    """
    return Vendor.objects.filter(in_force(on or today()), code=code).exists()


def in_force(day: dt.date) -> Q:
    """The condition under which an agreement counts."""
    return Q(ended_at=None, agreed_on__lte=day) & (Q(ends_on=None) | Q(ends_on__gte=day))


def vendors() -> QuerySet[Vendor]:
    """All companies, those we work with first."""
    return Vendor.objects.defer("contact").order_by("ended_at", "name")


def imports_of(vendor: Vendor) -> QuerySet[VendorImport]:
    """Lists that this company sent, the newest first."""
    return VendorImport.objects.filter(vendor=vendor)


def needs_care() -> int:
    """How many companies have no agreement in force, or one that ends soon."""
    return sum(bool(trouble_of(row)) for row in vendors().filter(ended_at=None)) + len(unregistered())


def trouble_of(row: Vendor) -> str:
    """What is wrong with a company's agreement, in words; empty where nothing is."""
    day = today()
    if row.ended_at is not None or not row.sees_records:
        return ""
    if row.agreed_on is None or row.agreed_on > day:
        return _("No agreement is in force: it must not get health information.")
    if row.ends_on is not None and row.ends_on < day:
        return _("The agreement has ended: it must not get health information.")
    if row.ends_on is not None and row.ends_on <= due_on(day, SOON_DAYS):
        return _("The agreement ends soon.")
    return ""


def in_use() -> list[Use]:
    """Companies that the settings of this installation name; see docs/decisions/0183."""
    found = [Use("square", _("takes payments, and gets nothing of a record"), False)]
    if settings.LOCKBOX_S3_BUCKET:
        found.append(Use("archive-store", _("keeps the sealed archive"), True))
    if settings.PRODUCTION:
        found.append(Use("mail", _("carries mails: it sees who is a patient here"), True))
    return found


def unregistered() -> list[Use]:
    """Companies in use that the register does not allow."""
    return [use for use in in_use() if use.sees and not vendor_allowed(use.code)]
