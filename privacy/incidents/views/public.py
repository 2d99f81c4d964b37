"""Reports, complaints and wishes for print from anybody, signed in or not; and where a report stands.

The answer is the same for everybody: it says that the report has come, and nothing about whom it names.
"""

from __future__ import annotations

from uuid import UUID

from allauth.core.internal.ratelimit import consume
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from portal.accounts.services import remote_address
from portal.errors import DomainError
from portal.guards import PortalRequest, visible_or_404
from portal.permissions import Role
from privacy.incidents import selectors
from privacy.incidents.codes import code_shown
from privacy.incidents.forms import ChildReportForm, CodeForm, ComplaintForm, PrintedForm, PublicReportForm
from privacy.incidents.letters import LABELS
from privacy.incidents.notice_models import PARTS
from privacy.incidents.report_models import IncidentReport, ReportKind
from privacy.incidents.services.reports import report_make
from privacy.requests.models import RequestKind
from privacy.requests.services.opening import request_open
from records.vault.content import opened

# What somebody signs with their name goes to the queue of privacy requests, with its clock there.
_REQUESTS = {ReportKind.COMPLAINT: RequestKind.COMPLAINT}


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: PortalRequest) -> HttpResponse:
    """Somebody saw or did what they should not (P52)."""
    return _page(request, PublicReportForm, "privacy/incidents/report.html")


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def child(request: PortalRequest) -> HttpResponse:
    """A child's information without a parent's yes (P48)."""
    return _page(request, ChildReportForm, "privacy/incidents/child.html")


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def complaint(request: PortalRequest) -> HttpResponse:
    """A complaint to the clinic, beside the way to the government (P51, RULES 1.59)."""
    return _page(request, ComplaintForm, "privacy/incidents/complaint.html")


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def printed(request: PortalRequest) -> HttpResponse:
    """A policy on paper, by post (P50)."""
    return _page(request, PrintedForm, "privacy/incidents/printed.html")


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def state(request: PortalRequest) -> HttpResponse:
    """Where the report with a receipt code stands: the state, nothing else."""
    form = CodeForm(request.POST or None)
    found, status = None, 200
    if request.method == "POST" and form.is_valid():
        if not _allowed(request, "incident_state"):
            form.add_error(None, _too_often())
            status = 429
        else:
            found = selectors.state_by_code(form.cleaned_data["code"])
            if found is None:
                form.add_error("code", _("There is no report with this code. Please check it sign by sign."))
    return render(request, "privacy/incidents/state.html", {"form": form, "found": found}, status=status)


@login_not_required
@require_safe
def notice(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """The public notice of a breach, as long as it stands (RULES 3.7)."""
    posted = visible_or_404(selectors.standing_notices().select_related("incident__notice_text"), pk=notice_id)
    words = posted.incident.notice_text
    parts = [(LABELS[part], opened(words, part)) for part in PARTS]
    return render(request, "privacy/incidents/notice.html", {"posted": posted, "parts": parts})


def _page(request: PortalRequest, kind: type[PublicReportForm], template: str) -> HttpResponse:
    form = kind(request.POST or None, signed_in=request.actor.account_id is not None)
    status = 200
    if request.method == "POST" and form.is_valid():
        key = form.cleaned_data["form_key"]
        again = IncidentReport.objects.filter(form_key=key).exists()
        if not again and not _allowed(request, "incident_report"):
            form.add_error(None, _too_often())
            status = 429
        else:
            try:
                code = _taken(request, form)
            except DomainError as error:
                form.add_error(error.field, error.message)
            else:
                return render(request, "privacy/incidents/thanks.html", {"code": code_shown(code) if code else ""})
    return render(request, template, {"form": form}, status=status)


def _taken(request: PortalRequest, form: PublicReportForm) -> str:
    """Take what the form says; returns its receipt code. A patient's complaint goes to the desk of requests."""
    key = form.cleaned_data["form_key"]
    if form.told.named and form.kind in _REQUESTS and request.actor.role in (Role.PATIENT, Role.GUARDIAN):
        request_open(
            by=request.actor, kind=_REQUESTS[form.kind], subject_id=None, account_id=request.actor.account,
            form_key=key, details="\n\n".join(filter(None, (form.told.words, form.told.reach))),
        )
        return ""
    _report, code = report_make(by=request.actor, told=form.told, form_key=key)
    return code


def _allowed(request: PortalRequest, action: str) -> bool:
    """False after too many from one network. The address goes in as a keyed hash: nobody can be told from it."""
    source = salted_hmac("privacy.incidents.from", remote_address(request), algorithm="sha256").hexdigest()
    rate = {action: f"{settings.INCIDENT_REPORTS_PER_HOUR}/h/key"}
    return consume(request, app="privacy", action=action, config=rate, key=source) is not None


def _too_often() -> str:
    return _("That was a lot in one hour. Please wait a while, or call us: %(phone)s.") % {
        "phone": settings.CLINIC_PHONE
    }
