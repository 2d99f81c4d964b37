"""One incident on the officer's desk: clocks, facts, people, assessment, timeline; and the year's log."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.accounts.selectors import display_names
from portal.dates import clinic_zone
from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, visible_or_404
from portal.permissions import Purpose
from portal.spreadsheets import csv_response
from privacy.incidents import selectors
from privacy.incidents.desk_forms import (
    AssessmentForm,
    CountForm,
    DelayForm,
    DiscoveryForm,
    FactsForm,
    FindForm,
    NoteForm,
    PersonForm,
    ReasonForm,
    RegisterForm,
    StrangerForm,
)
from privacy.incidents.models import FACTORS, DataKind, Incident
from privacy.incidents.services import assessing, people
from privacy.incidents.state import IncidentState
from privacy.incidents.views.parts import form_page, incident_shown
from privacy.keeping.selectors import held_people
from records.vault import search_patients
from records.vault.content import opened


@require_GET
def incident(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """The clocks, what happened, whose information it was, and the timeline."""
    row = incident_shown(request, incident_id)
    events = list(row.timeline.all())
    names = display_names([*(event.actor_id for event in events), row.closed_by])
    kinds = dict(DataKind.choices)
    context = {
        **page_context(request, row), "summary": opened(row, "summary"), "note_form": NoteForm(),
        "kinds": [kinds[code] for code in row.data_kinds if code in kinds],
        "duties": selectors.duty_lines(row), "waits": selectors.delayed_until(row),
        "delays": [(delay, opened(delay, "agency")) for delay in row.delays.order_by("starts_on")],
        "residents": sorted(selectors.residents(row).items()), "reports": row.reports.defer(*selectors.REPORT_WORDS),
        "timeline": [
            (event, names.get(event.actor_id, "") if event.actor_id else "", opened(event, "note")) for event in events
        ],
        "followers": row.followers.order_by("number"),
    }
    return render(request, "privacy/incidents/staff/incident.html", context)


def page_context(request: AuthRequest, row: Incident) -> dict[str, Any]:
    """What each page of an incident shows on top."""
    return {
        **admin.site.each_context(request), "title": _("Incident %(number)d") % {"number": row.number}, "row": row,
        "open": row.state != IncidentState.CLOSED, "discovered_on": selectors.discovered_on(row),
        "notifying": row.state == IncidentState.NOTIFYING, "assessing": row.state == IncidentState.ASSESSING,
    }


def _back(incident_id: UUID) -> tuple[str, dict[str, UUID]]:
    return "incident", {"incident_id": incident_id}


@require_http_methods(["GET", "POST"])
def facts(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """What happened, when, and what was in it."""
    row = incident_shown(request, incident_id)
    initial = {"summary": opened(row, "summary", ""), "happened_on": row.happened_on, "data_kinds": row.data_kinds}
    return form_page(
        request, FactsForm(request.POST or None, initial=initial), title=_("What happened"), submit=_("Save"),
        back=_back(incident_id),
        deed=lambda values: assessing.facts_write(by=request.actor, incident_id=incident_id, **values),
    )


@require_http_methods(["GET", "POST"])
def discovery(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """When it was first known; all clocks follow."""
    row = incident_shown(request, incident_id)
    initial = {"discovered_at": row.discovered_at.astimezone(clinic_zone())}
    return form_page(
        request, DiscoveryForm(request.POST or None, initial=initial), title=_("Change the day of discovery"),
        submit=_("Change it"), back=_back(incident_id), intro=_("The day before stays in the timeline."),
        deed=lambda values: assessing.discovery_change(by=request.actor, incident_id=incident_id, **values),
    )


@require_http_methods(["GET", "POST"])
def delay(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """Law enforcement asks to wait."""
    incident_shown(request, incident_id)
    return form_page(
        request, DelayForm(request.POST or None), title=_("Law enforcement asks to wait"), submit=_("Record it"),
        back=_back(incident_id),
        intro=_("Until that day is over nobody is told. The clocks move only as far as it lasts."),
        deed=lambda values: assessing.delay_record(by=request.actor, incident_id=incident_id, **values),
    )


@require_http_methods(["GET", "POST"])
def reopen(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """Something new about a closed incident: a new one that names it."""
    incident_shown(request, incident_id)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            new = assessing.incident_reopen(by=request.actor, incident_id=incident_id, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("A new incident is open. The closed one stays as it was."))
            return redirect("admin:incident", incident_id=new.pk)
    return form_page(
        request, form, title=_("Take it up again"), submit=_("Open a new incident"), back=_back(incident_id),
        intro=_("A closed incident is never changed. What is new goes into a new one that names it."),
    )


@require_POST
def note(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """A line in the timeline. What cannot be kept is shown again, with the reason."""
    return _added(
        request, incident_id, NoteForm(request.POST), _("Add a note"),
        lambda values: assessing.note_add(by=request.actor, incident_id=incident_id, note=values["note"]),
        page="incident", done=_("The note is kept."),
    )


@never_cache
@require_http_methods(["GET", "POST"])
def people_page(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """Whose information it was: found by search, by name and address, or counted. Searched words stay nowhere."""
    row = incident_shown(request, incident_id)
    find = FindForm(request.POST or None)
    answer = None
    if request.method == "POST" and find.is_valid():
        try:
            answer = search_patients(by=request.actor, text=find.cleaned_data["words"], purpose=Purpose.LEGAL_DUTY)
        except DomainError as error:
            find.add_error("words", error.message)
    rows = list(row.affected.select_related("notice").order_by("added_at", "pk")[:500])
    numbers = held_people(one.subject_id for one in rows if one.subject_id)
    context = {
        **page_context(request, row), "find": find, "answer": answer, "person": PersonForm(),
        "stranger": StrangerForm(auto_id="stranger_%s"), "count": CountForm(auto_id="count_%s"),
        "residents": sorted(selectors.residents(row).items()),
        "rows": [
            (one, numbers[one.subject_id].number if one.subject_id else opened(one, "name", "")) for one in rows
        ],
    }
    return render(request, "privacy/incidents/staff/people.html", context)


@require_POST
def person_add(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """Add a patient."""
    return _added(
        request, incident_id, PersonForm(request.POST), _("Add a patient"),
        lambda values: people.person_add(
            by=request.actor, incident_id=incident_id, subject_id=values["person"], state=values["state"],
        ),
    )


@require_POST
def stranger_add(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """Add somebody without a record."""
    return _added(
        request, incident_id, StrangerForm(request.POST), _("Add somebody without a record"),
        lambda values: people.stranger_add(by=request.actor, incident_id=incident_id, **values),
    )


@require_POST
def count_add(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """Add a number of people."""
    return _added(
        request, incident_id, CountForm(request.POST), _("Add a number of people"),
        lambda values: people.count_add(by=request.actor, incident_id=incident_id, **values),
    )


def _added(
    request: AuthRequest, incident_id: UUID, form: Any, title: str, deed: Any, *, page: str = "incident_people",
    done: str = "",
) -> HttpResponse:
    """One of several forms of a page: what was refused stands on a page of its own, with all that was typed."""
    visible_or_404(Incident.objects.all(), pk=incident_id)
    return form_page(
        request, form, title=title, submit=_("Add"), back=(page, {"incident_id": incident_id}), deed=deed,
        done=done or _("Added."),
    )


@require_http_methods(["GET", "POST"])
def person_remove(request: AuthRequest, incident_id: UUID, affected_id: UUID) -> HttpResponse:
    """Take a line off the list, with a reason."""
    incident_shown(request, incident_id)
    return form_page(
        request, ReasonForm(request.POST or None), title=_("Take off the list"), submit=_("Take off the list"),
        back=("incident_people", {"incident_id": incident_id}), danger=True,
        deed=lambda values: people.person_remove(
            by=request.actor, incident_id=incident_id, affected_id=affected_id, **values
        ),
    )


@require_http_methods(["GET", "POST"])
def register(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """Put the breach into the register of disclosures of each patient on the list."""
    row = incident_shown(request, incident_id)
    kinds = dict(DataKind.choices)
    initial = {"what": ", ".join(str(kinds[code]) for code in row.data_kinds if code in kinds)}
    return form_page(
        request, RegisterForm(request.POST or None, initial=initial), title=_("Register of disclosures"),
        submit=_("Write it into the register"), back=("incident_people", {"incident_id": incident_id}),
        intro=_("For what went outside the clinic: each patient on the list then finds it in their own list."),
        deed=lambda values: people.register_write(by=request.actor, incident_id=incident_id, **values),
    )


@require_http_methods(["GET", "POST"])
def assessment(request: AuthRequest, incident_id: UUID) -> HttpResponse:
    """Four factors, outcome, conclusion: kept as a draft, or signed."""
    row = incident_shown(request, incident_id)
    draft = row.assessment
    names = [*FACTORS, *(f"{factor}_level" for factor in FACTORS), "outcome", "exception", "conclusion"]
    initial = {name: opened(draft, name, "") for name in names}
    form = AssessmentForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        signing = "sign" in request.POST
        deed = assessing.assessment_sign if signing else assessing.assessment_write
        try:
            deed(by=request.actor, incident_id=incident_id, values=form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("Signed.") if signing else _("The draft is kept."))
            return redirect("admin:incident" if signing else "admin:incident_assessment", incident_id=incident_id)
    signer = display_names([draft.signed_by]).get(draft.signed_by, "") if draft.signed_by else ""
    context = {**page_context(request, row), "form": form, "draft": draft, "values": initial, "signer": signer}
    return render(request, "privacy/incidents/staff/assessment.html", context)


@require_GET
def log(request: AuthRequest, year: int) -> HttpResponse:
    """The incidents of a calendar year of discovery: what HHS is told of small breaches after its end."""
    _must_be_a_year(year)
    context = {
        **admin.site.each_context(request), "title": _("Incidents of %(year)d") % {"year": year}, "year": year,
        "lines": selectors.year_log(year), "years": selectors.years_with_incidents(),
    }
    return render(request, "privacy/incidents/staff/log.html", context)


@require_GET
def log_file(request: AuthRequest, year: int) -> StreamingHttpResponse:
    """The same as a file."""
    _must_be_a_year(year)
    return csv_response("incidents.csv", selectors.LOG_HEADER, selectors.log_rows(selectors.year_log(year)))


def _must_be_a_year(year: int) -> None:
    if not 1900 <= year <= 9998:
        raise NotVisible
