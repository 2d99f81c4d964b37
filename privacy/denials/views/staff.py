"""Refusing (the officer), and looking again (a clinician who had no part in it)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, visible_or_404
from portal.permissions import Purpose
from privacy.denials import services
from privacy.denials.forms import RefusalForm, ReviewAskForm, ReviewDecisionForm
from privacy.denials.grounds import BY_KIND, COPIES, listed
from privacy.denials.models import Denial, ReviewDecision
from privacy.denials.selectors import reviews_for, withheld_from
from privacy.requests.models import RequestKind, RightsRequest
from privacy.requests.views.deeds import filled
from records.access import may_open
from records.amendments.models import PaperKind
from records.amendments.parts import Part, kind_of, parts_of
from records.amendments.selectors import has_paper
from records.amendments.services import request_paper
from records.vault import open_record
from records.vault.content import opened
from records.vault.part import PartView, open_part


@require_http_methods(["GET", "POST"])
def refuse(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Say no on a listed ground; the letter is made of it and has everything that the law wants."""
    row = visible_or_404(RightsRequest.objects.all(), pk=request_id)
    form = RefusalForm(request.POST or None, kind=row.kind, parts=_parts(request, row))
    if request.method == "POST" and form.is_valid():
        try:
            services.request_refuse(by=request.actor, request_id=row.pk, no=form.no)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(
                request, _("The letter is in the patient’s portal, and a mail tells them so.") if row.account_id
                else _("The letter waits to be printed and posted."),
            )
            return redirect("admin:privacy_request", request_id=row.pk)
    context = {
        **admin.site.each_context(request), "title": _("Do not grant it"), "row": row, "form": form,
        "kind_label": row.get_kind_display(),
    }
    return render(request, "privacy/denials/refuse.html", context)


def _parts(request: AuthRequest, row: RightsRequest) -> list[Part]:
    """What a copy can leave out: the parts of the record, while it is open to this officer for the request."""
    opens = row.subject_id is not None and any(one.rest for one in BY_KIND.get(row.kind, ())) and may_open(
        by=request.actor, patient_id=row.subject_id, purpose=Purpose.LEGAL_DUTY, whole=True
    )
    if not opens or row.subject_id is None:
        return []
    return parts_of(open_record(by=request.actor, patient_id=row.subject_id, purpose=Purpose.LEGAL_DUTY))


@require_POST
def review_noted(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Somebody asked for a review by letter, mail or phone, as every letter of a "no" offers (RULES 1.16)."""
    said = _("Noted. Somebody who had no part in our answer looks at it again.")
    return filled(request, request_id, "review_form", ReviewAskForm(request.POST), services.review_ask, said)


@require_GET
def reviews(request: AuthRequest) -> HttpResponse:
    """What waits for a second look by somebody who had no part in the answer."""
    rows = list(reviews_for(request.actor)[:200])
    context = {
        **admin.site.each_context(request), "title": _("Reviews of refusals"),
        "cards": [{"row": row, "kind": row.request.get_kind_display(), "mine": row.reviewer_id == request.account_id}
                  for row in rows],
    }
    return render(request, "privacy/denials/reviews.html", context)


@require_http_methods(["GET", "POST"])
def review(request: AuthRequest, denial_id: UUID) -> HttpResponse:
    """One review: the answer, what the patient says to it, the part it is about, and the decision."""
    row = visible_or_404(reviews_for(request.actor), pk=denial_id)
    form = ReviewDecisionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.review_decide(
                by=request.actor, denial_id=row.pk, decision=ReviewDecision(form.cleaned_data["decision"]),
                reason=form.cleaned_data["reason"], license=form.cleaned_data["license"],
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("Your decision stands, and the patient gets a letter about it."))
            return redirect("admin:privacy_reviews")
    return render(request, "privacy/denials/review.html", {
        **admin.site.each_context(request), "title": _("Review of a refusal"), "form": form,
        **_shown(request, row),
    })


def _shown(request: AuthRequest, row: Denial) -> dict[str, Any]:
    """The "no" in words; the record's part only once the review is one's own (RULES 1.43)."""
    mine = row.reviewer_id == request.account_id
    ground = listed(row.request.kind, row.ground)
    found: dict[str, Any] = {
        "row": row, "kind": row.request.get_kind_display(), "ground": ground.label if ground else row.ground,
        "mine": mine,
    }
    if not mine:
        return found
    access_record(
        by=request.actor, action=Action.VIEW, purpose=Purpose.LEGAL_DUTY, subject_id=row.subject_id,
        object_kind="privacy.denial", object_id=row.pk, basis=f"request:{row.request_id}", durable=True,
    )
    asked_for = RightsRequest.objects.get(pk=row.request_id)
    found |= {
        "letter": opened(asked_for, "denial_letter"), "details": opened(asked_for, "details"),
        "words": opened(row, "review_words"),
    }
    if row.request.kind in COPIES and row.subject_id is not None:
        found["parts"] = _withheld(request, row, row.subject_id)
    if row.request.kind == RequestKind.AMENDMENT and has_paper(row.request_id, PaperKind.REQUEST):
        asked = request_paper(row.request_id)
        found["asked"] = asked
        found["part"] = open_part(
            by=request.actor, patient_id=asked.patient_id, kind=asked.part_kind, part_id=asked.part_id,
            purpose=Purpose.LEGAL_DUTY,
        )
    return found


def _withheld(request: AuthRequest, row: Denial, patient_id: UUID) -> list[PartView]:
    """All that a copy leaves out: nobody can judge what they have not read. One trace each."""
    wanted = sorted(withheld_from(row.request_id))
    kinds = {part: kind_of(patient_id=patient_id, part_id=part) for part in wanted}
    return [
        open_part(by=request.actor, patient_id=patient_id, kind=kind, part_id=part, purpose=Purpose.LEGAL_DUTY)
        for part, kind in kinds.items() if kind is not None
    ]


@require_POST
def review_take(request: AuthRequest, denial_id: UUID) -> HttpResponse:
    """Take the review on; the record opens for it."""
    if not reviews_for(request.actor).filter(pk=denial_id).exists():
        raise NotVisible
    try:
        services.review_take(by=request.actor, denial_id=denial_id)
        messages.success(request, _("The review is yours now."))
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("admin:privacy_review", denial_id=denial_id)
