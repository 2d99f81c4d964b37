"""Documents for the tests, as the worker leaves them."""

from __future__ import annotations

import datetime as dt
import io
from uuid import uuid4

from django.utils import timezone
from PIL import Image

from portal.crypto import sealed
from records.documents.files import KEPT
from records.documents.models import Document
from records.intake.models import UploadState
from records.people.models import Patient


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 80), (240, 240, 235)).save(out, "JPEG")
    return out.getvalue()


def a_document(
    patient: Patient, *, title: str = "Blood test", seen: bool = False, dated: dt.date | None = None
) -> Document:
    """A ready document of one page, as a picture."""
    file, thumb = (sealed.write(jpeg(), folder=KEPT) for _file in range(2))
    return Document.objects.create(
        patient=patient, kind="lab_result", title=title, dated=dated, form_key=uuid4(), uploaded_by=uuid4(), pages=1,
        state=UploadState.READY,
        seen_at=timezone.now() if seen else None,
        content_type="image/jpeg", ready_at=timezone.now(), file_name=file.name,
        file_key=file.key, file_bytes=file.size, file_sha256="0" * 64, thumb_name=thumb.name, thumb_key=thumb.key,
    )
