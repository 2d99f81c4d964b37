"""The optional virus scanner: a known bad file is refused, and a silent scanner makes uploads wait (P07, P19)."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from portal.accounts.models import User
from records.documents.models import Document
from records.documents.processing import document_process
from records.documents.selectors import held_up
from records.documents.services import document_receive
from records.intake import scanner
from records.intake.models import UploadState
from tests.documents.building import jpeg
from tests.records.building import person

pytestmark = [pytest.mark.promise("P07", "P19")]
# In two parts, so that no scanner stops at this file.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-" + rb"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Clamd:
    """As clamd speaks on its socket: INSTREAM in pieces, one answer, then it hangs up."""

    def __init__(self, path: Path) -> None:
        self.says: Callable[[bytes], bytes] = known
        self.seen: list[bytes] = []
        self.door = socket.socket(socket.AF_UNIX)
        self.door.bind(str(path))
        self.door.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                channel, _address = self.door.accept()
            except OSError:
                return
            with channel, channel.makefile("rb") as stream:
                assert stream.read(10) == b"zINSTREAM\0"
                data = b""
                while (length := struct.unpack(">I", stream.read(4))[0]):
                    data += stream.read(length)
                self.seen.append(data)
                with suppress(OSError):  # who waited too long has gone
                    channel.sendall(self.says(data))


def known(data: bytes) -> bytes:
    return b"stream: Eicar-Signature FOUND\0" if EICAR in data else b"stream: OK\0"


@pytest.fixture
def clamd(tmp_path: Path, settings: Any) -> Iterator[Clamd]:
    path = tmp_path / "clamd"
    settings.CLAMD_ADDRESS = str(path)
    running = Clamd(path)
    yield running
    running.door.close()


def sent(ana: User, data: bytes) -> Document:
    row = document_receive(
        by=ana.actor, patient_id=person(ana).pk, kind="lab_result", form_key=uuid4(), upload=ContentFile(data, name="x")
    )
    document_process(document_id=row.pk)
    row.refresh_from_db()
    return row


@pytest.mark.django_db
def test_a_known_bad_file_is_refused_with_words_and_nothing_of_it_stays(clamd: Clamd, ana: User) -> None:
    row = sent(ana, jpeg() + EICAR)
    assert (row.state, row.refusal_code) == (UploadState.REFUSED, "infected")
    assert (row.quarantine_name, row.file_name) == ("", "") and len(clamd.seen) == 1


@pytest.mark.django_db
def test_a_good_file_is_shown_to_it_whole_and_passes(clamd: Clamd, ana: User) -> None:
    data = jpeg() + b"\0" * (scanner.PIECE + 7)  # more than one piece
    assert sent(ana, data).state == UploadState.READY
    assert clamd.seen == [data]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "answer", [b"", b"INSTREAM size limit exceeded. ERROR\0", b"stream: OK but not quite", b"\xff" * 50]
)
def test_without_a_clear_answer_it_waits_costs_no_try_and_staff_see_it(
    answer: bytes, clamd: Clamd, ana: User
) -> None:
    clamd.says = lambda _data: answer
    row = sent(ana, jpeg())
    assert (row.state, row.held_by, row.attempts) == (UploadState.RECEIVED, "scanner", 0)
    assert held_up() == {"scanner": 1}
    clamd.says = known
    Document.objects.filter(pk=row.pk).update(leased_until=timezone.now())
    document_process(document_id=row.pk)
    row.refresh_from_db()
    assert (row.state, row.held_by, held_up()) == (UploadState.READY, "", {})


@pytest.mark.parametrize("address", ["/nowhere/clamd", "localhost:1", "no port at all"])
def test_a_scanner_that_is_not_there_is_trouble_and_not_a_yes(address: str, settings: Any) -> None:
    settings.CLAMD_ADDRESS = address
    with pytest.raises(scanner.ScannerDown):
        scanner.finds(b"data")


def test_one_that_is_slow_is_given_up_in_time(clamd: Clamd, settings: Any) -> None:
    settings.CLAMD_SECONDS = 0.3
    stop = threading.Event()
    clamd.says = lambda _data: bytes(stop.wait(5))
    with pytest.raises(scanner.ScannerDown):
        scanner.finds(b"data")
    stop.set()


def test_without_one_in_the_settings_nobody_is_asked(settings: Any) -> None:
    settings.CLAMD_ADDRESS = ""
    assert scanner.finds(EICAR) is False
