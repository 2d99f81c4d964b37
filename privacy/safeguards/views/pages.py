"""The officer's and the owner's pages of the safeguards: risks, decisions, sanctions, training, policies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.accounts.selectors import display_names
from portal.accounts.training import records_done, roster, training_record, training_withdraw, untrained
from portal.audit.models import Action
from portal.audit.reviews import review_missing
from portal.audit.services import access_record
from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, visible_or_404
from portal.permissions import Permission, Purpose, allows
from privacy.safeguards import selectors, services
from privacy.safeguards.addressable import BY_CODE
from privacy.safeguards.binding import day_text
from privacy.safeguards.forms import (
    AnalysisForm,
    DecisionForm,
    RiskForm,
    RiskStepForm,
    SanctionForm,
    TrainingForm,
)
from privacy.safeguards.models import Decision, Risk, RiskAnalysis, RiskState
from privacy.vendors.selectors import needs_care
from records.vault.content import opened


@require_GET
def hub(request: AuthRequest) -> HttpResponse:
    """Every safeguard on one page, each with what waits."""
    context = {
        **_page(request, _("Safeguards")), "analysis": selectors.last_signed(), "draft": selectors.unsigned(),
        "analysis_due": selectors.analysis_due(), "overdue": selectors.risks_overdue(),
        "unanswered": selectors.unanswered(), "review_missing": review_missing(), "untrained": untrained(),
        "vendors": needs_care(), "officer": allows(request.actor, Permission.REQUESTS_HANDLE),
        "sanctions": selectors.sanctions().aggregate(n=Count("pk"))["n"],
    }
    return render(request, "privacy/safeguards/hub.html", context)


@require_http_methods(["GET", "POST"])
def analyses(request: AuthRequest) -> HttpResponse:
    """All risk analyses; begin a new one."""
    form = AnalysisForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = services.analysis_start(by=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            return redirect("admin:risk_analysis", analysis_id=row.pk)
    rows = [{"row": row, "scope": opened(row, "scope")} for row in selectors.analyses()]
    names = display_names(one["row"].signed_by for one in rows)
    for one in rows:
        one["signer"] = names.get(one["row"].signed_by, "")
    context = {
        **_page(request, _("Risk analyses")), "rows": rows, "form": form, "draft": selectors.unsigned(),
        "due": selectors.analysis_due(),
    }
    return render(request, "privacy/safeguards/analyses.html", context)


@require_http_methods(["GET", "POST"])
def analysis(request: AuthRequest, analysis_id: UUID) -> HttpResponse:
    """One analysis with its risks; add one while it is not signed."""
    row = visible_or_404(RiskAnalysis.objects.all(), pk=analysis_id)
    form = RiskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.risk_add(by=request.actor, analysis_id=row.pk, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("The risk is on the list."))
            return redirect("admin:risk_analysis", analysis_id=row.pk)
    risks = [_risk(risk) for risk in selectors.with_state(Risk.objects.filter(analysis=row))]
    names = display_names([row.signed_by, *(one["row"].owner_id for one in risks)])
    for one in risks:
        one["owner"] = names.get(one["row"].owner_id, "")
    context = {
        **_page(request, _("Risk analysis")), "row": row, "scope": opened(row, "scope"), "risks": risks, "form": form,
        "signer": names.get(row.signed_by, "") if row.signed_by else "",
    }
    return render(request, "privacy/safeguards/analysis.html", context)


@require_POST
def analysis_sign(request: AuthRequest, analysis_id: UUID) -> HttpResponse:
    """Sign it: nothing of it changes from then on."""
    try:
        row = services.analysis_sign(by=request.actor, analysis_id=analysis_id)
        messages.success(request, _("Signed. It is kept until %(day)s.") % {"day": day_text(row.keep_until)})
    except DomainError as error:
        messages.warning(request, error.message)
    return redirect("admin:risk_analysis", analysis_id=analysis_id)


@require_http_methods(["GET", "POST"])
def risk(request: AuthRequest, risk_id: UUID) -> HttpResponse:
    """One risk with what became of it; say what is new."""
    row = visible_or_404(selectors.with_state(Risk.objects.select_related("analysis")), pk=risk_id)
    form = RiskStepForm(request.POST or None, initial={"state": row.state})
    if request.method == "POST" and form.is_valid():
        try:
            services.risk_step(by=request.actor, risk_id=row.pk, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("Written down."))
            return redirect("admin:risk", risk_id=row.pk)
    steps = list(row.steps.all())
    names = display_names([row.owner_id, *(step.by_id for step in steps)])
    context = {
        **_page(request, opened(row, "title")), "one": {**_risk(row), "owner": names.get(row.owner_id, "")},
        "steps": [(step, opened(step, "words"), names.get(step.by_id, "")) for step in steps], "form": form,
        "newer": Risk.objects.filter(carried_from=row).first(),
    }
    return render(request, "privacy/safeguards/risk.html", context)


@require_GET
def decisions(request: AuthRequest) -> HttpResponse:
    """Every addressable item with what was decided (RULES 2.10)."""
    rows = [(one, opened(one.decision, "reason") if one.decision else "") for one in selectors.answers()]
    context = {**_page(request, _("Addressable items")), "rows": rows}
    return render(request, "privacy/safeguards/decisions.html", context)


@require_http_methods(["GET", "POST"])
def decision(request: AuthRequest, item: str) -> HttpResponse:
    """One item: decide, with the reason; what was decided before stays."""
    if item not in BY_CODE:
        raise NotVisible
    former = list(Decision.objects.filter(item=item))
    form = DecisionForm(request.POST or None, initial={"choice": former[0].choice} if former else None)
    if request.method == "POST" and form.is_valid():
        try:
            services.decision_make(by=request.actor, item=item, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            messages.success(request, _("Decided."))
            return redirect("admin:safeguard_decisions")
    names = display_names(row.decided_by for row in former)
    context = {
        **_page(request, str(BY_CODE[item].asks)), "item": BY_CODE[item], "form": form,
        "former": [(row, opened(row, "reason"), names.get(row.decided_by, "")) for row in former],
    }
    return render(request, "privacy/safeguards/decision.html", context)


@require_http_methods(["GET", "POST"])
def sanctions(request: AuthRequest) -> HttpResponse:
    """The log of sanctions: officer and owner only. Whoever reads it leaves a trace."""
    form = SanctionForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _done(form, services.sanction_record, request):
        messages.success(request, _("Written down."))
        return redirect("admin:sanctions")
    rows = list(selectors.sanctions()[:200])
    access_record(
        by=request.actor, action=Action.LIST, purpose=Purpose.OPERATIONS, subject_id=None,
        object_kind="privacy.sanction", object_id=None, basis=f"sanctions:{len(rows)}", durable=True,
    )
    names = display_names([one for row in rows for one in (row.account_id, row.decided_by)])
    context = {
        **_page(request, _("Sanctions")), "form": form,
        "rows": [
            (row, opened(row, "what"), names.get(row.account_id, ""), names.get(row.decided_by, "")) for row in rows
        ],
    }
    return render(request, "privacy/safeguards/sanctions.html", context)


@require_http_methods(["GET", "POST"])
def training(request: AuthRequest) -> HttpResponse:
    """Who is trained, whose training ends, who lacks one (P22)."""
    form = TrainingForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _done(form, training_record, request):
        messages.success(request, _("It is on the roster."))
        return redirect("admin:training")
    done = records_done()
    names = display_names([row.account_id for row in done])
    context = {
        **_page(request, _("Training roster")), "form": form, "roster": roster(),
        "done": [(row, names.get(row.account_id, "")) for row in done],
    }
    return render(request, "privacy/safeguards/training.html", context)


@require_POST
def training_void(request: AuthRequest, training_id: UUID) -> HttpResponse:
    """It was entered by mistake."""
    training_withdraw(by=request.actor, training_id=training_id)
    messages.success(request, _("It does not count any more."))
    return redirect("admin:training")


@require_GET
def policies(request: AuthRequest) -> HttpResponse:
    """Every version of every text, with its dates and who agreed (P03)."""
    context = {**_page(request, _("Policies")), "texts": selectors.policy_texts()}
    return render(request, "privacy/safeguards/policies.html", context)


def _page(request: AuthRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title}


def _done(form: forms.Form, service: Any, request: AuthRequest) -> bool:
    """Do the deed with the form's values; what the service refuses stands on the form."""
    try:
        service(by=request.actor, **form.cleaned_data)
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return False
    return True


def _risk(row: Any) -> dict[str, Any]:
    """A risk in words, for a page; ``row`` comes from ``with_state``."""
    return {
        "row": row, "title": opened(row, "title"), "what": opened(row, "what"), "measure": opened(row, "measure"),
        "overdue": selectors.overdue(row), "state": RiskState(row.state).label,
    }
