"""Accounts in the admin: their state, without a word about health. Changing goes by buttons."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.db.models import Exists, F, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from portal.accounts.adapter import FACTORS
from portal.accounts.forms import LiftForm, StopForm
from portal.accounts.models import Suspension, User
from portal.accounts.selectors import display_names, reopenable, running
from portal.accounts.services import account_reopen
from portal.accounts.suspending import account_suspend, device_suspend, suspension_lift
from portal.admin_site import Group, ReadOnlyAdmin, readable, site
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.errors import DomainError
from portal.guards import AuthRequest, visible_or_404
from portal.permissions import Permission, Purpose, allows


class UserAdmin(ReadOnlyAdmin):
    """Support, officer and owner see who can sign in; the encrypted name is not loaded here."""

    permission = Permission.ACCOUNTS_VIEW
    list_display = ("email", "role", "is_active", "is_verified", "has_factor", "last_login", "date_joined")
    list_filter = ("role", "is_active")
    search_fields = ("email__startswith",)
    ordering = ("email",)
    fields = (
        "email", "role", "is_active", "is_verified", "has_factor", "last_login", "date_joined", "closed_at", "stop",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        verified = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
        factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS)
        users: QuerySet[User] = super().get_queryset(request).defer("display_name", "password")
        return users.annotate(verified=Exists(verified), factor=Exists(factors))

    @admin.display(boolean=True, description=_("address proven"))
    def is_verified(self, user: Any) -> bool:
        return bool(user.verified)

    @admin.display(boolean=True, description=_("second step"))
    def has_factor(self, user: Any) -> bool:
        return bool(user.factor)


    def get_fields(self, request: Any, obj: Any = None) -> tuple[str, ...]:
        """Who may not stop a sign-in does not see the way to it."""
        may = allows(request.actor, Permission.ACCOUNTS_SUSPEND)
        return self.fields if may else tuple(name for name in self.fields if name != "stop")

    @admin.display(description=_("misused?"))
    def stop(self, user: Any) -> str:
        return format_html('<a href="{}">{}</a>', reverse("admin:account_stop", args=[user.pk]), _("Stop this sign-in"))


@require_http_methods(["GET", "HEAD", "POST"])
def closed_accounts(request: AuthRequest) -> HttpResponse:
    """Sign-ins that people closed, newest first, each with the button that opens it again."""
    if request.method == "POST":
        user = visible_or_404(reopenable(), pk=_uuid_or_none(request.POST.get("account", "")))
        account_reopen(by=request.actor, account_id=user.pk)
        messages.success(request, _("The sign-in is open again, and its owner is told by mail."))
        return redirect("admin:closed_accounts")
    rows = reopenable().only("id", "email", "closed_at").order_by("-closed_at")[:200]
    context = {**admin.site.each_context(request), "title": _("Closed sign-ins"), "accounts": rows}
    return render(request, "accounts/admin_closed.html", context)


@require_GET
def stopped_accounts(request: AuthRequest) -> HttpResponse:
    """What is stopped now, newest first, and what was lifted last. What happened stands on the page of each."""
    words = ("note", "lift_note", "device_words")
    rows = list(Suspension.objects.defer(*words).order_by(F("lifted_at").desc(nulls_first=True), "-placed_at")[:200])
    access_record(
        by=request.actor, action=Action.LIST, purpose=Purpose.ABUSE, subject_id=None, object_kind="accounts.user",
        object_id=None, basis=f"suspensions:{len(rows)}", durable=True,
    )
    addresses = dict(User.objects.filter(pk__in=[row.account_id for row in rows]).values_list("pk", "email"))
    names = display_names([row.placed_by for row in rows])
    context = {
        **admin.site.each_context(request), "title": _("Stopped sign-ins"),
        "rows": [(row, addresses.get(row.account_id, ""), names.get(row.placed_by, "")) for row in rows],
    }
    return render(request, "accounts/admin_stopped.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def account_stop(request: AuthRequest, account_id: UUID) -> HttpResponse:
    """Stop a whole sign-in, or one of its devices, for a reason of the closed list (P56)."""
    user = visible_or_404(User.objects.only("id", "email", "role"), pk=account_id)
    form = StopForm(request.POST or None, devices=list(UserSession.objects.filter(user_id=user.pk).order_by("-pk")))
    if request.method == "POST" and form.is_valid():
        said = {"reason": form.cleaned_data["reason"], "note": form.cleaned_data["note"]}
        device = form.cleaned_data["device"]
        try:
            if device != "all":
                device_suspend(by=request.actor, session_id=int(device), **said)
            else:
                account_suspend(by=request.actor, account_id=user.pk, **said)
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            messages.success(request, _("Stopped. Its owner is told by mail, and keeps all rights."))
            return redirect("admin:stopped_accounts")
    context = {**admin.site.each_context(request), "title": _("Stop a sign-in"), "form": form, "account": user}
    return render(request, "accounts/admin_stop.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def account_lift(request: AuthRequest, stop_id: UUID) -> HttpResponse:
    """Why it was stopped, in the officer's words; let it sign in again, with the reason."""
    row = visible_or_404(Suspension.objects.filter(lifted_at=None), pk=stop_id)
    form = LiftForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        suspension_lift(by=request.actor, suspension_id=row.pk, note=form.cleaned_data["note"])
        messages.success(request, _("It can sign in again, and its owner is told by mail."))
        return redirect("admin:stopped_accounts")
    access_record(
        by=request.actor, action=Action.VIEW, purpose=Purpose.ABUSE, subject_id=None, object_kind="accounts.user",
        object_id=row.account_id, basis=f"suspension:{row.pk}", durable=True,
    )
    context = {
        **admin.site.each_context(request), "title": _("Let it sign in again"), "form": form, "row": row,
        "note": readable(row, "note"), "device": readable(row, "device_words"),
    }
    return render(request, "accounts/admin_lift.html", context)


def _uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _closed_count(actor: Any) -> int:
    return reopenable().count()


def _stopped_count(actor: Any) -> int:
    return running().count()


site.register(User, UserAdmin)
site.page(
    "closed-sign-ins/", closed_accounts, Permission.ACCOUNTS_REOPEN, name="closed_accounts",
    title=_("Closed sign-ins"), menu=_("Closed sign-ins"),
    hint=_("People who closed their account and may want it back"), count=_closed_count,
    group=Group.MAIL,
)
site.page(
    "stopped-sign-ins/", stopped_accounts, Permission.ACCOUNTS_SUSPEND, name="stopped_accounts",
    title=_("Stopped sign-ins"), menu=_("Stopped sign-ins"),
    hint=_("Sign-ins and devices that were misused or in the wrong hands"), count=_stopped_count,
    group=Group.MAIL,
)
site.page(
    "sign-ins/<uuid:account_id>/stop/", account_stop, Permission.ACCOUNTS_SUSPEND, name="account_stop",
    title=_("Stop a sign-in"),
)
site.page(
    "stopped-sign-ins/<uuid:stop_id>/lift/", account_lift, Permission.ACCOUNTS_SUSPEND, name="account_lift",
    title=_("Let it sign in again"),
)
