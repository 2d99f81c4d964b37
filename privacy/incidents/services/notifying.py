"""Telling people of a breach: words, letters and emails, what came back, the public notice (RULES 3.6 to 3.10)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.agreements.models import PolicyKind
from portal.agreements.selectors import agreed_accounts
from portal.context import SYSTEM, Actor
from portal.crypto.values import must_be_read
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.outbox.models import MailState, OutgoingMail
from portal.poke import poke
from privacy.incidents import letters, mails, selectors
from privacy.incidents.clocks import DutyKind, posting_ends, stopped_until, substitute_needed
from privacy.incidents.models import Affected, Incident, Step
from privacy.incidents.notice_models import PARTS, BreachNotice, DutyDone, NoticeText, PublicNotice, Way
from privacy.incidents.services.assessing import close
from privacy.incidents.state import IncidentAction, IncidentState
from privacy.incidents.timeline import incident_locked, said, step_note
from privacy.letters.models import Letter, PrintState
from privacy.letters.services import Recipient, letter_write
from records.access import accounts_of

LETTER = "breach_notice"
BATCH = 50
# A mail that no server took, or that the portal held back on purpose, tells nobody: the person is to be reached.
NEVER_SENT = (MailState.DEAD, MailState.REFUSED)


def notice_write(*, by: Actor, incident_id: UUID, values: Mapping[str, str]) -> NoticeText:
    """Keep the five parts as they stand; what is missing is asked for when the notices are sent (RULES 3.10)."""
    with transaction.atomic():
        incident = incident_locked(by, incident_id)
        text = NoticeText.objects.select_for_update().get(incident=incident)
        if text.send_from is not None:
            raise DomainError("notices_sent", _("The notices are on their way with the words as they were."))
        must_be_read(text, *PARTS)
        for part in PARTS:
            setattr(text, part, values.get(part, "").strip())
        text.save()
        step_note(by, incident, Step.NOTICE)
    return text


def notices_send(*, by: Actor, incident_id: UUID) -> Incident:
    """Start the notices: a task writes one to each person who has none yet (RULES 3.6).

    Raises ``DomainError``: ``notice_incomplete`` naming the part, ``law_delay`` while one runs.
    """
    with transaction.atomic():
        incident = incident_locked(by, incident_id, IncidentState.NOTIFYING)
        text = NoticeText.objects.select_for_update().get(incident=incident)
        for part in PARTS:
            if not getattr(text, part):
                raise DomainError("notice_incomplete", _("The notice needs all five parts. This one is missing."), part)
        if stopped_until(selectors.stops(incident), today()):
            raise DomainError("law_delay", _("Law enforcement asked to wait. Nobody may be told before that is over."))
        if text.send_from is None:
            text.send_from, text.sent_by = timezone.now(), by.account
            text.save(update_fields=["send_from", "sent_by"])
            step_note(by, incident, Step.SENT)
        poke("privacy.incident_notices", incident.pk)
    return incident


def notices_make(incident_id: UUID) -> int:
    """Write the notices that are missing, some at a time; returns how many. For task and sweep; safe to repeat."""
    made = 0
    while batch := _batch(incident_id):
        made += batch
    return made


def notices_due() -> list[UUID]:
    """Incidents whose notices have been started."""
    open_ones = Incident.objects.filter(state=IncidentState.NOTIFYING, notice_text__send_from__isnull=False)
    return list(open_ones.values_list("pk", flat=True))


def _batch(incident_id: UUID) -> int:
    with transaction.atomic():
        incident = Incident.objects.select_for_update().filter(pk=incident_id, state=IncidentState.NOTIFYING).first()
        text = NoticeText.objects.filter(incident_id=incident_id, send_from__isnull=False).first()
        if incident is None or text is None or stopped_until(selectors.stops(incident), today()):
            return 0
        rows = selectors.without_notice(incident)[:BATCH]
        parts = letters.told(incident, {part: str(getattr(text, part)) for part in PARTS})
        for row in rows:
            _notice(incident, row, parts)
        return len(rows)


def _notice(incident: Incident, row: Affected, parts: dict[str, str]) -> None:
    """One notice: by email only to who agreed to that and has not taken it back, else by first-class mail."""
    accounts = accounts_of(row.subject_id) if row.subject_id else []
    agreed = agreed_accounts(accounts, PolicyKind.ELECTRONIC_NOTICES)
    notice = BreachNotice(incident=incident, affected=row, made_at=timezone.now())
    reader = next((account for account in accounts if account in agreed), None)
    if reader is not None:
        notice.way, notice.mail_id = Way.EMAIL, mails.breach_notice(row, reader, parts).pk
    else:
        name, lines = row.name, tuple(row.address.splitlines())
        letter = letter_write(
            by=SYSTEM, kind=LETTER, subject_id=row.subject_id, account_id=accounts[0] if accounts else None,
            fields=parts, paper=True, to=Recipient(name, lines) if row.subject_id is None else None,
            once_key=f"breach:{row.pk}",
        )
        notice.way, notice.letter_id = Way.LETTER, letter.pk
    notice.save(force_insert=True)


def returns_note() -> int:
    """Count as returned what the post brought back and what no mail server took. For task and sweep."""
    out = BreachNotice.objects.filter(returned_at=None, incident__state=IncidentState.NOTIFYING)
    back = Letter.objects.filter(paper=PrintState.RETURNED, pk__in=out.values("letter_id")).values_list("pk", flat=True)
    never = OutgoingMail.objects.filter(state__in=NEVER_SENT, pk__in=out.values("mail_id"))
    dead = never.values_list("pk", flat=True)
    found = [*out.filter(letter_id__in=list(back)), *out.filter(mail_id__in=list(dead))]
    for notice in found:
        notice_returned(by=SYSTEM, incident_id=notice.incident_id, notice_id=notice.pk)
    return len(found)


def notice_returned(*, by: Actor, incident_id: UUID, notice_id: UUID) -> BreachNotice:
    """A letter or email came back: this person still has to be reached (RULES 3.7)."""
    with transaction.atomic():
        notice = _notice_locked(by, incident_id, notice_id)
        if notice.returned_at is None:
            notice.returned_at = timezone.now()
            notice.save(update_fields=["returned_at"])
            step_note(by, notice.incident, Step.RETURNED, subject_id=notice.affected.subject_id)
    return notice


def notice_reached(*, by: Actor, incident_id: UUID, notice_id: UUID, how: str) -> BreachNotice:
    """Fewer than ten: each is reached in another way, by phone or another letter; how is written down (RULES 3.7)."""
    words = said(how, _("Write down how, when and by whom."), "how")
    with transaction.atomic():
        notice = _notice_locked(by, incident_id, notice_id)
        if notice.returned_at is None:
            raise DomainError("not_returned", _("This notice has not come back."))
        notice.reached_at, notice.reached_how = timezone.now(), words
        notice.save(update_fields=["reached_at", "reached_how"])
        step_note(by, notice.incident, Step.REACHED, words, subject_id=notice.affected.subject_id)
    return notice


def person_reached(*, by: Actor, incident_id: UUID, affected_id: UUID, how: str) -> BreachNotice:
    """Fewer than ten without an address: told by phone or otherwise; how is written down (RULES 3.7). Twice is once.

    Kept as a notice that has neither letter nor mail. Raises ``NotVisible`` for whoever a letter can find, and
    ``DomainError``: ``words_missing``, ``law_delay``.
    """
    words = said(how, _("Write down how, when and by whom."), "how")
    with transaction.atomic():
        incident = incident_locked(by, incident_id, IncidentState.NOTIFYING)
        row = incident.affected.filter(pk=affected_id, subject_id=None).first()
        if row is None or row.address:
            raise NotVisible
        there = BreachNotice.objects.filter(affected=row).first()
        if there is not None:
            return there
        if stopped_until(selectors.stops(incident), today()):
            raise DomainError("law_delay", _("Law enforcement asked to wait. Nobody may be told before that is over."))
        now = timezone.now()
        notice = BreachNotice.objects.create(
            incident=incident, affected=row, way=Way.LETTER, made_at=now, returned_at=now, reached_at=now,
            reached_how=words,
        )
        step_note(by, incident, Step.REACHED, words)
    return notice


def public_notice_post(*, by: Actor, incident_id: UUID) -> PublicNotice:
    """Ten or more cannot be reached: a notice on the home page for 90 days, with a toll-free number (RULES 3.7).

    Raises ``DomainError``: ``toll_free_missing`` while the clinic has no such number, ``few_unreached``,
    ``law_delay``, ``notices_first``.
    """
    if not settings.CLINIC_TOLL_FREE.strip():
        raise DomainError("toll_free_missing", _("Set a toll-free number first (CLINIC_TOLL_FREE): the law wants one."))
    with transaction.atomic():
        incident = incident_locked(by, incident_id, IncidentState.NOTIFYING)
        there = PublicNotice.objects.filter(incident=incident).first()
        if there is not None:
            return there
        if not NoticeText.objects.filter(incident=incident, send_from__isnull=False).exists():
            raise DomainError("notices_first", _("Send the notices first: this is for those who cannot be reached."))
        if stopped_until(selectors.stops(incident), today()):
            raise DomainError("law_delay", _("Law enforcement asked to wait. Nobody may be told before that is over."))
        if not substitute_needed(selectors.unreached(incident)):
            raise DomainError("few_unreached", _("Fewer than ten cannot be reached: tell each in another way."))
        posted = PublicNotice.objects.create(
            incident=incident, toll_free=settings.CLINIC_TOLL_FREE, starts_on=today(), ends_on=posting_ends(today()),
            put_up_by=by.account,
        )
        step_note(by, incident, Step.POSTED)
        transaction.on_commit(selectors.notices_forget)
    return posted


def duty_done(*, by: Actor, incident_id: UUID, kind: DutyKind, done_on: dt.date, proof: str) -> DutyDone:
    """HHS, the media or the bureaus have been told: when, and the number or letter that proves it (RULES 3.13).

    Raises ``DomainError``: ``words_missing``, ``day_ahead``, ``day_before`` the discovery, ``law_delay``, and
    ``people_first`` for the people themselves while one has no notice or is not reached.
    """
    kind = DutyKind(kind)
    words = said(proof, _("Write down the proof: the number of the form, the letter, the name."), "proof")
    if done_on > today():
        raise DomainError("day_ahead", _("Choose a day that has come."), "done_on")
    with transaction.atomic():
        incident = incident_locked(by, incident_id, IncidentState.NOTIFYING)
        there = DutyDone.objects.filter(incident=incident, kind=kind.value).first()
        if there is not None:
            return there
        if done_on < selectors.discovered_on(incident):
            raise DomainError("day_before", _("On that day nobody here knew of it yet."), "done_on")
        if stopped_until(selectors.stops(incident), done_on):
            raise DomainError("law_delay", _("Law enforcement asked to wait. Nobody may be told before that is over."))
        if kind == DutyKind.INDIVIDUALS and not selectors.all_reached(incident):
            raise DomainError("people_first", _("Not everybody has been reached yet."))
        done = DutyDone.objects.create(
            incident=incident, kind=kind.value, done_on=done_on, proof=words, done_by=by.account
        )
        step_note(by, incident, Step.DUTY, f"{dict(DutyDone.KINDS)[kind.value]}: {words}")
    return done


def incident_close(*, by: Actor, incident_id: UUID) -> Incident:
    """Close a breach when everybody has been told. Raises ``DomainError`` ``duties_open``, ``people_first``.

    Somebody can have been added, or a letter come back, after it was noted that the people were told.
    """
    with transaction.atomic():
        incident = incident_locked(by, incident_id, IncidentState.NOTIFYING)
        if any(not line.done for line in selectors.duty_lines(incident)):
            raise DomainError("duties_open", _("Somebody still has to be told. Look at the clocks."))
        if not selectors.all_reached(incident):
            raise DomainError("people_first", _("Not everybody has been reached yet."))
        close(by, incident, IncidentAction.CLOSE)
    return incident


def _notice_locked(by: Actor, incident_id: UUID, notice_id: UUID) -> BreachNotice:
    incident = incident_locked(by, incident_id, IncidentState.NOTIFYING)
    notice = incident.notices.select_related("incident", "affected").filter(pk=notice_id).first()
    if notice is None:
        raise NotVisible
    return notice
