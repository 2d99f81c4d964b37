"""Risk analyses, decisions on addressable items and sanctions: written once, signed, then never changed."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.dates import today, years_later
from portal.errors import DomainError, NotVisible
from portal.permissions import STAFF_ROLES, Permission, Purpose, require
from privacy.safeguards.addressable import BY_CODE
from privacy.safeguards.models import Choice, Decision, Measure, Risk, RiskAnalysis, RiskState, RiskStep, Sanction
from privacy.safeguards.selectors import last_signed, with_state
from records.vault.content import opened


def analysis_start(*, by: Actor, scope: str) -> RiskAnalysis:
    """Begin an analysis; the risks that the last one left open come along, each with its past.

    Raises ``DomainError``: ``scope_missing``; ``one_at_a_time`` while another is not signed.
    """
    require(by, Permission.SAFEGUARDS_KEEP)
    words = _said(scope, _("Write what the analysis looks at."), "scope")
    last = last_signed()
    try:
        with transaction.atomic():
            row = RiskAnalysis.objects.create(scope=words, made_on=today(), made_by=by.account, follows=last)
            for risk in with_state(Risk.objects.filter(analysis=last)) if last else ():
                if risk.state == RiskState.OPEN:
                    _carried(by, risk, row)
            _logged(by, Action.CREATE, row, "privacy.analysis")
    except IntegrityError:
        raise DomainError("one_at_a_time", _("Sign the analysis that is open before you begin another.")) from None
    return row


def risk_add(*, by: Actor, analysis_id: UUID, form_key: UUID, **values: Any) -> Risk:
    """Add a risk to an analysis that is not signed; ``values`` are columns of ``Risk``.

    The same ``form_key`` again gives the risk that is there. Raises ``DomainError``: ``analysis_signed``,
    ``title_missing``, ``what_missing``, ``measure_missing``, ``one_to_three``, ``not_staff``; ``NotVisible``.
    """
    require(by, Permission.SAFEGUARDS_KEEP)
    for name, message in (
        ("title", _("Give the risk a name.")), ("what", _("Write what could happen.")),
        ("measure", _("Write what is done against it.")),
    ):
        values[name] = _said(values[name], message, name)
    for name in ("likelihood", "impact"):
        if values[name] not in (1, 2, 3):
            raise DomainError("one_to_three", _("Choose 1, 2 or 3."), name)
    _staff(values["owner_id"], "owner_id")
    with transaction.atomic():
        analysis = _analysis_locked(analysis_id)
        there = Risk.objects.filter(form_key=form_key, analysis=analysis).first()
        if there is not None:
            return there
        risk = Risk.objects.create(analysis=analysis, form_key=form_key, **values)
        _step(by, risk, RiskState.OPEN, "")
        _logged(by, Action.CREATE, risk, "privacy.risk")
    return risk


def risk_step(*, by: Actor, risk_id: UUID, state: RiskState | str, words: str) -> RiskStep:
    """Say what became of a risk. To accept one takes a reason, to call it small what was done.

    The same said again right after it was said is one step: a button was pressed twice.
    Raises ``DomainError``: ``words_missing``, ``carried_on`` (a newer analysis holds it); ``NotVisible``.
    """
    require(by, Permission.SAFEGUARDS_KEEP)
    said = _said(words, _("Write what was done, or why the risk is accepted."), "words")
    with transaction.atomic():
        risk = Risk.objects.select_for_update(of=("self",)).filter(pk=risk_id).first()
        if risk is None:
            raise NotVisible
        if Risk.objects.filter(carried_from=risk).exists():
            raise DomainError("carried_on", _("A newer analysis holds this risk. Go on there."))
        last = risk.steps.last()
        if last is not None and (last.state, last.by_id) == (RiskState(state), by.account) and _same(last, said):
            return last
        step = _step(by, risk, RiskState(state), said)
        _logged(by, Action.CHANGE, risk, "privacy.risk")
    return step


def analysis_sign(*, by: Actor, analysis_id: UUID) -> RiskAnalysis:
    """Sign an analysis: from then on nobody changes it or its risks, and it is kept six years (RULES 1.58).

    Raises ``DomainError``: ``analysis_signed``, ``no_risks``; ``NotVisible``.
    """
    require(by, Permission.SAFEGUARDS_KEEP)
    with transaction.atomic():
        row = _analysis_locked(analysis_id)
        if not row.risks.exists():
            raise DomainError("no_risks", _("An analysis without a single risk cannot be signed."))
        row.signed_at, row.signed_by = timezone.now(), by.account
        row.keep_until = years_later(today(), settings.RISK_KEEP_YEARS)
        row.save(update_fields=["signed_at", "signed_by", "keep_until"])
        _logged(by, Action.SIGN, row, "privacy.analysis")
    return row


def decision_make(*, by: Actor, item: str, choice: Choice | str, reason: str, form_key: UUID) -> Decision:
    """Answer an addressable item; the newest answer counts, older ones stay (RULES 2.10).

    Raises ``NotVisible`` for what is on no list, ``DomainError`` ``reason_missing``.
    """
    require(by, Permission.SAFEGUARDS_KEEP)
    if item not in BY_CODE:
        raise NotVisible
    words = _said(reason, _("Write how it is done, what is done instead, or why not."), "reason")
    with transaction.atomic():
        row, new = Decision.objects.get_or_create(
            form_key=form_key,
            defaults={
                "item": item, "choice": Choice(choice), "reason": words, "decided_by": by.account,
                "decided_at": timezone.now(),
            },
        )
        if new:
            access_record(
                by=by, action=Action.CREATE, purpose=Purpose.OPERATIONS, subject_id=None,
                object_kind="privacy.decision", object_id=None, basis=f"item:{item}",
            )
    return row


def sanction_record(
    *, by: Actor, account_id: UUID, on: dt.date, what: str, measure: Measure | str, form_key: UUID
) -> Sanction:
    """Write down a sanction of one of the staff (RULES 1.61). Never changed; nobody decides about themselves.

    Raises ``DomainError``: ``not_staff``, ``oneself``, ``day_to_come``, ``what_missing``.
    """
    require(by, Permission.SAFEGUARDS_KEEP)
    words = _said(what, _("Write what happened."), "what")
    if on > today():
        raise DomainError("day_to_come", _("That day is still to come."), "on")
    if account_id == by.account:
        raise DomainError("oneself", _("Nobody decides about themselves: ask the clinic’s owner."), "account_id")
    who = User.objects.filter(pk=account_id, role__in=STAFF_ROLES).only("role").first()
    if who is None:
        raise DomainError("not_staff", _("Choose somebody of the staff."), "account_id")
    with transaction.atomic():
        row, new = Sanction.objects.get_or_create(
            form_key=form_key,
            defaults={
                "account_id": account_id, "role": who.role, "on": on, "what": words, "measure": Measure(measure),
                "decided_by": by.account,
            },
        )
        if new:
            _logged(by, Action.CREATE, row, "privacy.sanction")
    return row


def _carried(by: Actor, risk: Risk, analysis: RiskAnalysis) -> None:
    new = Risk.objects.create(
        analysis=analysis, likelihood=risk.likelihood, impact=risk.impact,
        **{name: opened(risk, name, _("(This cannot be read.)")) for name in ("title", "what", "measure")},
        owner_id=risk.owner_id, due_on=risk.due_on, carried_from=risk,
    )
    _step(by, new, RiskState.OPEN, "")


def _same(step: RiskStep, said: str) -> bool:
    return bool(opened(step, "words", None) == said)


def _step(by: Actor, risk: Risk, state: RiskState, words: str) -> RiskStep:
    return RiskStep.objects.create(risk=risk, state=state, words=words, by_id=by.account, at=timezone.now())


def _analysis_locked(analysis_id: UUID) -> RiskAnalysis:
    """The analysis, locked, while it is not signed."""
    row = RiskAnalysis.objects.select_for_update().filter(pk=analysis_id).first()
    if row is None:
        raise NotVisible
    if row.signed_at is not None:
        raise DomainError("analysis_signed", _("This analysis is signed: nothing of it changes."))
    return row


def _staff(account_id: UUID, field: str) -> None:
    if not User.objects.filter(pk=account_id, role__in=STAFF_ROLES, is_active=True).exists():
        raise DomainError("not_staff", _("Choose somebody of the staff."), field)


def _said(text: str, message: str, field: str) -> str:
    words = text.strip()
    if not words:
        raise DomainError(f"{field}_missing", message, field)
    return words


def _logged(by: Actor, action: Action, row: Model, kind: str) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.OPERATIONS, subject_id=None, object_kind=kind, object_id=row.pk
    )
