"""P40: a copy ends when its time has passed, with a certificate, once, whatever happens on the way."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.dates import today
from portal.evidence.selectors import latest
from portal.lockbox.folder import FolderStore
from portal.lockbox.store import Damaged, NotDue, lockbox
from privacy import archive
from privacy.archive import archive_encounter, archive_nightly, current_keys
from privacy.keeping import destruction, inventory
from privacy.keeping.destruction import destroy_due
from privacy.models import ArchiveCopy, ArchiveReason, Destruction
from records.models import Encounter
from tests.privacy.building import ask, bundles, carried_out, told

pytestmark = pytest.mark.promise("P40")


def counts(**wanted: int) -> dict[str, int]:
    return {"due": 0, "destroyed": 0, "kept": 0, "held": 0, "failed": 0, **wanted}


def at_noon(day: dt.date) -> Any:
    """Noon of a day at the clinic."""
    return time_machine.travel(dt.datetime.combine(day, dt.time(18), dt.UTC))


@pytest.fixture
def copy(ana: User, clinician: User) -> ArchiveCopy:
    told(ana, clinician)
    archive_nightly()
    return ArchiveCopy.objects.get()


def test_a_copy_is_there_through_its_last_day_and_gone_after_it(copy: ArchiveCopy) -> None:
    with at_noon(copy.retain_until):
        assert destroy_due() == counts()
    with at_noon(copy.retain_until + dt.timedelta(days=1)):
        assert destroy_due() == counts(due=1, destroyed=1)
        assert destroy_due() == counts()
    assert bundles() == []
    copy.refresh_from_db()
    assert copy.destroyed_at is not None


@pytest.mark.parametrize("last", ["2028-02-29", "2027-03-13", "2027-03-14", "2027-11-06", "2027-11-07", "2027-12-31"])
def test_leap_days_and_clock_changes_neither_shorten_nor_lengthen_it(last: str, copy: ArchiveCopy) -> None:
    day = dt.date.fromisoformat(last)
    midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=archive_zone())
    ArchiveCopy.objects.update(retain_until=day)
    place = FolderStore.from_settings()._place(copy.name)
    place.chmod(0o700)
    told_of = json.loads((place / "receipt.json").read_bytes()) | {"retain_until": last}
    (place / "receipt.json").chmod(0o600)
    (place / "receipt.json").write_text(json.dumps(told_of))
    Encounter.objects.all().update(submitted_at=None)
    with time_machine.travel(midnight - dt.timedelta(seconds=1), tick=False):
        assert destroy_due() == counts()
        with pytest.raises(NotDue):
            lockbox().destroy(copy.name, copy.version)
    with time_machine.travel(midnight, tick=False):
        assert destruction.copies_due().count() == 1


def archive_zone() -> Any:
    from portal.dates import clinic_zone

    return clinic_zone()


def test_its_certificate_says_what_when_and_how_and_cannot_be_changed(copy: ArchiveCopy) -> None:
    with at_noon(copy.retain_until + dt.timedelta(days=1)):
        destroy_due()
        row = Destruction.objects.get()
        assert (row.copy_id, row.subject_id, row.sha256, row.size) == (copy.pk, copy.subject_id, copy.sha256, copy.size)
        assert (row.retain_until, row.method) == (copy.retain_until, "FolderStore")
        with lockbox().open(row.filed_name, row.filed_version) as file:
            data = file.read()
    words = json.loads(data)
    assert hashlib.sha256(data).hexdigest() == row.filed_sha256
    assert words["sha256"] == copy.sha256 and dt.datetime.fromisoformat(words["destroyed_at"]) == row.destroyed_at
    with pytest.raises(DatabaseError), transaction.atomic():
        Destruction.objects.update(method="other")
    with pytest.raises(DatabaseError), transaction.atomic():
        Destruction.objects.all().delete()
    deed = AccessEvent.objects.get(object_id=copy.pk, action=Action.DELETE)
    assert (deed.subject_id, deed.basis) == (copy.subject_id, "retention")


def test_a_later_service_that_no_night_has_seen_yet_keeps_the_copy(
    copy: ArchiveCopy, ana: User, clinician: User
) -> None:
    day = copy.retain_until
    with at_noon(day):
        told(ana, clinician, Encounter.objects.get().patient)
    with at_noon(day + dt.timedelta(days=1)):
        assert destroy_due() == counts(due=1, kept=1)
    copy.refresh_from_db()
    assert copy.retain_until > day + dt.timedelta(days=7 * 365) and len(bundles()) == 1
    assert lockbox().receipt(copy.name, copy.version).retain_until == copy.retain_until


def test_what_was_lost_is_not_called_destroyed(copy: ArchiveCopy) -> None:
    with at_noon(copy.retain_until + dt.timedelta(days=1)):
        lockbox().destroy(copy.name, copy.version)  # behind the portal's back
        assert destroy_due() == counts(due=1, failed=1)
        proof = latest(destruction.EVIDENCE)
    assert proof is not None and not proof.passed and not Destruction.objects.exists()


def test_what_the_store_still_locks_stays_and_the_evidence_says_so(copy: ArchiveCopy) -> None:
    lockbox().extend(copy.name, copy.version, copy.retain_until + dt.timedelta(days=9))
    with at_noon(copy.retain_until + dt.timedelta(days=1)):
        assert destroy_due() == counts(due=1, failed=1)
    with at_noon(copy.retain_until + dt.timedelta(days=10)):
        assert destroy_due() == counts(due=1, destroyed=1)
    assert Destruction.objects.count() == 1


def test_copies_of_the_erased_are_destroyed_when_due(ana: User, clinician: User, officer: User) -> None:
    consult = told(ana, clinician)
    carried_out(officer, ask(ana, consult.patient))
    copy = ArchiveCopy.objects.get()
    with at_noon(copy.retain_until + dt.timedelta(days=1)):
        assert destroy_due() == counts(due=1, destroyed=1)


def test_what_was_destroyed_is_not_sealed_anew(copy: ArchiveCopy) -> None:
    with at_noon(copy.retain_until + dt.timedelta(days=1)):
        destroy_due()
        assert archive_nightly()["sealed"] == 0
    with at_noon(copy.retain_until + dt.timedelta(days=2)):
        assert archive_nightly()["due"] == 0
    assert bundles() == []


# --- Dates that move, copies that spoil ----------------------------------------------------------------------


def sealed_again(encounter: Encounter, **more: Any) -> ArchiveCopy:
    found = archive_encounter(encounter=encounter, reason=ArchiveReason.NIGHTLY, **more)
    assert found is not None
    return found


def test_the_same_content_kept_longer_moves_the_day_of_the_copy_that_is_there(
    copy: ArchiveCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = copy.retain_until + dt.timedelta(days=100)
    monkeypatch.setattr(archive, "keep_until", lambda encounter: later)
    again = sealed_again(Encounter.objects.get())
    assert again.pk == copy.pk and again.retain_until == later and len(bundles()) == 1
    assert lockbox().receipt(copy.name, copy.version).retain_until == later


def spoil(settings: Any, copy: ArchiveCopy) -> None:
    file = settings.LOCKBOX_DIR / f"{copy.name}@kept" / "data"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"!")


def test_a_spoiled_copy_is_found_by_the_sample_and_sealed_anew_in_the_next_night(
    copy: ArchiveCopy, settings: Any
) -> None:
    assert inventory.archive_sample() == {"checked": 1, "damaged": 0, "unanswered": 0}
    spoil(settings, copy)
    assert inventory.archive_sample() == {"checked": 1, "damaged": 1, "unanswered": 0}
    proof = latest(inventory.SAMPLE)
    assert proof is not None and not proof.passed and proof.facts["which"] == copy.name
    with time_machine.travel(timezone.now() + dt.timedelta(days=1)):
        assert archive_nightly()["sealed"] == 1
        assert archive_nightly()["due"] == 0
    good = ArchiveCopy.objects.get(damaged_at=None)
    assert good.name.removesuffix("-2.tar.age") == copy.name.removesuffix(".tar.age") and good.pk != copy.pk
    assert archive.archive_verify(good)


def test_what_spoils_again_and_again_is_given_up_with_an_error(
    copy: ArchiveCopy, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(settings, copy)
    archive.archive_verify(copy)
    monkeypatch.setattr(FolderStore, "verify", lambda *_: False)
    for _night in range(archive.SPOILED_MOST):
        sealed_again(Encounter.objects.get())
        ArchiveCopy.objects.update(damaged_at=timezone.now())
    with pytest.raises(Damaged):
        sealed_again(Encounter.objects.get())


# --- The sample, the inventory, the attacks ------------------------------------------------------------------


def test_the_sample_takes_the_longest_unread_and_some_at_random(
    ana: User, ben: User, clinician: User, settings: Any
) -> None:
    from tests.consults.building import person

    told(ana, clinician)
    told(ben, clinician, person(ben, given="Ben", family="Tran"))
    archive_nightly()
    settings.ARCHIVE_SAMPLE = 1
    old, new = ArchiveCopy.objects.order_by("pk")
    for _week in range(6):
        ArchiveCopy.objects.filter(pk=old.pk).update(verified_at=timezone.now() - dt.timedelta(days=900))
        assert 1 <= inventory.archive_sample()["checked"] <= 2
        old.refresh_from_db()
        assert timezone.now() - old.verified_at < dt.timedelta(minutes=1)
    assert new.pk != old.pk


def test_the_inventory_counts_both_ways(copy: ArchiveCopy) -> None:
    whole = {"rows": 1, "objects": 1, "bytes": copy.size, "missing": 0, "different": 0, "unknown": 0}
    assert inventory.archive_inventory() == whole
    stray = lockbox().put("archive/stray.tar.age", b"who is this", today())
    assert inventory.archive_inventory() == whole | {"objects": 2, "bytes": copy.size + 11, "unknown": 1}
    proof = latest(inventory.INVENTORY)
    assert proof is not None and proof.passed and proof.facts["which_unknown"] == stray.name
    with at_noon(copy.retain_until + dt.timedelta(days=1)):
        lockbox().destroy(copy.name, copy.version)
    assert inventory.archive_inventory()["missing"] == 1
    proof = latest(inventory.INVENTORY)
    assert proof is not None and not proof.passed and proof.facts["which"] == copy.name
    with time_machine.travel(timezone.now() + dt.timedelta(days=1)):
        assert archive_nightly()["sealed"] == 1, "what is missing is sealed anew"


def test_the_inventory_notices_another_size(copy: ArchiveCopy) -> None:
    ArchiveCopy.objects.update(size=copy.size + 1)
    assert inventory.archive_inventory()["different"] == 1
    proof = latest(inventory.INVENTORY)
    assert proof is not None and not proof.passed


def test_the_attacks_on_a_locked_object_are_evidence(copy: ArchiveCopy, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("lockbox_prove")
    assert "delete: held" in capsys.readouterr().out
    proof = latest(inventory.PROOF)
    assert proof is not None and proof.passed
    assert proof.facts == {
        "delete": True, "shorten": True, "overwrite": True, "intact": True, "store": "FolderStore"
    }
    with time_machine.travel(timezone.now() + dt.timedelta(days=2)):
        call_command("lockbox_prove")
    assert len(list(lockbox().names("proofs/"))) == 1, "the object of the last proof goes when its day has passed"


def test_a_store_that_lets_go_fails_the_proof(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FolderStore, "attacks", lambda *_: {"delete": False, "shorten": True})
    with pytest.raises(CommandError):
        call_command("lockbox_prove")
    proof = latest(inventory.PROOF)
    assert proof is not None and not proof.passed


def test_the_whole_round_by_hand(copy: ArchiveCopy, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("archive_round")
    printed = capsys.readouterr().out
    for kind in ("nightly", "sample", "inventory", "destruction", "proof"):
        assert f"archive.{kind}: " in printed
    spoil(settings, copy)
    with pytest.raises(CommandError, match=r"archive\.sample"):
        call_command("archive_round")


# --- Keys ----------------------------------------------------------------------------------------------------


def test_new_bundles_go_to_the_new_key_and_the_list_says_which_is_under_which(
    copy: ArchiveCopy, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from portal.lockbox import age

    old = copy.key_ids
    assert old == ",".join(current_keys())
    identity, recipient = age.new_key_pair()
    settings.ARCHIVE_RECIPIENTS = [recipient]
    new = ",".join(current_keys())
    assert archive_encounter(encounter=Encounter.objects.get(), reason=ArchiveReason.NIGHTLY) == copy
    call_command("archive_rotate")
    assert capsys.readouterr().out.splitlines() == [
        f"today's key {new} is {recipient}", f"{old}: 1 bundles until {copy.retain_until} (old)",
    ]
    for sealed in (1, 0):
        call_command("archive_rotate", seal_anew=True)
        assert f"sealed anew: {sealed}" in capsys.readouterr().out
    call_command("archive_rotate")
    assert sorted(capsys.readouterr().out.splitlines()[1:]) == sorted(
        [f"{old}: 1 bundles until {copy.retain_until} (old)", f"{new}: 1 bundles until {copy.retain_until} (in use)"]
    )
    fresh = ArchiveCopy.objects.get(key_ids=new)
    with lockbox().open(fresh.name, fresh.version) as file:
        assert age.open(file.read(), identity)


def test_the_officer_lists_the_bundles_of_a_person(copy: ArchiveCopy, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("archive_open", person=copy.subject_id)
    assert capsys.readouterr().out.splitlines() == [
        f"{copy.name} sealed {copy.sealed_at:%Y-%m-%d}, kept until {copy.retain_until}", "1 bundles"
    ]
