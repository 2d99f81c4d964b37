"""The officer's desk in the admin: every open request with its clock, and one request with what to do next."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Page
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from portal.accounts.models import User
from portal.accounts.selectors import display_names, staff_of
from portal.admin_site import CappedPaginator
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.guards import AuthRequest, visible_or_404
from portal.jobs.models import Job
from portal.permissions import Purpose, Role
from privacy.letters.selectors import letters_about
from privacy.requests import desk_forms, services, words
from privacy.requests.clock import clock_of, extension_limit, may_extend
from privacy.requests.models import WORDS, RightsRequest
from privacy.requests.registry import rules_of, with_panel
from privacy.requests.selectors import ended_requests, open_requests, twins_of
from privacy.requests.state import RequestAction, steps
from records.access import may_open
from records.vault.content import opened

PER_PAGE = 25
ENDED_SHOWN = 12


def officers(names: dict[UUID, str] | None = None) -> list[tuple[str, str]]:
    """(id, name) of everybody who can work on requests."""
    ids = staff_of(Role.OFFICER)
    known = names if names is not None else display_names(ids)
    return [(str(one), known.get(one) or _("An officer without a name")) for one in ids]


def _cards(rows: list[RightsRequest], names: dict[UUID, str]) -> list[dict[str, Any]]:
    return [
        {
            "row": row, "clock": clock_of(row), "next": words.next_step(row),
            "owner": names.get(row.officer_id, "") if row.officer_id else "",
        }
        for row in rows
    ]


@require_GET
def desk(request: AuthRequest) -> HttpResponse:
    """Open requests, nearest date first, by page and filter; on the first page also what was done last."""
    ids = staff_of(Role.OFFICER)
    names = display_names(ids)
    form = desk_forms.FilterForm(request.GET or None, officers=officers(names))
    chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
    page: Page[RightsRequest] = CappedPaginator(
        _filtered(chosen, request.account_id), PER_PAGE
    ).get_page(request.GET.get("page"))
    rows, ended = list(page.object_list), [] if chosen or page.number > 1 else list(ended_requests(most=ENDED_SHOWN))
    missing = {row.officer_id for row in [*rows, *ended]} - set(names)
    if missing - {None}:
        names |= display_names(missing)
    context = {
        **admin.site.each_context(request),
        "title": _("Privacy requests"), "page": page, "form": form,
        "query": "".join(f"&{urlencode({name: value})}" for name, value in chosen.items() if value),
        "filtered": any(chosen.values()), "total": page.paginator.count,
        "open_cards": _cards(rows, names), "ended_cards": _cards(ended, names),
    }
    return render(request, "privacy/staff/desk.html", context)


def _filtered(chosen: dict[str, Any], me: UUID) -> Any:
    owner = chosen.get("owner", "")
    return open_requests(
        kind=chosen.get("kind", ""), late=chosen.get("late", ""), nobody=owner == desk_forms.NOBODY,
        owner=me if owner == desk_forms.MINE else UUID(owner) if owner and owner != desk_forms.NOBODY else None,
    )


@require_GET
def request_page(request: AuthRequest, request_id: UUID, forms: dict[str, Any] | None = None) -> HttpResponse:
    """One request: who asked and how we know, the clock, what happened, what can be done."""
    row = visible_or_404(RightsRequest.objects.all(), pk=request_id)
    looked_at(request, row)
    rules = rules_of(row.kind)
    may = {action.value for action in steps(services.standing_of(row), request.actor.role)}
    cost = words.cost_open(row)
    context = {
        **admin.site.each_context(request),
        "title": row.get_kind_display(), "row": row, "rules": rules, "clock": clock_of(row), "may": may,
        "told": {name: opened(row, name) for name in WORDS}, "next": words.next_step(row, cost=cost), "cost_open": cost,
        "asked_by": User.objects.only("email", "closed_at").filter(pk=row.account_id).first(),
        "names": _names(row, request), "history": _history(row), "twins": list(twins_of(row)),
        "job": Job.objects.filter(pk=row.job_id).first() if row.job_id else None,
        "particulars": words.particulars(row), "ground": words.ground(row), "letters": letters_about(row.pk),
        "record_open": row.subject_id is not None and _is_open(request, row.subject_id),
        **_forms(row, may),
    }
    if rules.staff_context is not None:
        context = with_panel(context, rules.staff_context(row, request.actor))
    context |= forms or {}  # a refused one as it was typed
    return render(request, "privacy/staff/request.html", context)


def _is_open(request: AuthRequest, subject_id: UUID) -> bool:
    """Whether this request opens the record to the officer now: only then a link leads there."""
    return may_open(by=request.actor, patient_id=subject_id, purpose=Purpose.LEGAL_DUTY, whole=True) is not None


def looked_at(request: AuthRequest, row: RightsRequest) -> None:
    """A page that shows what somebody wrote leaves its line in the log first (P21)."""
    access_record(
        by=request.actor, action=Action.VIEW, purpose=Purpose.LEGAL_DUTY, subject_id=row.subject_id,
        object_kind="privacy.request", object_id=row.pk, basis=f"request:{row.pk}", durable=True,
    )


def _names(row: RightsRequest, request: AuthRequest) -> dict[str, str]:
    """Who entered, identified, works on, refused and reviewed it; one query."""
    people = {
        "owner": row.officer_id, "entered": row.entered_by, "identified": row.identity_by, "denied": row.denied_by,
        "reviewed": row.reviewed_by,
    }
    known = display_names(people.values())
    return {what: known.get(who, "") if who else "" for what, who in people.items()}


def _history(row: RightsRequest) -> list[dict[str, Any]]:
    lines = list(row.steps.order_by("id"))
    names = display_names(line.by_id for line in lines)
    return [
        {
            "at": line.at, "what": words.staff_step(line.action),
            "who": names.get(line.by_id, "") if line.by_id else "", "role": Role(line.by_role).label,
        }
        for line in lines
    ]


def _forms(row: RightsRequest, may: set[str]) -> dict[str, Any]:
    """The forms of the deeds that can be done now."""
    rules, able = rules_of(row.kind), RequestAction
    owner = desk_forms.OwnerForm(officers=officers(), initial={"officer": row.officer_id})
    forms: dict[str, Any] = {"owner_form": owner}
    if able.CONFIRM_IDENTITY in may:
        forms["identity_form"] = desk_forms.IdentityForm(known=row.subject_id is not None)
        forms["unproven_form"] = desk_forms.LetterForm(prefix="unproven")
    if able.CARRY_OUT in may and rules.answered:
        forms["answer_form"] = desk_forms.AnswerForm(outcomes=rules.outcomes)
    if able.EXTEND in may and words.more_time(row):
        limit = extension_limit(rules, row)
        forms |= {"extend_form": desk_forms.ExtendForm(initial={"until": limit}), "limit": limit}
    if rules.about_record and row.subject_id is None and not row.ended_at:
        forms["about_form"] = desk_forms.AboutForm(prefix="about")
    return {"may_extend": may_extend(rules), **forms}
