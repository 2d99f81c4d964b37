"""The documents of the upload corpus end as its manifest expects, on the document path (P07, P19)."""

from __future__ import annotations

import io
from uuid import uuid4

import pikepdf
import pytest
from django.core.files.base import ContentFile
from PIL import Image

from portal.accounts.models import User
from portal.errors import NotVisible
from portal.permissions import Purpose
from records.documents import pipeline
from records.documents.models import Document
from records.documents.processing import document_process
from records.documents.services import document_receive
from records.intake.models import UploadState
from records.vault.documents import open_document_file
from tests.photos.test_corpus import DOCUMENTS, content, rows
from tests.records.building import person

pytestmark = pytest.mark.promise("P07", "P19")
ROWS = [row for row in rows() if row["real_type"] in DOCUMENTS]
# Why each refused row is refused: a pipeline that refuses everything would pass without this.
CODES = {
    "multipage.tiff": "many_pictures", "bomb_giant.pdf": "too_heavy", "libreoffice-writer-password.pdf": "locked",
}
ACTIVE = ("/JavaScript", "/JS", "/Launch", "/AA", "/EmbeddedFiles", "/EmbeddedFile", "/AcroForm", "/XFA", "/Metadata")


def active_parts(data: bytes) -> list[str]:
    """Names of anything in a PDF that could act, ask or carry something along."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        found = []
        for thing in pdf.objects:
            names = thing.keys() if isinstance(thing, pikepdf.Dictionary | pikepdf.Stream) else ()
            found += [name for name in names if name in ACTIVE]
            if isinstance(thing, pikepdf.Dictionary) and thing.get("/S") in ("/JavaScript", "/Launch", "/URI"):
                found.append(str(thing["/S"]))
        return found


def test_the_corpus_has_documents() -> None:
    assert not rows() or len(ROWS) >= 10


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_a_document_of_the_corpus_ends_as_its_manifest_row_says(row: dict[str, str]) -> None:
    try:
        made = pipeline.process(content(row))
    except pipeline.DocumentRefused as refused:
        assert row["expected"] in ("refuse", "refuse-or-clean"), refused.code
        assert refused.code == CODES[row["file"]] and refused.message.endswith(".")
        return
    assert row["expected"] in ("accept", "refuse-or-clean")
    pictures = [made.thumb, *made.pages]
    if made.content_type == "application/pdf":
        assert active_parts(made.file) == []
        with pikepdf.open(io.BytesIO(made.file)) as pdf:
            assert len(made.pages) == len(pdf.pages) > 0
            assert not pdf.is_encrypted and not pdf.docinfo.keys()
    else:
        pictures.append(made.file)
    for picture in pictures:
        image = Image.open(io.BytesIO(picture))
        image.load()
        assert image.format == "JPEG" and not image.getexif()
        if row["expected"] == "accept":  # one that is cleaned may have held nothing but a form
            assert len(set(image.convert("L").tobytes())) > 1, "a page was drawn as nothing"


@pytest.mark.django_db(transaction=True)
def test_a_lab_result_is_received_cleaned_and_read_back_through_the_vault(ana: User, ben: User) -> None:
    row = next((row for row in ROWS if row["file"] == "gen-lab-text.pdf"), None)
    data = content(row) if row else _pdf()
    patient = person(ana)
    document = document_receive(
        by=ana.actor, patient_id=patient.pk, kind="lab_result", title="Blood test", form_key=uuid4(),
        upload=ContentFile(data, name="lab.pdf"),
    )
    assert document.state == UploadState.RECEIVED
    document_process(document_id=document.pk)
    document.refresh_from_db()
    assert document.state == UploadState.READY and document.pages == 1 and document.quarantine_name == ""
    kept = open_document_file(by=ana.actor, document_id=document.pk, variant="file", purpose=Purpose.CARE)
    assert kept.content_type == "application/pdf" and kept.data[:5] == b"%PDF-"
    page = open_document_file(by=ana.actor, document_id=document.pk, variant="preview", purpose=Purpose.CARE)
    assert Image.open(io.BytesIO(page.data)).format == "JPEG"
    with pytest.raises(NotVisible):
        open_document_file(by=ben.actor, document_id=document.pk, variant="file", purpose=Purpose.CARE)


@pytest.mark.django_db(transaction=True)
def test_five_presses_keep_one_document(ana: User) -> None:
    patient, key = person(ana), uuid4()
    for _press in range(5):
        document_receive(
            by=ana.actor, patient_id=patient.pk, kind="lab_result", form_key=key,
            upload=ContentFile(_pdf(), name="lab.pdf"),
        )
    assert Document.objects.count() == 1


def _pdf() -> bytes:
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(300, 300))
        page.Contents = pdf.make_stream(b"0 0 0 rg 50 50 100 100 re f")
        pdf.save(out)
    return out.getvalue()
