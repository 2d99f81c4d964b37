"""Finding a patient, in the clinic's admin. What is typed goes by POST and is in no address and no log."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.errors import DomainError
from portal.guards import AuthRequest
from portal.permissions import Permission, allows
from records import vault
from records.access import usual_purpose
from records.people.search_forms import ApartForm, FindForm
from records.people.search_same import tell_apart


@never_cache
@require_http_methods(["GET", "POST"])
def find(request: AuthRequest) -> HttpResponse:
    """An empty line, or whom the words found. Going back to it shows the empty line."""
    return _page(request, FindForm(request.POST or None))


@never_cache
@require_POST
def apart(request: AuthRequest) -> HttpResponse:
    """Note that two who look like one are two; then back to where it was said."""
    form = ApartForm(request.POST)
    if not form.is_valid():
        return redirect("admin:patients_find")
    told = form.cleaned_data
    tell_apart(by=request.actor, one=told["one"], other=told["other"], purpose=usual_purpose(request.actor))
    messages.success(request, _("Noted: they are two people. Nobody is asked again."))
    back = told["back"]
    if back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return redirect(back)
    return _page(request, FindForm({"words": told["words"]}) if told["words"] else FindForm())


def _page(request: AuthRequest, form: FindForm) -> HttpResponse:
    context = {
        **admin.site.each_context(request), "title": _("Find a patient"), "form": form,
        "may_merge": allows(request.actor, Permission.RECORDS_MERGE),
        "may_break_glass": allows(request.actor, Permission.BREAK_GLASS),
    }
    status = 200
    if form.is_bound and form.is_valid():
        try:
            context["answer"] = vault.search_patients(
                by=request.actor, text=form.cleaned_data["words"], purpose=usual_purpose(request.actor)
            )
        except DomainError as error:
            form.add_error("words", error.message)
            status = 429
    return render(request, "records/staff/find.html", context, status=status)
