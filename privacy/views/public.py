"""Public pages of the privacy desk."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from privacy.promises import promise_states, sections


@require_GET
@login_not_required
def promises(request: HttpRequest) -> HttpResponse:
    """How we keep our promises: each with its proof, where there is one to show."""
    states = promise_states()
    context = {"sections": sections(states), "tested": sum(state.tested for state in states), "total": len(states)}
    return render(request, "privacy/promises.html", context)
