"""What a password may not be, as a whole (RULES 7.3). There are no rules about its make-up."""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

PRODUCT_WORDS = ("skin clinic portal", "patient portal", "my patient portal")


def _plain(text: str) -> str:
    """Letters and digits only, in one case: what a guesser would try first."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


class NotAboutYouValidator:
    """Refuses a password that is nothing but the clinic's name or the person's own address.

    The whole password is compared, never a part of it: a sentence that happens to hold the
    clinic's name is fine. The same word said twice, or with a number behind it, is still that word.
    """

    def validate(self, password: str, user: Any = None) -> None:
        typed = _plain(password)
        if typed and any(_is_only(typed, word) for word in self._expected(user)):
            raise ValidationError(self.get_error_text(), code="password_expected")

    def get_error_text(self) -> str:
        return _(
            "This password is easy to guess: it is the name of the clinic or your own email address. "
            "Try a short sentence that only you would think of."
        )

    def get_help_text(self) -> str:
        return _("It cannot be the name of the clinic or your own email address.")

    def _expected(self, user: Any) -> set[str]:
        host = urlsplit(settings.SITE_URL).hostname or ""
        words = [settings.CLINIC_NAME, settings.CLINIC_LEGAL_NAME, host, *PRODUCT_WORDS]
        email = getattr(user, "email", "") or ""
        words += [email, email.partition("@")[0]]
        return {plain for plain in map(_plain, words) if len(plain) >= 3}


def _is_only(typed: str, word: str) -> bool:
    without_number = typed.rstrip("0123456789") or typed
    return any(text.replace(word, "") == "" for text in (typed, without_number))
