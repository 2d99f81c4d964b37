"""Production does not start with a weak setting, and says which it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyrage
import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from portal import checks

ROOT = Path(__file__).resolve().parents[2]
GOOD: dict[str, Any] = {
    "PORTAL_ENV": "production",
    "PRODUCTION": True,
    "DEBUG": False,
    "SECRET_KEY": "k9v2Xq7TzWm4RbNc8LpYd3HsJf6GaQe1UoVi5ExKwCtZrBnM0y",
    "AUDIT_HMAC_KEY": "Zq3Lw8Ny5Rk1Tb7Vx4Cm9Hd2Js6Pf0GaUeYiOoWtXrEzQmKn",
    "SEARCH_HMAC_KEY": ["u7Bv1Kx9Fj3Mn5Qw2Zr8Tc6Ly4Hd0PsGaEiYoUeXtRmVbNkJf"],
    "LEFT_HMAC_KEY": ["b4Nf8Wc2Kq6Xz9Ls3Vm7Rd1Jy5Tp0HgEaUiOoYeQwSxCvBnZkM"],
    "FIELD_ENCRYPTION_KEY": [Fernet.generate_key().decode()],
    "ARCHIVE_RECIPIENTS": [str(pyrage.x25519.Identity.generate().to_public())],
    "LOCKBOX_STORE": checks.S3_STORE,
    "LOCKBOX_S3_ENDPOINT": "https://s3.elsewhere.net",
    "LOCKBOX_S3_BUCKET": "clinic-archive",
    "LOCKBOX_S3_ACCESS_KEY": "AK7Q2",
    "LOCKBOX_S3_SECRET_KEY": "s9Xk2Lq",
    "SITE_URL": "https://portal.clinic.org",
    "ALLOWED_HOSTS": ["portal.clinic.org"],
    "SECURE_SSL_REDIRECT": True,
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    "SECURE_HSTS_SECONDS": 31_536_000,
    "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
    "ALLAUTH_TRUSTED_PROXY_COUNT": 1,
    "STAFF_MFA_REQUIRED": True,
    "SQUARE_ENVIRONMENT": "production",
    "SQUARE_BASE_URL": "",
    "SQUARE_ACCESS_TOKEN": "EAAAl7Xk29vQmZp",
    "SQUARE_WEBHOOK_SIGNATURE_KEYS": ["f3Jq8Rz1"],
    "PASSWORD_HASHERS": ["portal.accounts.hashers.ClinicArgon2Hasher"],
    "LOCAL_INBOX_DIR": "",
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "EMAIL_HOST": "smtp.clinic.org",
    "EMAIL_USE_TLS": True,
}


@pytest.fixture
def production(settings: Any) -> Any:
    """Settings with which production may start."""
    for name, value in GOOD.items():
        setattr(settings, name, value)
    return settings


def found() -> set[str]:
    return {str(problem.id) for problem in checks.problems()}


def test_good_production_settings_start(production: Any) -> None:
    assert found() == set()
    checks.refuse_unsafe_start()


@pytest.mark.promise("P17")
@pytest.mark.promise("P18")
@pytest.mark.promise("P19")
@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("PORTAL_ENV", "prod", "portal.E001"),
        ("SECRET_KEY", "development-only-not-a-secret-development-only", "portal.E010"),
        ("SECRET_KEY", "short", "portal.E010"),
        ("SECRET_KEY", "ab" * 40, "portal.E010"),
        ("AUDIT_HMAC_KEY", "development-only-audit-key", "portal.E011"),
        ("SEARCH_HMAC_KEY", ["x" * 60], "portal.E012"),
        ("SEARCH_HMAC_KEY", [], "portal.E012"),
        ("LEFT_HMAC_KEY", ["development-only-left-key"], "portal.E015"),
        ("LEFT_HMAC_KEY", [], "portal.E015"),
        ("FIELD_ENCRYPTION_KEY", ["ZGV2ZWxvcG1lbnQtb25seS1rZXktbm90LXNlY3JldCE="], "portal.E013"),
        ("FIELD_ENCRYPTION_KEY", [], "portal.E013"),
        ("FIELD_ENCRYPTION_KEY", ["not base64"], "portal.E013"),
        ("FIELD_ENCRYPTION_KEY", [GOOD["FIELD_ENCRYPTION_KEY"][0], "A" * 43 + "="], "portal.E013"),
        ("AUDIT_HMAC_KEY", GOOD["SECRET_KEY"], "portal.E014"),
        ("SQUARE_WEBHOOK_SIGNATURE_KEYS", GOOD["SEARCH_HMAC_KEY"], "portal.E014"),
        ("ARCHIVE_RECIPIENTS", [], "portal.E020"),
        ("ARCHIVE_RECIPIENTS", ["age1notakey"], "portal.E021"),
        ("SITE_URL", "http://portal.clinic.org", "portal.E030"),
        ("SITE_URL", "https://localhost", "portal.E030"),
        ("ALLOWED_HOSTS", ["*"], "portal.E031"),
        ("ALLOWED_HOSTS", [], "portal.E031"),
        ("SECURE_SSL_REDIRECT", False, "portal.E032"),
        ("SESSION_COOKIE_SECURE", False, "portal.E032"),
        ("CSRF_COOKIE_SECURE", False, "portal.E032"),
        ("SECURE_HSTS_SECONDS", 3600, "portal.E032"),
        ("ALLAUTH_TRUSTED_PROXY_COUNT", 0, "portal.E033"),
        ("DEBUG", True, "portal.E040"),
        ("STAFF_MFA_REQUIRED", False, "portal.E041"),
        ("SQUARE_ENVIRONMENT", "standin", "portal.E042"),
        ("SQUARE_BASE_URL", "http://localhost:8100", "portal.E042"),
        ("SQUARE_ACCESS_TOKEN", "standin-token", "portal.E042"),
        ("PASSWORD_HASHERS", ["django.contrib.auth.hashers.MD5PasswordHasher"], "portal.E043"),
        ("SQUARE_PRIVACY_URL", "http://squareup.com/privacy", "portal.E044"),
        ("SQUARE_PRIVACY_URL", "https://squareup.com/privacy?from=us", "portal.E044"),
        ("LOCAL_INBOX_DIR", "/srv/inbox", "portal.E050"),
        ("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend", "portal.E050"),
        ("EMAIL_USE_TLS", False, "portal.E051"),
    ],
)
def test_production_refuses_to_start(production: Any, setting: str, value: Any, problem: str) -> None:
    setattr(production, setting, value)
    assert problem in found()
    with pytest.raises(ImproperlyConfigured, match=problem):
        checks.refuse_unsafe_start()


_SEALED = {"BACKEND": "some.S3Storage", "OPTIONS": {"endpoint_url": "https://s3.near.net", "access_key": "AK1"}}
_FOLDER = "portal.lockbox.folder.FolderStore"


@pytest.mark.promise("P40")
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"LOCKBOX_STORE": _FOLDER}, "portal.E023"),
        ({"LOCKBOX_S3_BUCKET": ""}, "portal.E024"),
        ({"LOCKBOX_S3_SECRET_KEY": ""}, "portal.E024"),
        ({"LOCKBOX_S3_ENDPOINT": "http://s3.elsewhere.net"}, "portal.E025"),
        ({"LOCKBOX_S3_ENDPOINT": "https://localhost:9000"}, "portal.E026"),
        ({"LOCKBOX_S3_ENDPOINT": "https://minio:9000"}, "portal.E026"),
        ({"LOCKBOX_S3_ENDPOINT": "https://10.0.0.7"}, "portal.E026"),
        ({"LOCKBOX_S3_ENDPOINT": "https://portal.clinic.org"}, "portal.E026"),
        ({"LOCKBOX_S3_ENDPOINT": "https://s3.near.net", "STORAGES": {"sealed": _SEALED}}, "portal.E026"),
        ({"LOCKBOX_S3_ACCESS_KEY": "AK1", "STORAGES": {"sealed": _SEALED}}, "portal.E027"),
    ],
)
def test_production_refuses_an_archive_that_is_not_elsewhere(
    production: Any, changes: dict[str, Any], problem: str
) -> None:
    for name, value in changes.items():
        setattr(production, name, value)
    assert found() == {problem}


@pytest.mark.promise("P40")
def test_the_archive_may_be_at_aws_itself(production: Any) -> None:
    production.LOCKBOX_S3_ENDPOINT = ""
    assert found() == set()


@pytest.mark.promise("P40")
def test_who_seals_may_not_hold_the_key_that_reads(production: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_NAME", f"# mine\n{pyrage.x25519.Identity.generate()}")
    assert found() == {"portal.E022"}


@pytest.mark.parametrize(("setting", "lowest", "highest", "rule"), checks.BOUNDS)
def test_no_setting_loosens_a_number_of_law(
    settings: Any, setting: str, lowest: int, highest: int | None, rule: str
) -> None:
    for inside in {lowest, highest or lowest}:
        setattr(settings, setting, inside)
        assert found() == set()
    for outside in [lowest - 1] + ([] if highest is None else [highest + 1]):
        setattr(settings, setting, outside)
        assert found() == {"portal.E060"}


def test_every_ceiling_and_floor_that_the_numbers_name_is_a_bound() -> None:
    named = re.compile(r"^([A-Z][A-Z0-9_]+) = .*# .*?(ceiling|floor) (\d[\d_]*)", re.MULTILINE)
    found_ = named.findall((ROOT / "portal/rules.py").read_text())
    bounds = {name: {"floor": lowest, "ceiling": highest} for name, lowest, highest, _rule in checks.BOUNDS}
    assert len(found_) > 20
    assert [name for name, which, number in found_ if bounds.get(name, {}).get(which) != int(number)] == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"OLD_BROWSERS": {"Chrome": "latest"}}, "portal.E065"),
        ({"OLD_BROWSERS": {"Safari": "17.5.1"}}, "portal.E065"),
        ({"GPC_LAST_UPDATE": "today"}, "portal.E066"),
    ],
)
def test_what_a_page_reads_of_each_visitor_is_whole(settings: Any, changes: dict[str, Any], problem: str) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    assert found() == {problem}


def test_no_number_is_set_twice() -> None:
    names = re.findall(r"^([A-Z][A-Z0-9_]+)\b.* = ", (ROOT / "portal/rules.py").read_text(), re.MULTILINE)
    assert len(names) > 90 and [name for name in set(names) if names.count(name) > 1] == []


@pytest.mark.promise("P44")
@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({}, set()),
        ({"PARTNER_NAME": ""}, {"portal.E062"}),
        ({"PARTNER_SCRIPT_URL": ""}, {"portal.E062"}),
        ({"PARTNER_SCRIPT_URL": "http://ads.example/tag.js"}, {"portal.E063"}),
        ({"PARTNER_ORIGINS": ["http://px.ads.example"]}, {"portal.E063"}),
        ({"PARTNER_POLICY_URL": ""}, {"portal.E062"}),
        ({"PARTNER_POLICY_URL": "https://ads.example/privacy?from=clinic"}, {"portal.E064"}),
        ({"PARTNER_POLICY_URL": "https://me@ads.example/privacy"}, {"portal.E064"}),
    ],
)
def test_a_partner_is_whole_and_speaks_https_or_there_is_none(
    settings: Any, changes: dict[str, Any], problems: set[str]
) -> None:
    whole = {
        "PARTNER_SCRIPT_URL": "https://ads.example/tag.js", "PARTNER_NAME": "Example Ads",
        "PARTNER_POLICY_URL": "https://ads.example/privacy", "PARTNER_ORIGINS": ["https://px.ads.example"],
    }
    for name, value in {**whole, **changes}.items():
        setattr(settings, name, value)
    assert found() == problems


def test_a_short_password_is_not_allowed_by_setting(settings: Any) -> None:
    settings.AUTH_PASSWORD_VALIDATORS = [{"NAME": "x", "OPTIONS": {"min_length": 14}}]
    assert found() == {"portal.E061"}


def test_messages_never_quote_a_secret(production: Any) -> None:
    production.SECRET_KEY = production.AUDIT_HMAC_KEY = "hunter2-hunter2"
    production.FIELD_ENCRYPTION_KEY = ["hunter2"]
    assert not any("hunter2" in str(problem) for problem in checks.problems())


def test_tests_and_demo_start_with_their_throw_away_keys() -> None:
    assert found() == set()


def _example() -> dict[str, str]:
    """The example file with its blanks filled in, as an operator would."""
    filled = {
        "DJANGO_SECRET_KEY": GOOD["SECRET_KEY"], "AUDIT_HMAC_KEY": GOOD["AUDIT_HMAC_KEY"],
        "SEARCH_HMAC_KEY": GOOD["SEARCH_HMAC_KEY"][0], "FIELD_ENCRYPTION_KEY": GOOD["FIELD_ENCRYPTION_KEY"][0],
        "LEFT_HMAC_KEY": GOOD["LEFT_HMAC_KEY"][0],
        "ARCHIVE_RECIPIENTS": GOOD["ARCHIVE_RECIPIENTS"][0], "DATABASE_URL": os.environ["DATABASE_URL"],
        "REDIS_URL": os.environ["REDIS_URL"],
        "DEFAULT_FROM_EMAIL": "Clinic <hello@clinic.org>",
    }
    lines = (ROOT / "docs/production.env.example").read_text().splitlines()
    pairs = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z0-9_]+=", line))
    return {name: filled.get(name, value.strip("<>")) for name, value in pairs.items()}


def _run(*command: str, **changes: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], **_example(), "DJANGO_SETTINGS_MODULE": "portal.settings", **changes}
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)


def test_the_deploy_check_is_clean_with_the_example_file_filled_in() -> None:
    result = _run("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


WORKER = "from celery.signals import worker_init; import portal.celery as c; worker_init.send(sender=c.app)"


@pytest.mark.parametrize("program", ["import portal.wsgi", WORKER])
def test_neither_web_server_nor_worker_comes_up_with_a_problem(program: str) -> None:
    result = _run("-c", program, STAFF_MFA_REQUIRED="false")
    assert result.returncode != 0 and "portal.E041" in result.stderr
    assert _run("-c", program).returncode == 0


def test_every_variable_that_the_settings_read_is_explained() -> None:
    files = ("portal/environment.py", "portal/rules.py", "portal/settings.py")
    text = "".join((ROOT / name).read_text() for name in files)
    read = set(re.findall(r'(?:env\.\w+|secret)\(\s*"([A-Z][A-Z0-9_]+)"', text))
    explained = set(re.findall(r"[A-Z][A-Z0-9_]+", (ROOT / "docs/production.env.example").read_text()))
    assert len(read) > 50 and read - explained == set()
