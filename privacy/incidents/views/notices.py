"""Telling people of a breach: the words, the notices, who came back, the public notice, who else was told."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portal.errors import DomainError
from portal.guards import AuthRequest
from privacy.incidents import selectors
from privacy.incidents.clocks import substitute_needed
from privacy.incidents.desk_forms import HowForm, NoticeForm, ToldForm
from privacy.incidents.notice_models import PARTS, PublicNotice
from privacy.incidents.services import notifying
from privacy.incidents.views.incidents import page_context
from privacy.incidents.views.parts import form_page, incident_shown, one_deed
from privacy.keeping.selectors import held_people
from records.vault.content import opened

SHOWN = 200


@require_http_methods(["GET", "POST"])
def notice(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """The five parts, the notices as they stand, and what is left to do."""
    row = incident_shown(request, incident_id)
    text = row.notice_text
    initial = {part: opened(text, part, "") for part in PARTS}
    initial["contact"] = initial["contact"] or _contact()
    form = NoticeForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            notifying.notice_write(by=request.actor, incident_id=incident_id, values=form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("The words are kept."))
            return redirect("admin:incident_notice", incident_id=incident_id)
    notices = list(selectors.notices_of(row)[:SHOWN])
    numbers = held_people(one.affected.subject_id for one in notices if one.affected.subject_id)
    unreached = selectors.unreached(row)
    context = {
        **page_context(request, row), "form": form, "text": text, "values": initial, "how": HowForm(auto_id=False),
        "notices": [
            (one, numbers[one.affected.subject_id].number if one.affected.subject_id
             else opened(one.affected, "name", "")) for one in notices
        ],
        "missing": len(selectors.without_notice(row)), "unreached": unreached,
        "on_the_way": selectors.on_the_way(row),
        "without_address": [(one, opened(one, "name", "")) for one in selectors.without_address(row)[:SHOWN]],
        "substitute": substitute_needed(unreached), "posted": PublicNotice.objects.filter(incident=row).first(),
        "toll_free": settings.CLINIC_TOLL_FREE, "duties": selectors.duty_lines(row),
        "waits": selectors.delayed_until(row),
    }
    return render(request, "privacy/incidents/staff/notice.html", context)


def _contact() -> str:
    """How to reach the clinic, to start from (RULES 3.10)."""
    lines = [settings.CLINIC_OFFICER_NAME, settings.CLINIC_LEGAL_NAME, *settings.CLINIC_ADDRESS]
    toll_free = settings.CLINIC_TOLL_FREE or settings.CLINIC_PHONE
    return "\n".join([*lines, _("Phone: %(phone)s") % {"phone": toll_free}, settings.CLINIC_OFFICER_EMAIL])


@require_POST
def send(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """Start the notices."""
    return one_deed(
        request, "incident_notice", incident_id,
        lambda: notifying.notices_send(by=request.actor, incident_id=incident_id),
        _("The notices are being written. Letters wait in the print queue."),
    )


@require_POST
def returned(request: AuthRequest, incident_id: UUID, notice_id: UUID) -> HttpResponse:
    """A notice came back."""
    return one_deed(
        request, "incident_notice", incident_id,
        lambda: notifying.notice_returned(by=request.actor, incident_id=incident_id, notice_id=notice_id),
        _("Noted: it came back."),
    )


@require_POST
def reached(request: AuthRequest, incident_id: UUID, notice_id: UUID) -> HttpResponse:
    """Somebody was reached in another way."""
    how = request.POST.get("how", "")[:500]
    return one_deed(
        request, "incident_notice", incident_id,
        lambda: notifying.notice_reached(
            by=request.actor, incident_id=incident_id, notice_id=notice_id, how=how
        ), _("Noted."),
    )


@require_POST
def person_reached(request: AuthRequest, incident_id: UUID, affected_id: UUID) -> HttpResponse:
    """Somebody without an address was told in another way."""
    how = request.POST.get("how", "")[:500]
    return one_deed(
        request, "incident_notice", incident_id,
        lambda: notifying.person_reached(
            by=request.actor, incident_id=incident_id, affected_id=affected_id, how=how
        ), _("Noted."),
    )


@require_POST
def post_publicly(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """Put the notice on the home page."""
    return one_deed(
        request, "incident_notice", incident_id,
        lambda: notifying.public_notice_post(by=request.actor, incident_id=incident_id),
        _("The notice stands on the home page for 90 days."),
    )


@require_http_methods(["GET", "POST"])
def told(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """HHS, the media or the bureaus have been told, or all the people have."""
    incident_shown(request, incident_id)
    form = ToldForm(request.POST or None, initial={"kind": request.GET.get("who", "")[:12]})
    return form_page(
        request, form, title=_("Somebody was told"), submit=_("Record it"),
        back=("incident_notice", {"incident_id": incident_id}),
        deed=lambda values: notifying.duty_done(by=request.actor, incident_id=incident_id, **values),
    )


@require_POST
def close(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """Close a breach when everybody was told."""
    return one_deed(
        request, "incident", incident_id, lambda: notifying.incident_close(by=request.actor, incident_id=incident_id),
        _("Closed. It is kept for six years and never changed."),
    )
