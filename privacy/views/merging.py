"""Making two records one, for the officer: both beside each other, what will happen, and the last question."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.accounts.models import User
from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, recent_sign_in_required
from portal.permissions import Purpose
from privacy import merging
from privacy.forms import MergeForm
from records.access import accounts_of
from records.vault.lists import open_found_cards


@never_cache
@require_http_methods(["GET", "POST"])
@recent_sign_in_required
def merge(request: AuthRequest, old_id: UUID, new_id: UUID) -> HttpResponse:
    """``old_id`` goes into ``new_id``; the other way round is the same page with the ids swapped."""
    people = open_found_cards(by=request.actor, patient_ids=[old_id, new_id], purpose=Purpose.OPERATIONS)
    form = MergeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            merging.records_merge(by=request.actor, old_id=old_id, new_id=new_id, **form.cleaned_data)
        except DomainError as error:
            if error.code == "merged_already":
                return _back(request, error)
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("The two records are one now. Its number is %(number)s.")
                             % {"number": people[new_id].public_id})
            return redirect("admin:patients_find")
    try:
        plan = merging.merge_preview(by=request.actor, old_id=old_id, new_id=new_id)
    except DomainError as error:
        return _back(request, error)
    if len(people) != 2:
        raise NotVisible
    context = {
        **admin.site.each_context(request), "title": _("Make two records one"), "form": form, "plan": plan,
        "sides": [(people[pk], _sign_ins(pk), pk == new_id) for pk in (new_id, old_id)],
        "old": people[old_id], "new": people[new_id],
    }
    return render(request, "privacy/staff/merge.html", context)


def _back(request: AuthRequest, error: DomainError) -> HttpResponse:
    messages.warning(request, error.message)
    return redirect("admin:patients_find")


def _sign_ins(patient_id: UUID) -> list[User]:
    """Who signs in for this record: address and times, which the officer may see."""
    return list(User.objects.filter(pk__in=accounts_of(patient_id)).order_by("date_joined"))
