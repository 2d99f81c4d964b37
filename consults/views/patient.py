"""The patient's home, the first welcome, where a consult stands, messages and the plan."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from consults import selectors, services
from consults.forms import MessageForm, WelcomeForm
from consults.home import Home, home_of, lines_of
from consults.state import TRANSITIONS, UNSENT, ConsultAction, ConsultState
from consults.views.draft import bill_of, sent_data
from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, permission_required, role_required
from portal.permissions import Permission, Purpose, Role
from records.messages.services import messages_read
from records.vault import open_case, open_notes
from records.vault.rooms import is_kept_back

PATIENT = permission_required(Permission.RECORD_OWN)
_ANY = UUID(int=0)  # stands in an address for the id to come
FORM = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def home(request: AuthRequest) -> HttpResponse:
    """The dashboard; staff have their desk, and whoever is new is welcomed first."""
    if request.actor.is_staff:
        return redirect("admin:index")
    home = home_of(request.actor)
    if not home.lines and selectors.own_patient(request.actor) is None:
        if request.actor.role == Role.PATIENT:
            return redirect("consults:welcome")
        return render(request, "consults/home_guardian.html")
    hour = timezone.localtime().hour
    return render(request, "consults/home.html", {
        "home": home, "greeting": _greeting(hour), "may_start": request.actor.role == Role.PATIENT,
        "rows": _rows(home),
    })


def _rows(home: Home) -> list[dict[str, object]]:
    """What each line of the list shows. Two addresses are looked up a page, not two a row: a
    lookup costs as much as the row's words. Dicts, since templates ask them first.
    """
    there, plan = reverse("consults:consult", args=[_ANY]), reverse("consults:plan", args=[_ANY])
    return [
        {
            "url": there.replace(str(_ANY), str(line.consult.pk)), "title": line.title,
            "started_on": line.started_on, "state": line.state_label,
            "plan_url": plan.replace(str(_ANY), str(line.consult.pk)) if line.has_plan else "",
        }
        for line in home.lines
    ]


def _greeting(hour: int) -> str:
    if 5 <= hour < 12:
        return _("Good morning")
    return _("Good afternoon") if 12 <= hour < 18 else _("Good evening")


@FORM
@role_required(Role.PATIENT)
def welcome(request: AuthRequest) -> HttpResponse:
    """Who are you? Asked once, after the address is proven; makes the patient (P06)."""
    if selectors.own_patient(request.actor) is not None:
        return redirect("consults:home")
    form = WelcomeForm(sent_data(request))
    if request.method == "POST" and form.is_valid():
        try:
            services.person_register(by=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return redirect("consults:home")
    return render(request, "consults/welcome.html", {"form": form})


@require_safe
@PATIENT
def consult(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """Where a consult stands, in words and as a way of steps, with what to do next."""
    found = selectors.consult_for(by=request.actor, consult_id=consult_id)
    draft = selectors.draft_open(by=request.actor, consult=found) if found.state == ConsultState.DRAFT else None
    return render(request, "consults/consult.html", {
        "consult": found, "draft": draft, "milestones": selectors.milestones(found),
        "line": bill_of(found),
        "late": found.due_at is not None and found.answered_at is None and found.due_at < timezone.now(),
        "may_withdraw": (ConsultState(found.state), ConsultAction.WITHDRAW) in TRANSITIONS,
    })


@FORM
@PATIENT
def withdraw(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """Take a consult back after one clear question; what was paid is given back."""
    found = selectors.consult_for(by=request.actor, consult_id=consult_id)
    if (ConsultState(found.state), ConsultAction.WITHDRAW) not in TRANSITIONS:
        return redirect("consults:consult", consult_id=found.pk)
    if request.method == "POST":
        try:
            services.consult_withdraw(by=request.actor, consult_id=found.pk)
            messages.success(request, _("You took it back. Nothing more happens with it."))
        except DomainError as error:
            messages.error(request, error.message)
        return redirect("consults:consult", consult_id=found.pk)
    return render(request, "consults/withdraw.html", {
        "consult": found, "unsent": found.state in UNSENT, "line": bill_of(found),
    })


@require_safe
@PATIENT
def messages_list(request: AuthRequest) -> HttpResponse:
    """All threads, the newest words first; what was said is on the thread's own page."""
    lines = [line for line in lines_of(request.actor) if not line.unsent and line.consult.paid_at]
    lines.sort(key=lambda line: line.last_at or line.started_on, reverse=True)
    return render(request, "consults/messages.html", {"lines": lines})


@FORM
@PATIENT
def thread(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """One thread: reading it marks it as read, writing sends once however often one presses (S3)."""
    found = selectors.consult_for(by=request.actor, consult_id=consult_id)
    form = MessageForm(sent_data(request))
    if request.method == "POST" and form.is_valid():
        try:
            services.consult_message(by=request.actor, consult_id=found.pk, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("Sent. A clinician reads it; we mail you when there is an answer."))
            return redirect("consults:thread", consult_id=found.pk)
    shown = selectors.thread_of(by=request.actor, consult=found)
    messages_read(by=request.actor, encounter_id=found.encounter_id)
    notes = open_notes(by=request.actor, patient_id=found.patient_id, purpose=Purpose.CARE)
    return render(request, "consults/thread.html", {"thread": shown, "consult": found, "form": form, "notes": notes})


@require_safe
@PATIENT
def plan(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """The answer: letter, morning, evening, what to watch for; fits on one printed page."""
    found = selectors.consult_for(by=request.actor, consult_id=consult_id)
    case = open_case(by=request.actor, encounter_id=found.encounter_id, purpose=Purpose.CARE)
    if case.encounter.plan is None and is_kept_back(by=request.actor, encounter_id=found.encounter_id):
        messages.info(request, _("Your plan is left out. What stands on this page says why, and what you can do."))
        return redirect("records:record_of", found.patient_id)
    if case.encounter.plan is None:
        raise NotVisible
    return render(request, "consults/plan.html", {
        "consult": found, "patient": case.patient, "plan": case.encounter.plan,
        "assessment": case.encounter.assessment, "notes": case.notes,
    })
