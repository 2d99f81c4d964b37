"""The mails of a consult, one function each. None says what a consult is about (P24).

A function queues its mail in the caller's transaction; the words are made when it is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from consults.models import Consult
from consults.state import ConsultState
from portal.accounts.selectors import staff_of
from portal.outbox.letters import Letter
from portal.outbox.models import Category
from portal.outbox.registry import Mail, MailContext, Rendered, Text, register
from portal.outbox.services import mail_queue
from portal.permissions import Role
from records.access import accounts_of

TO_PATIENT = "consults:consult"
TO_DESK = "admin:consults_case"


def received(consult: Consult) -> None:
    """Paid and in the queue: by when there is an answer, and where the notice stands (P53)."""
    _to_patient("consults.received", consult)


def question(consult: Consult, message_id: UUID) -> None:
    """A clinician asked something."""
    _to_patient("consults.question", consult, about=message_id)


def message_for_patient(consult: Consult, message_id: UUID) -> None:
    """Somebody of the clinic wrote."""
    _to_patient("consults.message", consult, about=message_id)


def plan_ready(consult: Consult) -> None:
    """The answer is signed."""
    _to_patient("consults.plan_ready", consult)


def declined(consult: Consult) -> None:
    """We cannot help online; the reason stands in the thread, the money goes back."""
    _to_patient("consults.declined", consult)


def withdrawn(consult: Consult) -> None:
    """The patient took it back."""
    _to_patient("consults.withdrawn", consult)


def closed(consult: Consult) -> None:
    """Closed by itself after a quiet time."""
    _to_patient("consults.closed", consult)


def expired(consult: Consult) -> None:
    """An unsent consult ran out, and what was in it is removed."""
    _queue("consults.expired", consult, consult.account_id, f"consults.expired:{consult.pk}")


def reminder(consult: Consult) -> None:
    """A draft, a payment or a question waits for the patient."""
    _queue(f"consults.reminder_{consult.state}", consult, consult.account_id, reminder_key(consult))


def reminder_key(consult: Consult) -> str:
    """One reminder of a draft and of a payment; one of each question that waits."""
    spell = f":{consult.changed_at:%Y%m%d%H%M}" if consult.state == ConsultState.NEEDS_INFORMATION else ""
    return f"consults.reminder:{consult.state}:{consult.pk}{spell}"


def case_waiting(consult: Consult) -> None:
    """Tell every clinician that a case waits."""
    for account_id in staff_of(Role.CLINICIAN):
        _queue("consults.case_waiting", consult, account_id, f"consults.case_waiting:{consult.pk}:{account_id}")


def message_for_clinician(consult: Consult, message_id: UUID) -> None:
    """Tell the clinician who has the case that the patient wrote; before it is taken, nobody has."""
    if consult.assigned_to is not None:
        _queue("consults.patient_wrote", consult, consult.assigned_to, f"consults.patient_wrote:{message_id}")


def overdue(consult: Consult) -> None:
    """The promised time has passed: whoever has the case hears it, or all clinicians."""
    told = [consult.assigned_to] if consult.assigned_to else staff_of(Role.CLINICIAN)
    for place, account_id in enumerate(told):
        key = overdue_key(consult)
        _queue("consults.overdue", consult, account_id, f"{key}:{account_id}" if place else key)


def overdue_key(consult: Consult) -> str:
    return f"consults.overdue:{consult.pk}"


def _to_patient(kind: str, consult: Consult, *, about: UUID | None = None) -> None:
    """To everybody who uses the portal for this patient, one by one (fault 97)."""
    for account_id in accounts_of(consult.patient_id):
        _queue(kind, consult, account_id, f"{kind}:{about or consult.pk}:{account_id}")


def _queue(kind: str, consult: Consult, account_id: UUID, once_key: str) -> None:
    mail_queue(
        kind=kind, account_id=account_id, once_key=once_key, refs={"consult_id": str(consult.pk)},
        subject_id=consult.patient_id,
    )


def _words(name: str, target: str = TO_PATIENT) -> Callable[[MailContext], Rendered]:
    letter = Letter(f"consults/mail/{name}", ("link", "clinic", "hours", "notice_link"))

    def render(context: MailContext) -> Rendered:
        args = [context.refs["consult_id"]] if target != "consults:home" else []
        values: dict[str, Any] = {
            "link": settings.SITE_URL + reverse(target, args=args),
            "clinic": settings.CLINIC_NAME,
            "hours": settings.CLINIC_REPLY_HOURS,
            "notice_link": settings.SITE_URL + reverse("pages:policy", args=["notice-of-privacy-practices"]),
        }
        return letter.render(**values)

    return render


_KINDS: tuple[tuple[str, Text, str], ...] = (
    ("received", _("%(clinic)s has your consult"), TO_PATIENT),
    ("question", _("%(clinic)s has a question for you"), TO_PATIENT),
    ("message", _("A message from %(clinic)s"), TO_PATIENT),
    ("plan_ready", _("Your answer from %(clinic)s is ready"), TO_PATIENT),
    ("declined", _("News from %(clinic)s"), TO_PATIENT),
    ("withdrawn", _("You took back your consult at %(clinic)s"), TO_PATIENT),
    ("closed", _("Your consult at %(clinic)s is finished"), TO_PATIENT),
    ("expired", _("What you began at %(clinic)s has run out"), "consults:home"),
    ("reminder_draft", _("You can go on where you stopped"), TO_PATIENT),
    ("reminder_awaiting_payment", _("One step is left at %(clinic)s"), TO_PATIENT),
    ("reminder_needs_information", _("%(clinic)s waits for your answer"), TO_PATIENT),
    ("case_waiting", _("A new consult is waiting"), TO_DESK),
    ("patient_wrote", _("A patient wrote to you"), TO_DESK),
    ("overdue", _("A consult is past its time"), TO_DESK),
)


def register_mails() -> None:
    """Make the outbox know these mails; called at start."""
    for name, subject, target in _KINDS:
        register(
            Mail(
                kind=f"consults.{name}", category=Category.OPERATIONAL, subject=subject, render=_words(name, target),
                care=True,
            )
        )
