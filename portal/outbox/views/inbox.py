"""The local inbox page. Everywhere but in a demo its address answers "not found"."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from portal.outbox import inbox as mailbox


@login_not_required
@never_cache
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """The demo's mails, newest first; ``?to=`` shows one address only."""
    if not mailbox.available():
        raise Http404
    to = request.GET.get("to", "").strip()[:254]
    return render(request, "outbox/inbox.html", {"mails": mailbox.newest(to=to), "to": to})


@login_not_required
@never_cache
@require_GET
def inbox_message(request: HttpRequest, name: str) -> HttpResponse:
    """One mail, as text."""
    mail = mailbox.find(name) if mailbox.available() else None
    if mail is None:
        raise Http404
    return render(request, "outbox/inbox_message.html", {"mail": mail})
