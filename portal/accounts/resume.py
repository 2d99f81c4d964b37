"""What somebody typed when their sign-in had ended: it goes back to them, sealed (fault 41).

The text is kept in a hidden field of the answer, encrypted under the field keys, and nowhere
else: not in the session, not in the database. It opens for an hour, for the same account if the
session still told which, and only after signing in; then one press sends it where it was going.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils import timezone

from portal.crypto.tokens import DecryptionError, seal_text, unseal_text

KEEP_SECONDS = 3600
MAX_SEALED = 1_000_000
_CONTEXT = "accounts.resume"
FIELD = "kept"
# Never carried along: tokens of the old page, and whatever is a secret of sign-in.
_DROPPED = frozenset({"csrfmiddlewaretoken", FIELD, "password", "password1", "password2", "oldpassword", "code"})


@dataclass(frozen=True, slots=True)
class Kept:
    """A form on its way: where it was going, and its fields in order (names may repeat)."""

    path: str
    fields: list[tuple[str, str]]
    account: str
    had_files: bool

    @property
    def texts(self) -> list[str]:
        """The longer answers, to show that nothing was lost."""
        return [value for _name, value in self.fields if len(value) > 12 and " " in value.strip()]


def is_a_press(request: HttpRequest) -> bool:
    """Nothing but a button was sent: its page can simply be shown again."""
    sent = {name for name, values in request.POST.lists() for value in values if value.strip()}
    return not request.FILES and sent <= _DROPPED | {"form_key"}


def keep(request: HttpRequest) -> str | None:
    """The sealed form, or None where there is nothing worth keeping (or far too much)."""
    fields = [(name, value) for name, values in request.POST.lists() for value in values if name not in _DROPPED]
    if not any(value.strip() for _name, value in fields):
        return None
    content = {
        "path": request.get_full_path(),
        "fields": fields,
        "account": str(getattr(request, "expired_account_id", "") or getattr(request, "account_id", "") or ""),
        "files": bool(request.FILES),
        "at": timezone.now().timestamp(),
    }
    packed = base64.b85encode(zlib.compress(json.dumps(content).encode())).decode()
    sealed = seal_text(packed, context=_CONTEXT)
    return sealed if len(sealed) <= MAX_SEALED else None


def unseal(sealed: str, *, account: str) -> Kept | None:
    """The form again, or None: sealed by nobody here, older than an hour, or another account's."""
    try:
        content: dict[str, Any] = json.loads(zlib.decompress(base64.b85decode(unseal_text(sealed, context=_CONTEXT))))
    except (DecryptionError, ValueError, zlib.error):
        return None
    if timezone.now().timestamp() - content["at"] > KEEP_SECONDS:
        return None
    if content["account"] and content["account"] != account:
        return None
    fields = [(name, value) for name, value in content["fields"]]
    return Kept(content["path"], fields, content["account"], content["files"])


def is_keepable(request: HttpRequest) -> bool:
    """A form that a person sent from a page of ours; not a script's call, not sign-in itself."""
    wants_page = "HX-Request" not in request.headers and request.headers.get("Sec-Fetch-Mode") in (None, "navigate")
    if not wants_page or request.content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return False
    try:
        name = resolve(request.path_info).view_name
    except Resolver404:
        return False
    return not name.startswith(("account_", "mfa_", "usersessions_", "pages:stay"))


def is_public(request: HttpRequest) -> bool:
    """The form belongs to a page that is open without signing in, such as a report."""
    try:
        return not getattr(resolve(request.path_info).func, "login_required", True)
    except Resolver404:
        return False


def resume_page(request: HttpRequest, kept: Kept, *, status: int = 200) -> HttpResponse:
    """The page with the one button that sends what was typed."""
    get_token(request)
    return render(request, "accounts/resume.html", {"kept": kept}, status=status)
