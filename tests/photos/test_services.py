"""Sending, retaking and removing photos, and the worker's way to "ready" or the reason."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.storage import storages
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.context import SYSTEM
from portal.crypto import sealed
from portal.errors import DomainError, NotVisible
from records.encounters.models import Encounter
from records.intake import files as intake_files
from records.intake.sandbox import SandboxLost
from records.intake.state import TRANSITIONS, UploadDeed, after
from records.photos import files, processing, selectors, services, tasks
from records.photos.models import Photo, PhotoState, PhotoView
from records.photos.pipeline import PhotoRefused, Processed
from tests.photos import pictures
from tests.photos.conftest import actor, patient_for, upload
from tests.photos.reading import assert_only_a_picture

pytestmark = pytest.mark.django_db(transaction=True)
Store = Callable[[], list[str]]


def send(user: User, encounter: Encounter, view: str = PhotoView.FRONT, data: bytes | None = None, key=None) -> Photo:
    return services.photo_receive(
        by=actor(user), encounter=encounter, view=view, upload=upload(data or pictures.jpeg()), form_key=key or uuid4()
    )


def finish(photo: Photo) -> Photo:
    processing.photo_process(photo_id=photo.pk)
    photo.refresh_from_db()
    return photo


@pytest.mark.promise("P17")
def test_an_upload_is_received_sealed_and_then_ready_with_the_original_gone(ana, encounter, store: Store) -> None:
    data = pictures.jpeg(**pictures.with_secrets())
    photo = send(ana, encounter, data=data)
    assert photo.state == PhotoState.RECEIVED
    (name,) = store()
    with storages["sealed"].open(name) as file:
        assert pictures.MARK not in file.read()
    assert sealed.read(photo.quarantine_name, photo.quarantine_key) == data

    photo = finish(photo)
    assert photo.state == PhotoState.READY
    assert store() == sorted([photo.image_name, photo.thumb_name])
    assert photo.quarantine_name == ""
    assert photo.quarantine_key is None
    assert photo.ready_at is not None
    picture = assert_only_a_picture(sealed.read(photo.image_name, photo.image_key))
    assert (photo.width, photo.height) == picture.size == (640, 480)
    assert assert_only_a_picture(sealed.read(photo.thumb_name, photo.thumb_key)).size == (320, 240)
    event = AccessEvent.objects.get(object_id=photo.pk)
    assert (event.action, event.actor_id, event.subject_id) == (Action.CREATE, ana.pk, encounter.patient_id)


def test_no_name_or_type_of_the_upload_is_kept_anywhere(ana, encounter, store: Store) -> None:
    photo = services.photo_receive(
        by=actor(ana), encounter=encounter, view="front", form_key=uuid4(),
        upload=upload(pictures.jpeg(), name="ZQX-unique-name.jpg"),
    )
    finish(photo)
    row = Photo.objects.filter(pk=photo.pk).values().get()
    assert "ZQX" not in str(row)
    assert not any("ZQX" in name for name in store())


def test_a_hidden_fault_ends_as_a_reason_and_leaves_no_file(ana, encounter, store: Store) -> None:
    photo = finish(send(ana, encounter, data=pictures.jpeg()[:4000]))
    assert photo.state == PhotoState.REFUSED
    assert photo.refusal_code == "broken"
    assert store() == []
    (card,) = selectors.photo_cards(encounter.pk)
    assert card.reason.startswith("That photo is damaged")
    assert PhotoView.FRONT in selectors.missing_views(encounter)


@pytest.mark.parametrize("data", [b"", b"<html>", b"%PDF-1.4", b"GIF89a" + b"\0" * 50])
def test_what_is_no_photo_is_refused_at_once_and_nothing_is_stored(ana, encounter, store: Store, data: bytes) -> None:
    kept = send(ana, encounter)
    with pytest.raises(PhotoRefused):
        services.photo_receive(
            by=actor(ana), encounter=encounter, view="front", upload=upload(data), form_key=uuid4()
        )
    assert list(Photo.objects.all()) == [kept], "the former photo stays"
    assert store() == [kept.quarantine_name]


def test_a_file_too_big_is_refused_at_once(ana, encounter, store: Store, settings) -> None:
    settings.PHOTO_MAX_BYTES = 1000
    with pytest.raises(PhotoRefused) as caught:
        send(ana, encounter)
    assert caught.value.code == "too_big"
    assert store() == []
    assert not Photo.objects.exists()


def test_five_presses_make_one_photo_and_one_file(ana, encounter, store: Store) -> None:
    key = uuid4()
    photos = {send(ana, encounter, key=key).pk for _ in range(5)}
    assert len(photos) == 1
    assert Photo.objects.count() == 1
    assert len(store()) == 1


def test_five_presses_at_the_same_moment_make_one_photo_and_one_file(ana, encounter, store: Store) -> None:
    key, data, results = uuid4(), pictures.jpeg(), []
    barrier = threading.Barrier(5)

    def press() -> None:
        try:
            barrier.wait()
            results.append(send(ana, encounter, data=data, key=key).pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 5
    assert len(set(results)) == 1
    assert Photo.objects.count() == 1
    assert len(store()) == 1


def test_retaking_three_times_leaves_one_photo_and_no_orphan(ana, encounter, store: Store) -> None:
    for number in range(3):
        photo = send(ana, encounter, data=pictures.jpeg(quality=80 + number))
        if number != 1:  # one retake comes before the worker was there
            photo = finish(photo)
    send(ana, encounter, view=PhotoView.LEFT)
    assert Photo.objects.filter(view=PhotoView.FRONT).get() == photo
    assert len(store()) == 3, "image and thumbnail of the last, upload of the other view"
    assert AccessEvent.objects.filter(action=Action.DELETE, object_kind="records.photo").count() == 2


def test_a_late_press_does_not_bring_back_a_photo_that_was_retaken(ana, encounter, store: Store) -> None:
    first_key = uuid4()
    send(ana, encounter, key=first_key)
    second = send(ana, encounter)
    with pytest.raises(DomainError) as caught:
        send(ana, encounter, key=first_key)
    assert caught.value.code == "photo_already_sent"
    assert Photo.objects.get() == second
    assert store() == [second.quarantine_name]


def test_a_photo_retaken_while_the_worker_has_it_leaves_nothing(ana, encounter, store: Store, monkeypatch) -> None:
    first = send(ana, encounter)
    made = processing.pipeline.process

    def slow(data: bytes) -> Processed:
        send(ana, encounter, data=pictures.jpeg(quality=70))
        return made(data)

    monkeypatch.setattr(processing.pipeline, "process", slow)
    processing.photo_process(photo_id=first.pk)
    (second,) = Photo.objects.all()
    assert second.pk != first.pk
    assert store() == [second.quarantine_name]


def test_after_handing_in_a_new_photo_stands_beside_the_one_the_clinician_saw(ana, encounter, store: Store) -> None:
    seen = finish(send(ana, encounter))
    Encounter.objects.filter(pk=encounter.pk).update(submitted_at=timezone.now())
    newer = send(ana, encounter)
    newest = send(ana, encounter)
    assert set(Photo.objects.all()) == {seen, newest}
    assert not Photo.objects.filter(pk=newer.pk).exists()
    with pytest.raises(DomainError) as caught:
        services.photo_remove(by=actor(ana), photo=seen)
    assert caught.value.code == "photo_handed_in"


def test_a_closed_consult_takes_no_photo(ana, encounter, store: Store) -> None:
    Encounter.objects.filter(pk=encounter.pk).update(closed_at=timezone.now())
    with pytest.raises(DomainError) as caught:
        send(ana, encounter)
    assert caught.value.code == "encounter_closed"
    assert store() == []


def test_removing_a_photo_removes_its_files_and_a_second_press_does_no_harm(ana, encounter, store: Store) -> None:
    photo = finish(send(ana, encounter))
    services.photo_remove(by=actor(ana), photo=photo)
    services.photo_remove(by=actor(ana), photo=photo)
    assert store() == []
    assert not Photo.objects.exists()


def test_deleting_the_encounter_takes_the_files_along(ana, encounter, store: Store) -> None:
    finish(send(ana, encounter))
    send(ana, encounter, view=PhotoView.LEFT)
    encounter.delete()
    assert store() == []


def test_an_erasure_that_is_rolled_back_keeps_the_files(ana, encounter, store: Store) -> None:
    photo = finish(send(ana, encounter))
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        photo.delete()
        raise ZeroDivisionError
    assert len(store()) == 2


@pytest.mark.promise("P21")
def test_nobody_else_can_send_or_remove_a_photo(ana, ben, clinician, support, encounter, store: Store) -> None:
    patient_for(ben)
    photo = send(ana, encounter)
    for other in (ben, clinician, support):
        with pytest.raises(NotVisible):
            send(other, encounter)
        with pytest.raises(NotVisible):
            services.photo_remove(by=actor(other), photo=photo)
    assert list(Photo.objects.all()) == [photo]
    assert store() == [photo.quarantine_name]


def test_an_unknown_view_is_refused_with_a_sentence(ana, encounter, store: Store) -> None:
    with pytest.raises(DomainError) as caught:
        send(ana, encounter, view="elbow")
    assert caught.value.field == "view"
    assert store() == []


def test_there_is_an_end_to_the_number_of_photos(ana, encounter, store: Store, settings) -> None:
    settings.PHOTOS_PER_ENCOUNTER = 2
    send(ana, encounter, view=PhotoView.FRONT)
    send(ana, encounter, view=PhotoView.LEFT)
    with pytest.raises(DomainError) as caught:
        send(ana, encounter, view=PhotoView.RIGHT)
    assert caught.value.code == "photo_too_many"
    assert len(store()) == 2
    send(ana, encounter, view=PhotoView.LEFT)  # a retake is possible still


def test_when_the_store_fails_the_person_is_told_and_nothing_is_kept(ana, encounter, monkeypatch) -> None:
    def down(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(services.sealed, "write", down)
    key = uuid4()
    with pytest.raises(DomainError) as caught:
        send(ana, encounter, key=key)
    assert caught.value.code == "photo_store_down"
    assert "try again" in caught.value.message
    assert not Photo.objects.exists()
    monkeypatch.undo()
    assert send(ana, encounter, key=key).state == PhotoState.RECEIVED, "the same press works when the store is back"


def test_a_store_that_fails_under_the_worker_costs_no_try(ana, encounter, store: Store, monkeypatch) -> None:
    photo = send(ana, encounter)

    def down(*_: object, **__: object) -> None:
        raise ConnectionError

    for broken in ("read", "write"):
        monkeypatch.setattr(processing.sealed, broken, down)
        for _ in range(5):
            Photo.objects.update(leased_until=None)
            photo = finish(photo)
            assert (photo.state, photo.attempts) == (PhotoState.RECEIVED, 0)
        monkeypatch.undo()
    assert photo.leased_until > timezone.now()
    Photo.objects.update(leased_until=None)
    assert finish(photo).state == PhotoState.READY
    assert len(store()) == 2


def test_an_upload_that_vanished_or_does_not_open_ends_as_a_reason(ana, encounter, store: Store) -> None:
    gone = send(ana, encounter)
    sealed.delete(gone.quarantine_name)
    spoiled = send(ana, encounter, view=PhotoView.LEFT)
    spoiled.quarantine_key = b"0" * 32
    spoiled.save()
    for photo in (gone, spoiled):
        photo = finish(photo)
        assert (photo.state, photo.refusal_code) == (PhotoState.REFUSED, "failed")
    assert store() == []


def test_a_photo_is_tried_a_limited_number_of_times(ana, encounter, store: Store, settings, monkeypatch) -> None:
    def lost(_: bytes) -> Processed:
        raise SandboxLost("ended")

    monkeypatch.setattr(processing.pipeline, "process", lost)
    photo = send(ana, encounter)
    for number in range(1, settings.PHOTO_MAX_ATTEMPTS + 1):
        photo = finish(photo)
        assert (photo.state, photo.attempts) == (PhotoState.RECEIVED, number)
        again = finish(photo)
        assert again.attempts == number, "not before its pause is over"
        Photo.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    photo = finish(photo)
    assert (photo.state, photo.refusal_code) == (PhotoState.REFUSED, "failed")
    assert store() == []


def test_a_photo_whose_worker_was_killed_is_found_and_done_once_its_lease_is_over(ana, encounter, store: Store) -> None:
    photo = send(ana, encounter)
    assert processing._worker._claim(photo.pk) is not None  # and here the worker is killed
    assert processing.photos_sweep() == 0, "the lease still holds"
    Photo.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert processing.photos_sweep() == 1
    photo.refresh_from_db()
    assert photo.state == PhotoState.READY
    assert len(store()) == 2


def test_a_worker_that_comes_back_late_changes_nothing(ana, encounter, store: Store, monkeypatch) -> None:
    photo = send(ana, encounter)
    made = processing.pipeline.process

    def overtaken(data: bytes) -> Processed:
        monkeypatch.undo()
        Photo.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        processing.photo_process(photo_id=photo.pk)
        return made(data)

    monkeypatch.setattr(processing.pipeline, "process", overtaken)
    kept = store
    processing.photo_process(photo_id=photo.pk)
    photo.refresh_from_db()
    assert photo.state == PhotoState.READY
    assert kept() == sorted([photo.image_name, photo.thumb_name])


def test_processing_twice_or_processing_what_is_gone_does_nothing(ana, encounter, store: Store) -> None:
    photo = finish(send(ana, encounter))
    before = store()
    finish(photo)
    processing.photo_process(photo_id=uuid4())
    assert store() == before


def test_the_sweep_task_finishes_what_no_message_told_of_and_the_task_takes_an_id(ana, encounter, store: Store) -> None:
    swept, told = send(ana, encounter), send(ana, encounter, view=PhotoView.LEFT)
    tasks.process(str(told.pk))
    assert {card.view for card in selectors.photo_cards(encounter.pk) if card.ready} == {PhotoView.LEFT}
    tasks.sweep()
    swept.refresh_from_db()
    assert swept.state == PhotoState.READY
    assert selectors.all_settled(encounter.pk)


def test_files_without_a_row_are_swept_once_they_are_old_and_others_never(
    ana, encounter, store: Store, monkeypatch
) -> None:
    finish(send(ana, encounter))
    send(ana, encounter, view=PhotoView.LEFT)
    owned = store()
    orphans = [sealed.write(b"x", folder=folder).name for folder in (files.KEPT, files.QUARANTINE)]
    assert sum(files.sweep(part=part) for part in range(256)) == 0, "too young"
    monkeypatch.setattr(intake_files, "ORPHAN_AGE", timedelta(seconds=-1))
    assert sum(files.sweep(part=part) for part in range(256)) == 2
    assert store() == owned
    assert not any(sealed.exists(name) for name in orphans)


def test_the_selectors_open_no_key_and_need_one_query(ana, encounter, store: Store, django_assert_num_queries) -> None:
    for view in (PhotoView.RIGHT, PhotoView.FRONT, PhotoView.LEFT):
        finish(send(ana, encounter, view=view))
    with django_assert_num_queries(1) as queries:
        cards = selectors.photo_cards(encounter.pk)
        assert selectors.missing_views(encounter, cards=cards) == []
    assert [card.view for card in cards] == [PhotoView.FRONT, PhotoView.LEFT, PhotoView.RIGHT]
    assert all(card.small for card in cards), "640 x 480 is below the advised size"
    assert not any(key in query["sql"] for key in selectors.KEYS for query in queries.captured_queries)


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "ready"}, {"state": "refused"}, {"refusal_code": "broken"}, {"quarantine_name": ""},
        {"image_name": "x", "thumb_name": "y"},
    ],
)
def test_the_database_refuses_a_photo_whose_state_and_files_disagree(ana, encounter, store: Store, wrong) -> None:
    photo = send(ana, encounter)
    with pytest.raises(IntegrityError):
        Photo.objects.filter(pk=photo.pk).update(**wrong)


def test_every_deed_in_every_state_is_in_the_table_or_refused() -> None:
    for state in PhotoState:
        for deed in UploadDeed:
            if (state, deed) in TRANSITIONS:
                assert after(state, deed) in PhotoState
            else:
                with pytest.raises(KeyError):
                    after(state, deed)
    ends = {PhotoState.READY, PhotoState.REFUSED}
    assert not any(state in ends for state, _ in TRANSITIONS)


def test_the_portal_itself_may_store_a_photo_for_the_demo(ana, encounter, store: Store) -> None:
    photo = services.photo_receive(
        by=SYSTEM, encounter=encounter, view="front", upload=upload(pictures.jpeg()), form_key=uuid4()
    )
    assert finish(photo).state == PhotoState.READY
    assert connection.in_atomic_block is False
