"""Passkey forms that take whatever is sent: what no browser says is a wrong passkey, never an error of ours.

The parsers below allauth raise a different error for each kind of nonsense, and anybody may send
some without signing in.
"""

from __future__ import annotations

import logging
import struct
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn import forms as allauth_forms
from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

log = logging.getLogger(__name__)

# What JSON, base64, CBOR and COSE raise for bytes that are none. Errors of the database are not among them.
_NONSENSE = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, struct.error,
    NotImplementedError,
)


class CredentialField(forms.JSONField):
    """JSON of a browser; numbers of 5,000 digits and lists a thousand deep are none, which Django's own misses."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except (ValueError, RecursionError):
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"value": ""}) from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        """A credential is good for one try, so a page never shows it again."""
        return InvalidJSONInput("")


class _Careful(forms.Form):
    credential = CredentialField()

    def full_clean(self) -> None:
        try:
            super().full_clean()
        except _NONSENSE as error:
            log.warning("a passkey could not be read: %s", type(error).__name__)
            self.cleaned_data = {}
            self.add_error(None, get_adapter().validation_error("incorrect_code"))


class AddForm(_Careful, allauth_forms.AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey of somebody signed in."""


class AuthenticateForm(_Careful, allauth_forms.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """The second step of signing in."""


class LoginForm(_Careful, allauth_forms.LoginWebAuthnForm):  # type: ignore[misc]
    """Signing in with a passkey alone."""


class ReauthenticateForm(_Careful, allauth_forms.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """The passkey once more, before a delicate step."""
