"""A person's own letters: the words as a page, and the PDF."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from portal.guards import AuthRequest, recent_sign_in_required, role_required
from portal.permissions import Role
from privacy.letters import reading

PATIENTS = (Role.PATIENT, Role.GUARDIAN)


@require_GET
@role_required(*PATIENTS)
@recent_sign_in_required
def letter(request: AuthRequest, letter_id: UUID) -> HttpResponse:
    """One letter in words."""
    return render(
        request, "privacy/letters/letter.html", {"letter": reading.letter_open(by=request.actor, letter_id=letter_id)}
    )


@require_GET
@role_required(*PATIENTS)
@recent_sign_in_required
def letter_file(request: AuthRequest, letter_id: UUID) -> HttpResponse:
    """The same letter as a PDF, streamed. Its name holds the letter's number and nothing else."""
    row, content = reading.letter_file(by=request.actor, letter_id=letter_id)
    response = StreamingHttpResponse(content, content_type="application/pdf")
    response["Content-Length"] = str(row.pdf_size)
    response["Content-Disposition"] = f'attachment; filename="letter-{row.reference}.pdf"'
    return cast(HttpResponse, response)
