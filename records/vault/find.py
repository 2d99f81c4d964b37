"""Whom a search found: the least that tells people apart, with a trace for each person shown (P21)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.selectors import deeds_of
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Purpose
from records.access import kinds_by_patient, may_find
from records.people.models import GrantKind
from records.people.search import find
from records.people.search_same import likely_same
from records.vault.content import PersonCard
from records.vault.lists import open_found_cards


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit: the person, how the looker may open the record (None: not), and who may be the same person."""

    person: PersonCard
    grant: GrantKind | None
    same: tuple[PersonCard, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchView:
    """The answer to a search. With ``too_many`` there are no hits: minimum necessary (RULES 1.43).

    ``common``: the words were so common that only whole words of a name were tried.
    """

    hits: tuple[Hit, ...]
    too_many: bool
    common: bool


def search_patients(*, by: Actor, text: str, purpose: Purpose) -> SearchView:
    """Look for patients; the log keeps that it was done and whom it showed, never the words.

    Raises ``NotVisible`` for whoever may not look, and ``DomainError`` ``too_often`` after
    ``SEARCHES_PER_HOUR``: nobody trawls. The number of queries does not grow with the hits.
    """
    _may_look(by, purpose)
    _not_too_often(by)
    found = find(text)
    access_record(
        by=by, action=Action.SEARCH, purpose=purpose, subject_id=None, object_kind="records.search",
        object_id=None, basis=f"hits:{len(found.ids)}", durable=True,
    )
    pairs = likely_same(found.ids)
    shown = {*found.ids, *(other for _one, other in pairs)}
    people = open_found_cards(by=by, patient_ids=shown, purpose=purpose) if shown else {}
    grants = kinds_by_patient(by=by, patient_ids=set(found.ids), purpose=purpose) if shown else {}
    same = _by_first(pairs, people)
    hits = [Hit(people[pk], grants.get(pk), tuple(same[pk])) for pk in found.ids if pk in people]
    return SearchView(tuple(sorted(hits, key=lambda hit: _in_order(hit.person))), found.too_many, found.common)


def same_person_hints(*, by: Actor, patient_id: UUID, purpose: Purpose) -> tuple[PersonCard, ...]:
    """Other patients who may be this one, for staff only (B 19). One query where there is none."""
    if not may_find(by=by, purpose=purpose):
        return ()
    pairs = likely_same([patient_id])
    if not pairs:
        return ()
    people = open_found_cards(by=by, patient_ids=[other for _one, other in pairs], purpose=purpose)
    return tuple(sorted(people.values(), key=_in_order))


def _may_look(by: Actor, purpose: Purpose) -> None:
    if may_find(by=by, purpose=purpose):
        return
    _denied(by, purpose)
    raise NotVisible


def _not_too_often(by: Actor) -> None:
    """The log itself is the counter: it cannot be reset, and is there for every search."""
    assert by.account_id is not None
    since = timezone.now() - dt.timedelta(hours=1)
    done = deeds_of(by.account_id).filter(at__gte=since, action=Action.SEARCH, object_kind="records.search")
    if done.order_by()[: settings.SEARCHES_PER_HOUR].count() >= settings.SEARCHES_PER_HOUR:
        _denied(by, Purpose.ABUSE)
        raise DomainError(
            "too_often", _("That was a lot of searches in one hour. Please wait a while, or ask the officer.")
        )


def _denied(by: Actor, purpose: Purpose) -> None:
    access_record(
        by=by, action=Action.DENIED, purpose=purpose, subject_id=None, object_kind="records.search", object_id=None
    )


def _by_first(
    pairs: Iterable[tuple[UUID, UUID]], people: dict[UUID, PersonCard]
) -> defaultdict[UUID, list[PersonCard]]:
    same: defaultdict[UUID, list[PersonCard]] = defaultdict(list)
    for one, other in pairs:
        if other in people:
            same[one].append(people[other])
    return same


def _in_order(person: PersonCard) -> tuple[str, str]:
    return (person.full_name.casefold(), person.public_id)
