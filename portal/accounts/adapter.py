"""Where allauth meets the portal: who may sign up, how its mail leaves, how its secrets are kept."""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import Any
from uuid import UUID, uuid4

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.accounts import gate
from portal.accounts.models import User
from portal.accounts.suspending import device_is_suspended
from portal.crypto.tokens import seal_text, unseal_text
from portal.outbox.services import mail_queue

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
_SECRET = "mfa.Authenticator.data"  # noqa: S105 - the pinned name of a place, not a secret
# What a mail is made from. Anything else that allauth hands over (requests, users) stays here.
_WORDS = ("code", "ip", "from_email", "to_email", "deleted_email")
_CODE_SECONDS = {
    "email_confirmation_signup": settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT,
    "email_confirmation": settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT,
    "password_reset_code": settings.ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT,
}


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up only past the gate (P02); all mail through the outbox (P24)."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": _("That was wrong too often. Wait five minutes, then try again."),
        "email_password_mismatch": _(
            "This address and this password do not belong together. Check both, or set a new password."
        ),
        "incorrect_code": _("This code is not right. Check the mail and type it again."),
        "incorrect_password": _("This password is not right. Try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Without a fresh ticket from the gate the person is sent there."""
        ticket = request.POST.get("ticket") or request.GET.get("ticket") or ""
        if gate.policies_of(ticket) is None:
            raise ImmediateHttpResponse(redirect("accounts:start"))
        return True

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        """Signing in and out show for themselves, without a sentence about it."""
        if message_template not in ("account/messages/logged_in.txt", "account/messages/logged_out.txt"):
            super().add_message(request, level, message_template, *args, **kwargs)

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """A device that was stopped gets the page that a closed sign-in gets, after the right password only (P56)."""
        refused: HttpResponse | None = super().pre_login(request, user, **kwargs)
        agent = request.headers.get("User-Agent", "")
        if refused is None and device_is_suspended(user.pk, agent, self.get_client_ip(request) or ""):
            clear_login(request)
            refused = self.respond_user_inactive(request, user)
        return refused

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Staff start at their desk, patients at home."""
        user: Any = request.user
        return reverse("admin:index") if user.is_staff else str(super().get_login_redirect_url(request))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:profile")

    def get_email_verification_redirect_url(self, email_address: Any) -> str:
        if self.request.user.is_authenticated:
            return reverse("accounts:profile")
        return str(super().get_email_verification_redirect_url(email_address))

    def clean_password(self, password: str, user: Any = None) -> str:
        """Checked in the form in which it is kept, so that signs are counted once (RULES 7.1)."""
        return str(super().clean_password(unicodedata.normalize("NFC", password), user))

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        super().send_notification_mail(template_prefix, user, {**(context or {}), "user": user}, email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue it in the transaction of its cause; the code waits encrypted and is then wiped."""
        name = template_prefix.rpartition("/")[2]
        if name == "unknown_account":
            self._spend_the_same_time(email, context)
            return
        account_id = _account_id(context.get("user"), email)
        now = timezone.now()
        seconds = _CODE_SECONDS.get(name)
        mail_queue(
            kind=f"account.{name}",
            account_id=account_id,
            address=email,
            once_key=f"account.{name}:{uuid4()}",
            secret={"at": now.isoformat(), **{word: context[word] for word in _WORDS if word in context}},
            send_before=now + dt.timedelta(seconds=seconds) if seconds else None,
        )

    def _spend_the_same_time(self, email: str, context: dict[str, Any]) -> None:
        """For an address without an account: the work of a mail, thrown away (nobody can tell by the clock)."""
        with transaction.atomic():
            code = self.generate_password_reset_code()
            self.send_mail("account/email/password_reset_code", email, {**context, "code": code})
            transaction.set_rollback(True)


def _account_id(user: Any, email: str) -> UUID | None:
    """The account that a mail is about, so that an erasure finds the row."""
    if isinstance(user, User):
        return user.pk
    return User.objects.filter(email=email.lower()).values_list("pk", flat=True).first()


class MfaAdapter(DefaultMFAAdapter):
    """Second factors: secrets under the field keys; staff keep at least one."""

    def encrypt(self, text: str) -> str:
        return seal_text(text, context=_SECRET)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal_text(encrypted_text, context=_SECRET)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Staff cannot remove their last factor (P18)."""
        user = authenticator.user
        if not settings.STAFF_MFA_REQUIRED or not user.is_staff or authenticator.type not in FACTORS:
            return True
        others = Authenticator.objects.filter(user=user, type__in=FACTORS).exclude(pk=authenticator.pk)
        return bool(others.exists())

    def _get_site_name(self) -> str:
        return settings.CLINIC_NAME

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        """The passkey's label on the device is the address, not the account's id."""
        return {**super().get_public_key_credential_user_entity(user), "display_name": user.email}


def has_factor(user: Any) -> bool:
    """True when the account has a second factor that can be asked for at sign-in."""
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists())
