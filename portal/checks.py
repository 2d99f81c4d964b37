"""What must hold before the portal starts, above all in production (P17 to P19).

``manage.py check`` lists the problems; the web server and the worker call ``refuse_unsafe_start``
and do not come up while there is one. Messages name settings, never their values.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

import pyrage
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

ENVIRONMENTS = ("production", "development", "test")
HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "")  # noqa: S104 - names of this machine, nothing listens
MIN_SECRET = 32
S3_STORE = "portal.lockbox.s3.S3Store"
_DEVELOPMENT = ("development-only", "not-a-secret", "not-secret", "standin", "changeme", "insecure", "example")


def _error(number: int, message: str, hint: str = "") -> CheckMessage:
    return Error(message, hint=hint or None, id=f"portal.E{number:03d}")


def _is_weak(secret: str) -> bool:
    """Too short, made of few signs, or a stand-in that is printed in the code."""
    lowered = secret.lower()
    return len(secret) < MIN_SECRET or len(set(secret)) < 12 or any(word in lowered for word in _DEVELOPMENT)


def _field_key_is_weak(key: str) -> bool:
    """No 32 bytes in base64, or bytes that somebody typed rather than a machine drew."""
    try:
        raw = base64.urlsafe_b64decode(key)
    except (binascii.Error, ValueError):
        return True
    return len(raw) != 32 or len(set(raw)) < 16 or all(32 <= byte < 127 for byte in raw)


def _listed(secrets: str | list[str]) -> list[str]:
    """A setting that holds one secret, or several with the newest first."""
    return [secrets] if isinstance(secrets, str) else list(secrets)


def _keys() -> Iterable[CheckMessage]:
    for number, name in ((10, "SECRET_KEY"), (11, "AUDIT_HMAC_KEY"), (12, "SEARCH_HMAC_KEY"), (15, "LEFT_HMAC_KEY")):
        if any(map(_is_weak, _listed(getattr(settings, name)) or [""])):
            yield _error(number, f"{name} is short, simple or a development value.", "Draw 50 random signs.")
    if not settings.FIELD_ENCRYPTION_KEY or any(map(_field_key_is_weak, settings.FIELD_ENCRYPTION_KEY)):
        message = "FIELD_ENCRYPTION_KEY holds a key that no machine drew."
        yield _error(13, message, "Make each with Fernet.generate_key().")
    secrets = [
        settings.SECRET_KEY, *_listed(settings.AUDIT_HMAC_KEY), *settings.SEARCH_HMAC_KEY, *settings.LEFT_HMAC_KEY,
        settings.SQUARE_ACCESS_TOKEN,
        *settings.FIELD_ENCRYPTION_KEY, *settings.SQUARE_WEBHOOK_SIGNATURE_KEYS,
    ]
    if len(set(secrets)) != len(secrets):
        yield _error(14, "One key is used for two purposes.", "Whoever gets one must not get the other.")


def _archive() -> Iterable[CheckMessage]:
    if not settings.ARCHIVE_RECIPIENTS:
        yield _error(20, "ARCHIVE_RECIPIENTS is empty: nothing could be archived (P40).")
    for recipient in settings.ARCHIVE_RECIPIENTS:
        try:
            pyrage.x25519.Recipient.from_str(recipient)
        except Exception:
            yield _error(21, "ARCHIVE_RECIPIENTS holds something that is no age public key.")
    if any("AGE-SECRET-KEY-" in value.upper() for value in os.environ.values()):
        yield _error(
            22, "A private age key is in the environment of the server.",
            "Whoever seals must not be able to read: the officer keeps it, on another machine (P40).",
        )
    yield from _archive_elsewhere()


def _archive_elsewhere() -> Iterable[CheckMessage]:
    """P40: a third party keeps the archive, not this machine and not the account that holds the records."""
    if settings.LOCKBOX_STORE != S3_STORE:
        message = "LOCKBOX_STORE keeps the archive on this machine, beside the records (P40)."
        yield _error(23, message, f"Use {S3_STORE} with a bucket under Object Lock at another provider.")
        return
    if not (settings.LOCKBOX_S3_BUCKET and settings.LOCKBOX_S3_ACCESS_KEY and settings.LOCKBOX_S3_SECRET_KEY):
        yield _error(24, "LOCKBOX_S3_BUCKET and its access and secret key must be set.")
    endpoint = urlsplit(settings.LOCKBOX_S3_ENDPOINT or f"https://s3.{settings.LOCKBOX_S3_REGION}.amazonaws.com")
    if endpoint.scheme != "https":
        yield _error(25, "LOCKBOX_S3_ENDPOINT must be an https address.")
    ours = {urlsplit(settings.SITE_URL).hostname, *_primary_hosts(), *settings.ALLOWED_HOSTS}
    if _is_near(endpoint.hostname or "") or endpoint.hostname in ours:
        yield _error(26, "The archive's store is on the host, or in the network, of the portal itself (P40).")
    primary = settings.STORAGES["sealed"].get("OPTIONS", {}).values()
    if settings.LOCKBOX_S3_ACCESS_KEY and settings.LOCKBOX_S3_ACCESS_KEY in map(str, primary):
        yield _error(27, "The archive's store belongs to the account that holds the records (P40).")


def _primary_hosts() -> Iterable[str | None]:
    yield settings.DATABASES["default"].get("HOST")
    yield urlsplit(settings.REDIS_URL).hostname
    for value in settings.STORAGES["sealed"].get("OPTIONS", {}).values():
        yield urlsplit(str(value)).hostname


def _is_near(host: str) -> bool:
    """A name of this machine, of a neighbour (no dot), or an address inside a private network."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host in HERE or "." not in host or host.endswith((".local", ".internal", ".localhost"))


def _transport() -> Iterable[CheckMessage]:
    site = urlsplit(settings.SITE_URL)
    if site.scheme != "https" or site.hostname in HERE or site.hostname is None:
        yield _error(30, "SITE_URL must be the public https address.")
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        yield _error(31, "DJANGO_ALLOWED_HOSTS must name the public host, and no star.")
    secure = (
        settings.SECURE_SSL_REDIRECT, settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE,
        settings.SESSION_COOKIE_HTTPONLY, settings.SECURE_HSTS_SECONDS >= 31_536_000,
    )
    if not all(secure):
        yield _error(32, "HTTPS is not enforced: redirect, secure cookies and a year of HSTS are needed.")
    if settings.SECURE_PROXY_SSL_HEADER and not settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        yield _error(
            33, "Behind a proxy, TRUSTED_PROXY_COUNT must say how many there are.",
            "Else all people share one address, and one attacker locks everybody out.",
        )


def _switches() -> Iterable[CheckMessage]:
    if settings.DEBUG:
        yield _error(40, "DEBUG is on.")
    if not settings.STAFF_MFA_REQUIRED:
        yield _error(41, "STAFF_MFA_REQUIRED is off: staff need a second factor (P18).")
    standin = settings.SQUARE_ENVIRONMENT not in ("production", "sandbox")
    if standin or urlsplit(settings.SQUARE_BASE_URL).hostname in HERE[:-1] or "standin" in settings.SQUARE_ACCESS_TOKEN:
        yield _error(42, "The Square stand-in is for development only.")
    if "Argon2" not in settings.PASSWORD_HASHERS[0]:
        yield _error(43, "Passwords must be kept with Argon2id.")
    if not _is_bare(settings.SQUARE_PRIVACY_URL):
        yield _error(44, "SQUARE_PRIVACY_URL must be a bare https address: people follow it from the checkout (P04).")


def _is_bare(address: str) -> bool:
    """An https address with nothing but a place in it, as ``external_link`` takes it (P04)."""
    url = urlsplit(address)
    return url.scheme == "https" and bool(url.hostname) and not (url.query or url.fragment or "@" in url.netloc)


def _mail() -> Iterable[CheckMessage]:
    local = ("inbox", "console", "locmem", "dummy", "filebased")
    if settings.LOCAL_INBOX_DIR or any(word in settings.EMAIL_BACKEND for word in local):
        yield _error(50, "Mail would go to a local inbox and reach nobody.")
    smtp = settings.EMAIL_BACKEND.endswith("smtp.EmailBackend")
    if smtp and settings.EMAIL_HOST not in HERE and not settings.EMAIL_USE_TLS:
        yield _error(51, "EMAIL_USE_TLS is off: mail would cross the network in clear.")


PRODUCTION_RULES: tuple[Callable[[], Iterable[CheckMessage]], ...] = (_keys, _archive, _transport, _switches, _mail)

# Settings that may be stricter than the rule and never laxer: (setting, lowest, highest, rule).
BOUNDS: tuple[tuple[str, int, int | None, str], ...] = (
    ("SESSION_PATIENT_IDLE_MINUTES", 2, 60, "RULES 7.8"),
    ("SESSION_PATIENT_HOURS", 1, 24, "RULES 7.8"),
    ("SESSION_STAFF_IDLE_MINUTES", 2, 15, "RULES 7.8"),
    ("SESSION_STAFF_HOURS", 1, 12, "RULES 7.8"),
    ("SESSION_WARN_SECONDS", 20, None, "RULES 6.9"),
    ("UNVERIFIED_ACCOUNT_HOURS", 1, 24, "P02"),
    ("ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT", 60, 86_400, "RULES 7.12"),
    ("ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT", 60, 86_400, "RULES 7.12"),
    ("MINIMUM_AGE", 13, None, "RULES 6.5"),
    ("ADULT_AGE", 18, None, "RULES 4.12"),
    ("ACCESS_DUE_DAYS", 1, 30, "RULES 1.2"),
    ("ACCESS_EXTENSION_DAYS", 0, 30, "RULES 1.3"),
    ("AMENDMENT_DUE_DAYS", 1, 60, "RULES 1.21"),
    ("AMENDMENT_EXTENSION_DAYS", 0, 30, "RULES 1.21"),
    ("ACCOUNTING_DUE_DAYS", 1, 60, "RULES 1.32"),
    ("ACCOUNTING_EXTENSION_DAYS", 0, 30, "RULES 1.32"),
    ("ACCOUNTING_WINDOW_YEARS", 6, None, "RULES 1.28"),
    ("ACCOUNTING_FREE_PER_YEAR", 1, None, "RULES 1.33"),
    ("ACCOUNTING_ORAL_SUSPENSION_DAYS", 1, 30, "RULES 1.34"),
    ("MN_CONSENT_YEARS", 1, 1, "RULES 4.3"),
    ("BREACH_INDIVIDUAL_DAYS", 1, 60, "RULES 3.5"),
    ("BREACH_HHS_AT", 1, 500, "RULES 3.8"),
    ("BREACH_SMALL_REPORT_DAYS", 1, 60, "RULES 3.8"),
    ("BREACH_MEDIA_ABOVE", 0, 500, "RULES 3.9"),
    ("BREACH_SUBSTITUTE_AT", 1, 10, "RULES 3.7"),
    ("BREACH_POSTING_DAYS", 90, None, "RULES 3.7"),
    ("BREACH_ORAL_DELAY_DAYS", 1, 30, "RULES 3.11"),
    ("MN_BUREAU_ABOVE", 0, 500, "RULES 3.14"),
    ("MN_BUREAU_HOURS", 1, 48, "RULES 3.14"),
    ("VENDOR_NOTICE_DAYS", 1, 60, "RULES 3.12"),
    ("INCIDENT_KEEP_YEARS", 6, None, "RULES 1.58"),
    ("RISK_KEEP_YEARS", 6, None, "RULES 1.58"),
    ("LOG_REVIEW_DAY", 1, 28, "RULES 2.7"),
    ("DEID_AGE_TOP", 1, 90, "RULES 1.56"),
    ("BACKUP_MAX_AGE_HOURS", 1, 48, "RULES 2.12"),
    ("LEAVING_DUE_DAYS", 1, 14, "RULES 5.1"),
    ("DELETION_DUE_DAYS", 1, 30, "P39"),
    ("CHOICE_COOKIE_DAYS", 1, 400, "P42"),
    ("SEARCH_MAX_HITS", 1, 50, "RULES 1.43"),
    ("SEARCHES_PER_HOUR", 1, 600, "RULES 1.43"),
    ("RETENTION_ADULT_YEARS", 7, None, "P40"),
    ("RETENTION_MINOR_UNTIL_AGE", 25, None, "RULES 4.19"),
    ("ARCHIVE_SAMPLE", 1, 1000, "P40"),
    ("AUDIT_RETENTION_YEARS", 6, None, "RULES 2.5"),
    ("LOG_KEEP_YEARS", 6, None, "RULES 1.58"),
    ("ARGON2_MEMORY_KIB", 19_456, None, "RULES 7.6"),
    ("ARGON2_TIME_COST", 2, None, "RULES 7.6"),
    ("FEE_FLAT_CENTS", 0, 650, "RULES 1.11"),
    ("FEE_MN_PAGE_CENTS", 0, 100, "RULES 4.7"),
    ("FEE_MN_RETRIEVAL_CENTS", 0, 1000, "RULES 4.7"),
    ("FEE_MN_XRAY_CENTS", 0, 3000, "RULES 4.7"),
    ("FEE_MN_ELECTRONIC_CENTS", 0, 2000, "RULES 4.7"),
    ("FEE_MN_NONE_CENTS", 0, 1000, "RULES 4.7"),
    ("FEE_MN_FEW_CENTS", 0, 3000, "RULES 4.7"),
    ("FEE_MN_MANY_CENTS", 0, 5000, "RULES 4.7"),
    ("FEE_MN_OVER_CENTS", 0, 20, "RULES 4.7"),
    ("FEE_MN_MAX_CENTS", 0, 50_000, "RULES 4.7"),
    ("FEE_MN_APPEAL_CENTS", 0, 1000, "RULES 4.7"),
)


def bounds_hold() -> Iterable[CheckMessage]:
    """In every environment: no number of law is loosened by a setting."""
    for name, lowest, highest, rule in BOUNDS:
        value = getattr(settings, name)
        if value < lowest or (highest is not None and value > highest):
            yield _error(60, f"{name} is outside what {rule} allows.", f"From {lowest} to {highest or 'more'}.")
    lengths = [validator.get("OPTIONS", {}).get("min_length", 0) for validator in settings.AUTH_PASSWORD_VALIDATORS]
    if max(lengths, default=0) < 15:
        yield _error(61, "A password that stands alone needs 15 signs (RULES 7.1).")
    if not all(re.fullmatch(r"\d{1,4}(\.\d{1,3})?", version) for version in settings.OLD_BROWSERS.values()):
        yield _error(65, "OLD_BROWSERS names something that is no version; one looks like 17.5.")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", settings.GPC_LAST_UPDATE):
        yield _error(66, "GPC_LAST_UPDATE must be a day such as 2026-11-25 (RULES 6.3).")
    told = (settings.PARTNER_SCRIPT_URL, settings.PARTNER_POLICY_URL)
    if any(told) or settings.PARTNER_NAME or settings.PARTNER_ORIGINS:
        if not all(told) or not settings.PARTNER_NAME:
            yield _error(62, "An advertising partner needs a script, a name and a policy, or there is none (P44).")
        if not all(address.startswith("https://") for address in (*filter(None, told), *settings.PARTNER_ORIGINS)):
            yield _error(63, "Every address of an advertising partner must be https (P44).")
        elif settings.PARTNER_POLICY_URL and not _is_bare(settings.PARTNER_POLICY_URL):
            yield _error(64, "PARTNER_POLICY_URL must be a bare https address: people follow it from our pages (P04).")


def problems() -> list[CheckMessage]:
    """Everything that speaks against starting."""
    found = list(bounds_hold())
    if settings.PORTAL_ENV not in ENVIRONMENTS:
        found.append(_error(1, "PORTAL_ENV must be production, development or test."))
    if settings.PRODUCTION:
        found += [problem for rule in PRODUCTION_RULES for problem in rule()]
    return found


def safe_to_start(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The system check. Runs in every environment; most rules only speak in production."""
    return problems()


def refuse_unsafe_start() -> None:
    """Raise ``ImproperlyConfigured`` with the list of problems, if there is one."""
    found = problems()
    if found:
        lines = "\n".join(f"- {problem.msg} ({problem.id})" for problem in found)
        raise ImproperlyConfigured(f"The portal does not start like this:\n{lines}")
