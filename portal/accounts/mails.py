"""The mails about an account: codes, and notices that something about the sign-in changed."""

from __future__ import annotations

import datetime as dt
from functools import partial
from uuid import UUID

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import Course
from portal.context_processors import clinic_identity
from portal.dates import clinic_zone
from portal.outbox.letters import Letter
from portal.outbox.models import Category
from portal.outbox.registry import PRIORITY_CODE, PRIORITY_NORMAL, Mail, MailContext, Rendered, Text, register
from portal.outbox.services import mail_queue

CODES: dict[str, Text] = {
    "email_confirmation_signup": _("Your code for %(clinic)s"),
    "email_confirmation": _("Your code for %(clinic)s"),
    "password_reset_code": _("Your code for a new password"),
    "account_already_exists": _("You already have an account at %(clinic)s"),
}
NOTICES: dict[str, Text] = {
    "password_changed": _("Your password was changed"),
    "password_set": _("Your password was set"),
    "password_reset": _("Your password was changed"),
    "email_changed": _("Your sign-in address was changed"),
    "email_deleted": _("An address was removed from your account"),
    "totp_activated": _("A sign-in app was added to your account"),
    "totp_deactivated": _("A sign-in app was removed from your account"),
    "recovery_codes_generated": _("You have new recovery codes"),
    "webauthn_added": _("A passkey was added to your account"),
    "webauthn_removed": _("A passkey was removed from your account"),
    "closed": _("Your sign-in is closed"),
    "reopened": _("Your sign-in is open again"),
    "suspended": _("Your sign-in has been stopped"),
    "device_suspended": _("A device was signed out of your account"),
    "unsuspended": _("Your sign-in works again"),
    "merged_closed": _("One of your two sign-ins is closed"),
    "merged_kept": _("Your two records are one now"),
}


def _render(name: str, mail: MailContext) -> Rendered:
    """Words from ``accounts/mail/<name>.txt``; ``secret`` holds the code, the time and where from."""
    words = {**mail.secret, "clinic": clinic_identity(), "site_url": settings.SITE_URL}
    if "at" in mail.secret:
        moment = timezone.localtime(dt.datetime.fromisoformat(mail.secret["at"]), clinic_zone())
        words["at"] = f"{date_format(moment, 'F j, Y, P')} ({moment:%Z})"
    return Rendered(text=render_to_string(f"accounts/mail/{name}.txt", words))


TRAINING = Letter("accounts/mail/training_ends", ("course", "until", "officer"))
TRAINING_OF_STAFF = Letter("accounts/mail/training_of_staff", ("course", "until", "url"))


def training_ends(account_id: UUID, course: Course, until: dt.date, *, officers: list[UUID]) -> None:
    """A course counts until then only: to the person, and to each officer, once (P22)."""
    refs = {"course": course.value, "until": until.isoformat()}
    once = f"{account_id}:{course.value}:{until.isoformat()}"
    mail_queue(kind="account.training_ends", account_id=account_id, once_key=f"account.training_ends:{once}", refs=refs)
    for officer_id in officers:
        if officer_id != account_id:
            mail_queue(
                kind="account.training_of_staff", account_id=officer_id, refs=refs,
                once_key=f"account.training_of_staff:{once}:{officer_id}",
            )


def _training(mail: MailContext) -> dict[str, str]:
    until = dt.date.fromisoformat(mail.refs["until"])
    return {"course": str(Course(mail.refs["course"]).label), "until": date_format(until, "F j, Y")}


def _training_ends(mail: MailContext) -> Rendered:
    return TRAINING.render(**_training(mail), officer=settings.CLINIC_OFFICER_NAME)


def _training_of_staff(mail: MailContext) -> Rendered:
    return TRAINING_OF_STAFF.render(**_training(mail), url=settings.SITE_URL + reverse("admin:training"))


def register_all() -> None:
    """Called at start."""
    for names, priority in ((CODES, PRIORITY_CODE), (NOTICES, PRIORITY_NORMAL)):
        for name, subject in names.items():
            register(
                Mail(
                    kind=f"account.{name}",
                    category=Category.SECURITY,
                    subject=subject,
                    priority=priority,
                    render=partial(_render, name),
                )
            )
    for name, words, subject in (
        ("training_ends", _training_ends, _("Your training ends soon")),
        ("training_of_staff", _training_of_staff, _("Somebody’s training ends soon")),
    ):
        register(Mail(kind=f"account.{name}", category=Category.OPERATIONAL, subject=subject, render=words))
