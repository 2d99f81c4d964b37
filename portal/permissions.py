"""Who may do what, in one table. Deny by default; being a superuser opens nothing clinical.

A permission says that a role may use a *verb*. Whether a person may use it on *this* patient
is ``records.access``'s answer, and both are asked.
"""

from __future__ import annotations

from typing import Protocol

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.errors import NotAllowed


class Role(models.TextChoices):
    """What an account is in the clinic. One account has one role."""

    PATIENT = "patient", _("Patient")
    GUARDIAN = "guardian", _("Parent or guardian")
    CLINICIAN = "clinician", _("Clinician")
    OFFICER = "officer", _("Compliance officer")
    SUPPORT = "support", _("Support")
    OWNER = "owner", _("Clinic owner")
    SYSTEM = "system", _("The portal itself")
    ANONYMOUS = "anonymous", _("Visitor")


STAFF_ROLES = frozenset({Role.CLINICIAN, Role.OFFICER, Role.SUPPORT, Role.OWNER})
ACCOUNT_ROLES = STAFF_ROLES | {Role.PATIENT, Role.GUARDIAN}


class Purpose(models.TextChoices):
    """The closed list of P11: why health information is used or given away. Nothing else is."""

    CARE = "care", _("Your care")
    OPERATIONS = "operations", _("Running and improving the clinic")
    COMMUNICATING = "communicating", _("Writing to you")
    TAILORING = "tailoring", _("Fitting the service to your choices")
    SUPPORT = "support", _("Helping you with a problem")
    MARKETING = "marketing", _("Marketing that you allowed")
    ABUSE = "abuse", _("Looking into misuse")
    LEGAL_PROCESS = "legal_process", _("A legal order")
    MERGER = "merger", _("A merger or sale of the clinic")
    SAFETY = "safety", _("Someone's safety")
    LEGAL_DUTY = "legal_duty", _("A duty set by law")


class Permission(models.TextChoices):
    """A verb of the product."""

    RECORD_OWN = "record.own", _("Use one's own record")
    CONSULT_START = "consult.start", _("Start a consult")
    PAY = "billing.pay", _("Pay for an order")
    ADMIN_ENTER = "admin.enter", _("Enter the admin")
    QUEUE_VIEW = "queue.view", _("See the queue of waiting consults")
    CASE_REVIEW = "case.review", _("Review and answer a consult")
    RECORD_OPEN = "record.open", _("Open a patient's record, where a grant allows it")
    BREAK_GLASS = "record.break_glass", _("Open a record in an emergency")
    PATIENTS_FIND = "patients.find", _("Look for a patient")
    RECORDS_MERGE = "records.merge", _("Make two records of one person one")
    REVIEW_DENIALS = "denials.review", _("Look again at what was refused")
    REQUESTS_HANDLE = "requests.handle", _("Handle privacy requests")
    REPORTS_ENTER = "reports.enter", _("Enter a report that came by mail or phone")
    ACCOUNTS_SUSPEND = "accounts.suspend", _("Stop a sign-in or a device that is misused")
    ARCHIVE_VIEW = "archive.view", _("See archive copies and evidence")
    AUDIT_VIEW = "audit.view", _("See the access log")
    MAIL_VIEW = "mail.view", _("See outgoing mail without its content")
    MAIL_RESEND = "mail.resend", _("Send a stuck mail again")
    ACCOUNTS_VIEW = "accounts.view", _("See account state without health information")
    ACCOUNTS_REOPEN = "accounts.reopen", _("Open a closed sign-in again")
    ACCOUNTS_MANAGE = "accounts.manage", _("Create and change staff accounts")
    PAYMENTS_VIEW = "payments.view", _("See orders and payments")
    REFUND = "payments.refund", _("Give money back")
    JOBS_VIEW = "jobs.view", _("See long-running work")
    HEALTH_VIEW = "health.view", _("See which stored values cannot be read")
    SAFEGUARDS_KEEP = "safeguards.keep", _("Keep risk analyses, sanctions and the training roster")
    REPORTS_VIEW = "reports.view", _("See numbers without names")


_P = Permission
ROLE_TABLE: dict[Role, frozenset[Permission]] = {
    Role.PATIENT: frozenset({_P.RECORD_OWN, _P.CONSULT_START, _P.PAY}),
    Role.GUARDIAN: frozenset({_P.RECORD_OWN, _P.PAY}),
    Role.CLINICIAN: frozenset(
        {
            _P.ADMIN_ENTER, _P.QUEUE_VIEW, _P.CASE_REVIEW, _P.RECORD_OPEN, _P.BREAK_GLASS, _P.PATIENTS_FIND,
            _P.REVIEW_DENIALS,
            _P.REPORTS_ENTER,
        }
    ),
    Role.OFFICER: frozenset(
        {
            _P.ADMIN_ENTER, _P.REQUESTS_HANDLE, _P.ARCHIVE_VIEW, _P.AUDIT_VIEW, _P.MAIL_VIEW,
            _P.RECORD_OPEN, _P.PATIENTS_FIND, _P.RECORDS_MERGE, _P.HEALTH_VIEW,
            _P.REPORTS_ENTER, _P.ACCOUNTS_SUSPEND, _P.SAFEGUARDS_KEEP,
            _P.MAIL_RESEND, _P.ACCOUNTS_VIEW, _P.ACCOUNTS_REOPEN, _P.JOBS_VIEW, _P.PAYMENTS_VIEW, _P.REPORTS_VIEW,
        }
    ),
    Role.SUPPORT: frozenset(
        {
            _P.ADMIN_ENTER, _P.ACCOUNTS_VIEW, _P.ACCOUNTS_REOPEN, _P.MAIL_VIEW, _P.MAIL_RESEND, _P.PAYMENTS_VIEW,
            _P.HEALTH_VIEW, _P.REPORTS_ENTER,
        }
    ),
    Role.OWNER: frozenset(
        {
            _P.ADMIN_ENTER, _P.ACCOUNTS_VIEW, _P.ACCOUNTS_REOPEN, _P.ACCOUNTS_MANAGE, _P.PAYMENTS_VIEW,
            _P.REFUND, _P.JOBS_VIEW, _P.REPORTS_VIEW, _P.SAFEGUARDS_KEEP,
        }
    ),
    Role.SYSTEM: frozenset(Permission),
    Role.ANONYMOUS: frozenset(),
}


class InARole(Protocol):
    """Whoever acts: ``portal.context.Actor``, which stands on this table."""

    @property
    def role(self) -> Role: ...


def allows(actor: InARole, permission: Permission) -> bool:
    """True when the actor's role may use this verb at all."""
    return permission in ROLE_TABLE.get(actor.role, frozenset())


def require(actor: InARole, permission: Permission) -> None:
    """Raise ``NotAllowed`` unless the actor's role may use this verb."""
    if not allows(actor, permission):
        raise NotAllowed(permission)
