"""Writing the register, and asking first whether something may be released (P14, RULES 4.1-4.4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record, access_record_each
from portal.context import Actor
from portal.dates import due_on, today
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, require
from records.disclosures.models import (
    BASES_OF,
    NEEDS_CONSENT,
    ORAL_DAYS_MOST,
    PURPOSES_OF,
    SIGNED,
    Disclosure,
    DisclosureBasis,
    StatementKind,
    Suspension,
)
from records.disclosures.recipients import recipient_key
from records.freezing.selectors import frozen_of
from records.people.models import Patient
from records.people.names import clean_text, line_said, text_said
from records.releases.models import ConsentKind
from records.releases.selectors import consents_for
from records.restrictions.models import RecipientKind
from records.restrictions.selectors import limited_of

NAME_LENGTH, WORDS_LENGTH = 300, 2000
# Which consents serve which basis.
KINDS_OF: dict[DisclosureBasis, tuple[str, ...]] = {
    DisclosureBasis.TREATMENT: (ConsentKind.PROVIDER,),
    DisclosureBasis.PROVIDER_HOLDS: (ConsentKind.PROVIDER,),
    DisclosureBasis.PAYMENT: (ConsentKind.INSURER,),
    DisclosureBasis.OPERATIONS: (ConsentKind.INSURER, ConsentKind.PERSON),
    DisclosureBasis.FAMILY: (ConsentKind.PERSON,),
    DisclosureBasis.LIMITED_DATA: (ConsentKind.PERSON,),
    DisclosureBasis.ASSIGNMENT: (ConsentKind.NEW_OWNER,),
}


# Which limits that a patient asked for stand in the way of a basis (RULES 1.36, 1.37). What a law demands, or an
# emergency needs, goes before a limit; what the patient asks for themselves is not limited by it.
LIMITS_OF: dict[DisclosureBasis, tuple[RecipientKind, Purpose]] = {
    DisclosureBasis.TREATMENT: (RecipientKind.PROVIDER, Purpose.CARE),
    DisclosureBasis.PROVIDER_HOLDS: (RecipientKind.PROVIDER, Purpose.CARE),
    DisclosureBasis.PAYMENT: (RecipientKind.HEALTH_PLAN, Purpose.OPERATIONS),
    DisclosureBasis.OPERATIONS: (RecipientKind.HEALTH_PLAN, Purpose.OPERATIONS),
    DisclosureBasis.FAMILY: (RecipientKind.FAMILY, Purpose.CARE),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One disclosure to be written. ``on`` is the clinic's day; ``reference`` what it was done for."""

    subject_id: UUID
    purpose: Purpose | str
    basis: DisclosureBasis | str
    recipient: str
    what: str
    on: dt.date
    recipient_address: str = ""
    reference: UUID | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """May it go? ``why`` is a sentence for staff where it may not; ``consent_id`` what it stands on."""

    allowed: bool
    code: str = ""
    why: str = ""
    consent_id: UUID | None = None


def may_release(
    *, subject_id: UUID, recipient: str, basis: DisclosureBasis | str, on: dt.date | None = None
) -> Release:
    """Ask before anything of a record goes to somebody outside (RULES 4.1).

    HIPAA's leave for treatment, payment and operations is not enough in Minnesota: those need a signed
    consent to this recipient, in force on the day. What a law, a contract or an emergency lets go needs
    none, and is noted; a mistake is never allowed beforehand. A limit that binds the clinic, and a stop to
    all use, forbid what no law demands (RULES 1.36, P47). Codes: ``no_consent``, ``limited``, ``stopped``,
    ``mistake``.
    """
    basis = DisclosureBasis(basis)
    if basis == DisclosureBasis.MISTAKE:
        return Release(False, "mistake", _("Nothing is released on purpose by mistake."))
    return may_release_many(subject_ids=[subject_id], recipient=recipient, basis=basis, on=on)[subject_id]


def may_release_many(
    *, subject_ids: Iterable[UUID], recipient: str, basis: DisclosureBasis | str, on: dt.date | None = None
) -> dict[UUID, Release]:
    """``may_release`` for many people, in at most four queries."""
    basis, people = DisclosureBasis(basis), list(subject_ids)
    kinds = KINDS_OF.get(basis, ())
    found = consents_for(people, recipient=recipient, kinds=kinds, day=on) if kinds else {}
    refused = Release(
        False, "no_consent", _("There is no signed consent of the patient to this recipient that is in force.")
    )
    needed, barred = basis in NEEDS_CONSENT, _barred(people, basis)
    return {
        one: barred.get(one) or (refused if needed and one not in found else Release(True, consent_id=found.get(one)))
        for one in people
    }


def _barred(people: list[UUID], basis: DisclosureBasis) -> dict[UUID, Release]:
    """Those of whom nothing may go on this basis, consent or not."""
    barred: dict[UUID, Release] = {}
    if basis in LIMITS_OF:
        limited = Release(False, "limited", _("The patient asked us not to share with them, and that binds us."))
        barred = dict.fromkeys(limited_of(people, *LIMITS_OF[basis]), limited)
    if basis in NEEDS_CONSENT:
        stopped = Release(False, "stopped", _("A parent or guardian has stopped the use of this record."))
        barred |= dict.fromkeys(frozen_of(people), stopped)
    return barred


def disclosure_record(
    *,
    by: Actor,
    subject_id: UUID,
    purpose: Purpose | str,
    basis: DisclosureBasis | str,
    recipient: str,
    what: str,
    on: dt.date,
    recipient_address: str = "",
    reference: UUID | None = None,
) -> Disclosure:
    """Write one disclosure into the register, in the caller's transaction.

    The caller has decided that it may be (``may_release``); what happened without leave is written all the
    same. The consent it stands on is looked up; without one it is noted so. Raises ``ValueError`` for a
    purpose off P11's list, a basis off the list, or two that do not go together; ``NotVisible`` for no such
    record; ``DomainError``: ``recipient_missing``, ``what_missing``, ``too_long``, ``day_to_come``.
    """
    entry = Entry(subject_id, purpose, basis, recipient, what, on, recipient_address, reference)
    [row] = disclosures_record_many(by=by, entries=[entry])
    return row


def disclosures_record_many(
    *, by: Actor, entries: Iterable[Entry], once: bool = False
) -> list[Disclosure]:
    """Many disclosures in a few statements; for imports and for a practice that changes hands.

    All or none. With ``once`` a person who has an entry with the same ``reference`` is left out, so that a
    resumed export writes one a person. Raises as ``disclosure_record``.
    """
    with transaction.atomic():
        wanted = [_checked(entry) for entry in entries]
        if once:
            wanted = _not_yet(wanted)
        people = {entry.subject_id for entry in wanted}
        if Patient.objects.filter(pk__in=people).count() < len(people):
            raise NotVisible
        consents = _consents(wanted)
        now = timezone.now()
        rows = [_row(by, entry, consents.get((entry.subject_id, entry.recipient, entry.basis)), now)
                for entry in wanted]
        Disclosure.objects.bulk_create(rows, batch_size=2000)
        _logged(by, rows)
    return rows


def suspension_record(
    *,
    by: Actor,
    subject_id: UUID,
    kind: StatementKind | str,
    agency: str,
    official: str,
    statement: str,
    form_key: UUID,
    disclosure_id: UUID | None = None,
    reference: UUID | None = None,
    ends_on: dt.date | None = None,
) -> Suspension:
    """Leave entries out of what the patient is told, since an authority asks for it (RULES 1.34).

    In writing: until the day that the statement names. By word of mouth: who and what is written down, and
    it ends after ``ACCOUNTING_ORAL_SUSPENSION_DAYS`` at the latest; a second one needs it in writing. Raises
    ``DomainError``: ``agency_missing``, ``official_missing``, ``statement_missing``, ``end_missing``,
    ``end_past``, ``oral_too_long``, ``oral_again``; ``NotVisible``.
    """
    require(by, Permission.REQUESTS_HANDLE)
    kind, start = StatementKind(kind), today()
    words = {
        "agency": line_said(agency, "agency", _("Say which authority asks."), most=NAME_LENGTH),
        "official": line_said(official, "official", _("Say who asks: name and office."), most=NAME_LENGTH),
        "statement": text_said(
            statement, "statement", _("Write down what was said, or what the paper says."), most=WORDS_LENGTH
        ),
    }
    end = _end(kind, start, ends_on)
    with transaction.atomic():
        if Patient.objects.select_for_update(no_key=True).only("pk").filter(pk=subject_id).first() is None:
            raise NotVisible
        if disclosure_id and not Disclosure.objects.filter(pk=disclosure_id, patient_id=subject_id).exists():
            raise NotVisible
        one = Q(disclosure_id=disclosure_id) if disclosure_id else Q(disclosure=None)
        same = Suspension.objects.filter(one, patient_id=subject_id, reference=reference)
        there = same.filter(form_key=form_key).first()
        if there is not None:
            return there
        if kind is StatementKind.ORAL and _oral_before(subject_id, disclosure_id, reference):
            raise DomainError("oral_again", _("It was put off by word of mouth before. From here on it needs a paper."))
        row = Suspension.objects.create(
            patient_id=subject_id, disclosure_id=disclosure_id, reference=reference, kind=kind, starts_on=start,
            ends_on=end, form_key=form_key, recorded_by=by.account, recorded_at=timezone.now(), **words,
        )
        _suspension_logged(by, Action.CREATE, row)
    return row


def suspension_lift(*, by: Actor, suspension_id: UUID) -> Suspension:
    """End it before its day; the entries are told again. Raises ``NotVisible``."""
    require(by, Permission.REQUESTS_HANDLE)
    with transaction.atomic():
        row = Suspension.objects.select_for_update().filter(pk=suspension_id).first()
        if row is None:
            raise NotVisible
        if row.lifted_at is None:
            row.lifted_at, row.lifted_by = timezone.now(), by.account
            row.save(update_fields=["lifted_at", "lifted_by"])
            _suspension_logged(by, Action.CHANGE, row)
    return row


def _end(kind: StatementKind, start: dt.date, ends_on: dt.date | None) -> dt.date:
    longest = due_on(start, min(settings.ACCOUNTING_ORAL_SUSPENSION_DAYS, ORAL_DAYS_MOST))
    if kind is StatementKind.ORAL:
        if ends_on is not None and ends_on > longest:
            raise DomainError("oral_too_long", _("By word of mouth it can be put off by 30 days at most."), "ends_on")
        ends_on = ends_on or longest
    if ends_on is None:
        raise DomainError("end_missing", _("Write the day that the paper names."), "ends_on")
    if ends_on < start:
        raise DomainError("end_past", _("That day has passed."), "ends_on")
    return ends_on


def _oral_before(subject_id: UUID, disclosure_id: UUID | None, reference: UUID | None) -> bool:
    """Whether the entry was put off by word of mouth before: by itself, or with all of its reference."""
    if disclosure_id is not None:
        whole = Disclosure.objects.filter(pk=disclosure_id, reference__isnull=False).values("reference")
        about = Q(disclosure_id=disclosure_id) | Q(reference__in=whole)
    else:
        about = Q(reference=reference) | Q(disclosure__reference=reference)
    return Suspension.objects.filter(about, patient_id=subject_id, kind=StatementKind.ORAL).exists()


def _suspension_logged(by: Actor, action: Action, row: Suspension) -> None:
    """Under the id that it hides, so that the log does not tell of it meanwhile."""
    access_record(
        by=by, action=action, purpose=Purpose.LEGAL_DUTY, subject_id=row.patient_id, object_kind="records.suspension",
        object_id=row.disclosure_id or row.reference, basis=f"suspension:{row.pk}",
    )


def _checked(entry: Entry) -> Entry:
    purpose, basis = Purpose(entry.purpose), DisclosureBasis(entry.basis)
    if purpose not in PURPOSES_OF.get(basis, (purpose,)) or basis not in BASES_OF.get(purpose, (basis,)):
        raise ValueError("this purpose does not go with this basis")
    if entry.on > today():
        raise DomainError("day_to_come", _("That day is still to come."), "on")
    return Entry(
        subject_id=entry.subject_id, purpose=purpose, basis=basis, on=entry.on, reference=entry.reference,
        recipient=line_said(entry.recipient, "recipient", _("Say who received it."), most=NAME_LENGTH),
        recipient_address=clean_text(entry.recipient_address)[:WORDS_LENGTH],
        what=text_said(entry.what, "what", _("Say in a few words what was given."), most=WORDS_LENGTH),
    )


def _not_yet(wanted: list[Entry]) -> list[Entry]:
    """Entries whose person has none with this reference; two writers of one reference wait for each other."""
    references = sorted({entry.reference for entry in wanted if entry.reference is not None})
    with connection.cursor() as cursor:
        for reference in references:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"disclosures:{reference}"])
    there = set(Disclosure.objects.filter(reference__in=references).values_list("patient_id", "reference"))
    fresh = {(entry.subject_id, entry.reference): entry for entry in wanted}
    return [entry for key, entry in fresh.items() if key not in there]


def _consents(wanted: list[Entry]) -> dict[tuple[UUID, str, str], UUID]:
    """The consent behind each entry, one query for each recipient, basis and day."""
    groups: dict[tuple[str, str, dt.date], list[UUID]] = {}
    for entry in wanted:
        if entry.basis not in SIGNED and KINDS_OF.get(DisclosureBasis(entry.basis)):
            groups.setdefault((entry.recipient, entry.basis, entry.on), []).append(entry.subject_id)
    found: dict[tuple[UUID, str, str], UUID] = {}
    for (recipient, basis, day), people in groups.items():
        kinds = KINDS_OF[DisclosureBasis(basis)]
        for one, consent in consents_for(people, recipient=recipient, kinds=kinds, day=day).items():
            found[one, recipient, basis] = consent
    return found


def _row(by: Actor, entry: Entry, consent_id: UUID | None, now: dt.datetime) -> Disclosure:
    return Disclosure(
        patient_id=entry.subject_id, on=entry.on, purpose=Purpose(entry.purpose).value,
        basis=DisclosureBasis(entry.basis).value, recipient=entry.recipient,
        recipient_address=entry.recipient_address, what=entry.what,
        same_key=recipient_key(entry.recipient, entry.recipient_address), reference=entry.reference,
        consent_id=consent_id, recorded_by=by.account_id, recorded_at=now,
    )


def _logged(by: Actor, rows: list[Disclosure]) -> None:
    """The access log knows of each as well: one statement a purpose."""
    for purpose in {row.purpose for row in rows}:
        access_record_each(
            by=by, action=Action.DISCLOSE, purpose=Purpose(purpose), object_kind="records.disclosure",
            looks=[
                (row.patient_id, row.pk, f"basis:{row.basis}" + (":no_consent" if row.without_consent else ""))
                for row in rows if row.purpose == purpose
            ],
        )
