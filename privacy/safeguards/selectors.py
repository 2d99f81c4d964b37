"""Reading the safeguards: what is open, what is late, what is missing; and the desk of policies."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from portal.accounts.models import User
from portal.accounts.training import untrained
from portal.agreements.models import Agreement, PolicyKind, PolicyVersion
from portal.agreements.selectors import AT_SIGN_UP
from portal.audit.reviews import review_missing
from portal.dates import clinic_zone, due_on, today
from portal.permissions import STAFF_ROLES
from privacy.safeguards.addressable import ITEMS, Item
from privacy.safeguards.models import Binder, Decision, Risk, RiskAnalysis, RiskState, RiskStep, Sanction


def staff(*, stopped: bool = False) -> QuerySet[User]:
    """Active members of the staff, by address, without what is secret; ``stopped``: the others too."""
    people = User.objects.filter(role__in=STAFF_ROLES).defer("password").order_by("email")
    return people if stopped else people.filter(is_active=True)


def analyses() -> QuerySet[RiskAnalysis]:
    """All analyses, the newest first, with how many risks each has."""
    rows = RiskAnalysis.objects.annotate(count=Count("risks"))
    return rows.order_by(F("signed_at").desc(nulls_first=True))


def last_signed() -> RiskAnalysis | None:
    """The analysis that counts today."""
    return RiskAnalysis.objects.filter(signed_at__isnull=False).defer("scope").order_by("-signed_at").first()


def unsigned() -> RiskAnalysis | None:
    """The analysis that is being made, if one is."""
    return RiskAnalysis.objects.filter(signed_at=None).defer("scope").first()


def with_state(rows: QuerySet[Risk]) -> QuerySet[Any]:
    """Risks with ``state``, where each stands now; the heaviest first."""
    newest = RiskStep.objects.filter(risk=OuterRef("pk")).order_by("-number").values("state")[:1]
    return rows.annotate(state=Subquery(newest)).order_by(-(F("likelihood") * F("impact")), "due_on", "added_at")


def overdue(risk: Any) -> bool:
    """True for a risk that is open past its day; give it ``with_state``."""
    return bool(risk.state == RiskState.OPEN and risk.due_on < today())


def risks_overdue() -> int:
    """How many risks are open past their day, of the analysis that is being made, else of the last one."""
    current = unsigned() or last_signed()
    if current is None:
        return 0
    return with_state(Risk.objects.filter(analysis=current)).filter(state=RiskState.OPEN, due_on__lt=today()).count()


def analysis_due(*, on: dt.date | None = None) -> bool:
    """True where no signed analysis is younger than ``RISK_ANALYSIS_DAYS`` (RULES 2.8)."""
    last = last_signed()
    if last is None or last.signed_at is None:
        return True
    signed = last.signed_at.astimezone(clinic_zone()).date()
    return due_on(signed, settings.RISK_ANALYSIS_DAYS) < (on or today())


@dataclass(frozen=True)
class Answer:
    """An addressable item with the decision that counts; None: nothing was decided."""

    item: Item
    decision: Decision | None


def answers() -> list[Answer]:
    """Every item of the list; one query."""
    rows = {row.item: row for row in Decision.objects.order_by("item", "-number").distinct("item")}
    return [Answer(item, rows.get(item.code)) for item in ITEMS]


def unanswered() -> int:
    """How many items have no decision."""
    return len(ITEMS) - Decision.objects.order_by().values("item").distinct().count()


def sanctions() -> QuerySet[Sanction]:
    """The log, the newest first; what happened is opened by the page."""
    return Sanction.objects.all()


@dataclass(frozen=True)
class PolicyLine:
    """One version of one text. ``agreed``: active accounts of patients and guardians that agreed to it."""

    row: PolicyVersion
    current: bool
    until: dt.date | None
    agreed: int


@dataclass(frozen=True)
class PolicyText:
    """One text with all its versions, the newest first. ``active``: accounts that could have agreed."""

    kind: PolicyKind
    lines: tuple[PolicyLine, ...]
    active: int
    asked: bool

    @property
    def slug(self) -> str:
        """Its name in the address of the public page."""
        return self.kind.value.replace("_", "-")


def policy_texts() -> list[PolicyText]:
    """Every text and version with its dates; three queries (P03)."""
    active = User.objects.filter(is_active=True, closed_at=None).exclude(role__in=STAFF_ROLES)
    counts = dict(
        Agreement.objects.filter(account_id__in=active.values("pk"), withdrawal=None).order_by()
        .values_list("policy_id").annotate(n=Count("account_id", distinct=True))
    )
    people = active.count()
    by_kind: dict[str, list[PolicyVersion]] = {}
    for row in PolicyVersion.objects.order_by("kind", "-effective_on", "-published_at"):
        by_kind.setdefault(row.kind, []).append(row)
    return [
        PolicyText(kind, tuple(_lines(by_kind.get(kind.value, []), counts)), people, kind in AT_SIGN_UP)
        for kind in PolicyKind
    ]


def _lines(rows: list[PolicyVersion], counts: dict[UUID, int]) -> list[PolicyLine]:
    """Each with the day until which it held: the day on which the next one came into force."""
    current = next((row for row in rows if row.effective_on <= today()), None)
    ends = [None, *(row.effective_on for row in rows[:-1])]
    return [
        PolicyLine(row, row is current, end, counts.get(row.pk, 0)) for row, end in zip(rows, ends, strict=True)
    ]


def binders() -> QuerySet[Binder]:
    """Binders that can still be downloaded or are being made, the newest first."""
    return Binder.objects.filter(expires_at__gt=timezone.now()).defer("key")


def to_do() -> int:
    """How many things of the safeguards wait: what the menu counts."""
    return (review_missing() is not None) + analysis_due() + risks_overdue() + untrained()
