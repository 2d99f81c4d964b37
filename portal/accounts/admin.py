"""Accounts in the admin: their state, without a word about health. Changing goes by buttons."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from portal.accounts.adapter import FACTORS
from portal.accounts.models import User
from portal.accounts.services import account_reopen
from portal.admin_site import ReadOnlyAdmin, site
from portal.guards import AuthRequest, visible_or_404
from portal.permissions import Permission


class UserAdmin(ReadOnlyAdmin):
    """Support, officer and owner see who can sign in; the encrypted name is not loaded here."""

    permission = Permission.ACCOUNTS_VIEW
    list_display = ("email", "role", "is_active", "is_verified", "has_factor", "last_login", "date_joined")
    list_filter = ("role", "is_active")
    search_fields = ("email__startswith",)
    ordering = ("email",)
    fields = ("email", "role", "is_active", "is_verified", "has_factor", "last_login", "date_joined", "closed_at")
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


@require_http_methods(["GET", "HEAD", "POST"])
def closed_accounts(request: AuthRequest) -> HttpResponse:
    """Sign-ins that people closed, newest first, each with the button that opens it again."""
    if request.method == "POST":
        closed = User.objects.filter(closed_at__isnull=False)
        user = visible_or_404(closed, pk=_uuid_or_none(request.POST.get("account", "")))
        account_reopen(by=request.actor, account_id=user.pk)
        messages.success(request, _("The sign-in is open again, and its owner is told by mail."))
        return redirect("admin:closed_accounts")
    rows = User.objects.filter(closed_at__isnull=False).only("id", "email", "closed_at").order_by("-closed_at")[:200]
    context = {**admin.site.each_context(request), "title": _("Closed sign-ins"), "accounts": rows}
    return render(request, "accounts/admin_closed.html", context)


def _uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _closed_count(actor: Any) -> int:
    return User.objects.filter(closed_at__isnull=False).count()


site.register(User, UserAdmin)
site.page(
    "closed-sign-ins/", closed_accounts, Permission.ACCOUNTS_REOPEN, name="closed_accounts",
    title=_("Closed sign-ins"), menu=_("Closed sign-ins"),
    hint=_("People who closed their account and may want it back"), count=_closed_count,
)
