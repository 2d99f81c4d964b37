"""What the staff are trained in, and until when it counts (P22, RULES 1.61).

Nothing is refused here to who is not trained: the roster shows it and reminders go out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.mails import training_ends
from portal.accounts.models import Course, TrainingRecord, User
from portal.accounts.selectors import staff_of
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.dates import due_on, today
from portal.errors import DomainError, NotVisible
from portal.permissions import STAFF_ROLES, Permission, Purpose, Role, require


@dataclass(frozen=True)
class Standing:
    """Where one person stands in one course. ``until`` None: never done."""

    course: Course
    until: dt.date | None

    @property
    def state(self) -> str:
        """``missing``, ``over``, ``ending`` (within ``TRAINING_REMIND_DAYS``) or ``current``."""
        if self.until is None:
            return "missing"
        if self.until < today():
            return "over"
        return "ending" if self.until <= due_on(today(), settings.TRAINING_REMIND_DAYS) else "current"


@dataclass(frozen=True)
class RosterLine:
    """One active member of the staff with every course of the list."""

    user: User
    standings: tuple[Standing, ...]

    @property
    def trained(self) -> bool:
        return all(one.state in ("current", "ending") for one in self.standings)


def training_record(*, by: Actor, account_id: UUID, course: Course | str, done_on: dt.date) -> TrainingRecord:
    """Write down that somebody of the staff has done a course; it counts for ``TRAINING_VALID_DAYS``.

    Raises ``DomainError``: ``not_staff``, ``day_to_come``, ``recorded_already``; ``NotAllowed``.
    """
    require(by, Permission.SAFEGUARDS_KEEP)
    assert by.account_id is not None, "who keeps the roster has an account"
    if done_on > today():
        raise DomainError("day_to_come", _("That day is still to come."), "done_on")
    if not User.objects.filter(pk=account_id, role__in=STAFF_ROLES, is_active=True).exists():
        raise DomainError("not_staff", _("Choose somebody of the staff."), "account_id")
    try:
        with transaction.atomic():
            row = TrainingRecord.objects.create(
                account_id=account_id, course=Course(course), done_on=done_on,
                valid_until=due_on(done_on, settings.TRAINING_VALID_DAYS), recorded_by=by.account_id,
            )
            _logged(by, Action.CREATE, row)
    except IntegrityError:
        raise DomainError("recorded_already", _("This is on the roster."), "course") from None
    return row


def training_withdraw(*, by: Actor, training_id: UUID) -> None:
    """It was entered by mistake: it counts no longer, and stays to be seen. Raises ``NotVisible``."""
    require(by, Permission.SAFEGUARDS_KEEP)
    with transaction.atomic():
        row = TrainingRecord.objects.select_for_update().filter(pk=training_id).first()
        if row is None:
            raise NotVisible
        if row.withdrawn_at is None:
            row.withdrawn_at, row.withdrawn_by = timezone.now(), by.account_id
            row.save(update_fields=["withdrawn_at", "withdrawn_by"])
            _logged(by, Action.WITHDRAW, row)


def roster() -> list[RosterLine]:
    """Every active member of the staff, by address; two queries."""
    users = User.objects.filter(role__in=STAFF_ROLES, is_active=True).defer("password").order_by("email")
    last = {(account_id, course): until for account_id, course, until in _last()}
    return [
        RosterLine(user, tuple(Standing(course, last.get((user.pk, course.value))) for course in Course))
        for user in users
    ]


def records_done(*, most: int = 50) -> list[TrainingRecord]:
    """What was written down last, the mistakes too."""
    return list(TrainingRecord.objects.order_by("-recorded_at")[:most])


def untrained() -> int:
    """How many of the staff lack a course that counts today."""
    return sum(not line.trained for line in roster())


def training_remind() -> int:
    """Tell people, and the officers, of courses that end soon: once a course, however often it runs."""
    told, officers = 0, staff_of(Role.OFFICER)
    for line in roster():
        for standing in line.standings:
            if standing.state == "ending" and standing.until is not None:
                with transaction.atomic():
                    training_ends(line.user.pk, standing.course, standing.until, officers=officers)
                told += 1
    return told


def _last() -> Sequence[tuple[UUID, str, dt.date]]:
    rows = TrainingRecord.objects.filter(withdrawn_at=None).values("account_id", "course").order_by()
    return list(rows.annotate(until=Max("valid_until")).values_list("account_id", "course", "until"))


def _logged(by: Actor, action: Action, row: TrainingRecord) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.OPERATIONS, subject_id=None, object_kind="accounts.training",
        object_id=row.pk, basis=f"course:{row.course}",
    )
