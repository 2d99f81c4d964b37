"""What the consults hold about a person: exported, archived, erased."""

from __future__ import annotations

import json

from consults import personal_data
from consults.models import Consult
from portal.accounts.models import User
from portal.subjects import Subject
from tests.consults.building import answered, waiting


def test_a_copy_tells_states_and_times_in_words(ana: User, ben: User, clinician: User) -> None:
    consult, other = answered(ana, clinician), waiting(ben)
    subject = Subject(consult.patient_id, (ana.pk,))
    (one,) = personal_data.export_for(subject)["consults"]
    assert one["state"] == "Your plan is ready" and one["consent_version"] == "care-1"
    assert one["submitted_at"] and one["paid_at"] and one["answered_at"] and one["ended_at"] is None
    (kept,) = personal_data.archive_for(subject)["consults"]
    assert kept["assigned_to"] == str(clinician.pk)
    assert str(other.pk) not in json.dumps(personal_data.archive_for(subject))


def test_erasing_one_leaves_the_other(ana: User, ben: User, clinician: User) -> None:
    consult, other = answered(ana, clinician), waiting(ben)
    subject = Subject(consult.patient_id, (ana.pk,))
    assert personal_data.erase_for(subject) == {"consults.Consult": 1}
    assert list(Consult.objects.values_list("pk", flat=True)) == [other.pk]
    assert personal_data.erase_for(subject) == {"consults.Consult": 0}
