"""Everything that the portal holds about one person, and its removal: the explicit list of apps.

Export, archive and erasure start here, on the top floor, so that no app below needs to know its
neighbours. A test fails when an app has a model with a path to a person and is not on the list.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, cast
from uuid import UUID

import billing.personal_data
import consults.personal_data
import portal.accounts.personal_data
import portal.agreements.personal_data
import portal.audit.personal_data
import portal.evidence.personal_data
import portal.jobs.personal_data
import portal.outbox.personal_data
import privacy.disclosing.personal_data
import privacy.incidents.personal_data
import privacy.personal_data
import records.personal_data
from portal.subjects import FieldClass, Subject
from records.models import AccessGrant, GrantKind
from records.people.search import subject_ids


class PersonalData(Protocol):
    """What each app's ``personal_data`` module answers."""

    FIELDS: dict[str, dict[str, FieldClass]]
    CLEAR_TEXT: dict[str, str]
    RETAINED: dict[str, str]

    def export_for(self, subject: Subject) -> dict[str, Any]: ...

    def archive_for(self, subject: Subject) -> dict[str, Any]: ...

    def erase_for(self, subject: Subject) -> dict[str, int]: ...

    def merge_for(self, old: Subject, new: Subject) -> dict[str, int]: ...


# From the top floor down: what points at something goes before what it points at.
MODULES: dict[str, PersonalData] = cast(
    "dict[str, PersonalData]",
    {
        "incidents": privacy.incidents.personal_data,
        "disclosing": privacy.disclosing.personal_data,
        "privacy": privacy.personal_data,
        "consults": consults.personal_data,
        "records": records.personal_data,
        "billing": billing.personal_data,
        "jobs": portal.jobs.personal_data,
        "agreements": portal.agreements.personal_data,
        "outbox": portal.outbox.personal_data,
        "accounts": portal.accounts.personal_data,
        "evidence": portal.evidence.personal_data,
        "audit": portal.audit.personal_data,
    },
)


def subject_of(patient_id: UUID) -> Subject:
    """The person with the accounts that are their own (not those of guardians)."""
    own = AccessGrant.objects.filter(patient_id=patient_id, kind=GrantKind.SELF)
    accounts = {account_id for account_id in own.values_list("account_id", flat=True) if account_id is not None}
    _today, *former = subject_ids(patient_id)
    return Subject(patient_id, tuple(sorted(accounts)), tuple(former))


# The record has files of its own in a copy and in a bundle; these are the other apps' words.
BESIDES = tuple(app for app in MODULES if app != "records")


def export_of(subject: Subject, apps: Iterable[str] = BESIDES) -> dict[str, Any]:
    """What each of these apps holds, for the person's own copy (P31, P32, RULES 1.1)."""
    return {app: MODULES[app].export_for(subject) for app in apps}


def archive_of(subject: Subject, apps: Iterable[str] = BESIDES) -> dict[str, Any]:
    """What each of these apps puts into the archive bundle (P40)."""
    return {app: MODULES[app].archive_for(subject) for app in apps}


def erase_all(subject: Subject) -> dict[str, int]:
    """Remove the person from every app; returns rows removed by model (P39). Safe to repeat.

    Under every id the person ever had: a restored backup may be older than a merge.
    """
    each = [subject, *(Subject(former_id) for former_id in subject.former_ids)]
    return _summed(module.erase_for(one) for one in each for module in MODULES.values())


def merge_all(old: Subject, new: Subject) -> dict[str, int]:
    """Give everything of ``old`` to ``new`` in every app; returns rows moved by model. Safe to repeat."""
    return _summed(module.merge_for(old, new) for module in MODULES.values())


def _summed(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for found in counts:
        for model, count in found.items():
            total[model] = total.get(model, 0) + count
    return total
