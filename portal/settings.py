"""All settings of the portal, read from the environment; the numbers of law and policy are in ``portal/rules.py``.

``PORTAL_ENV`` is ``production`` unless said otherwise: a forgotten variable makes the strict
choice. ``development`` (the demo) and ``test`` bring throw-away keys; ``portal/checks.py``
refuses to start production with any of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from portal.environment import BASE_DIR, LOCAL_DIR, PRODUCTION, env, secret
from portal.environment import PORTAL_ENV as PORTAL_ENV
from portal.rules import *  # noqa: F403  # they are settings as any other
from portal.schedule import CELERY_BEAT_SCHEDULE as CELERY_BEAT_SCHEDULE

# --- Django -------------------------------------------------------------------------------
DEBUG: bool = env.bool("DJANGO_DEBUG", False)
SECRET_KEY: str = secret("DJANGO_SECRET_KEY", "development-only-not-a-secret-development-only")
ALLOWED_HOSTS: list[str] = env.list("DJANGO_ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1"])
SITE_URL: str = env.str("SITE_URL", "http://localhost:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[SITE_URL])
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "portal.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "csp",
    "django_htmx",
    "pgtrigger",
    "pghistory",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "portal.pages",
    "portal.crypto",
    "portal.lockbox",
    "portal.evidence",
    "portal.audit",
    "portal.outbox",
    "portal.agreements",
    "portal.accounts",
    "portal.jobs",
    "billing",
    "records",
    "consults",
    "privacy",
    *([] if PRODUCTION else ["portal.demo"]),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "portal.middleware.RequestIdMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "records.fhir.middleware.FhirMiddleware",
    "privacy.middleware.RestoreGateMiddleware",
    "csp.middleware.CSPMiddleware",
    "privacy.visitors.middleware.VisitorMiddleware",  # above the session, which a counted visit never reaches
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.accounts.middleware.ActorMiddleware",
    "portal.accounts.middleware.SessionLimitMiddleware",
    "portal.middleware.PrivateResponseMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.accounts.middleware.SessionActivityMiddleware",
    "portal.accounts.middleware.ExpiredFormMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "portal.accounts.middleware.StaffMfaMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.NotVisibleMiddleware",
    "portal.accounts.middleware.DeniedMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context_processors.clinic",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **env.db_url("DATABASE_URL", "postgresql://portal@localhost/portal"),
        # Kept connections are worth 2.2 to 2.7 times on a page (PERFORMANCE.md).
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", 600),
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,  # an audit row must be committed before content leaves
    }
}
REDIS_URL: str = env.str("REDIS_URL", "redis://localhost:6379/0")

# Rate limits and used-code marks live in PostgreSQL, so sign-in works while the broker is down.
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "portal.cache.PostgresCache",
        "LOCATION": "portal_cache",
        "OPTIONS": {"MAX_ENTRIES": 200_000},
    }
}

LANGUAGE_CODE = "en-us"
LANGUAGES = [("en", _("English"))]
USE_TZ = True
TIME_ZONE = "UTC"
LOCALE_PATHS = [BASE_DIR / "locale"]

STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", str(BASE_DIR / "staticfiles"))
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not PRODUCTION
# Ciphertext only. Names are random; nothing here can be opened without its row.
SEALED_DIR = Path(env.str("SEALED_DIR", str(LOCAL_DIR / "sealed")))
MIRROR_DIR = Path(env.str("MIRROR_DIR", str(LOCAL_DIR / "mirror")))
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "sealed": {"BACKEND": "portal.crypto.storage.SealedFolder", "OPTIONS": {"location": str(SEALED_DIR)}},
    # Sealed files once more, for backups: on another machine in production.
    "mirror": {"BACKEND": "portal.crypto.storage.SealedFolder", "OPTIONS": {"location": str(MIRROR_DIR)}},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION or env.bool("STATIC_MANIFEST", False)
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
# A photo stays in memory until it is sealed: in clear it never touches the disk.
FILE_UPLOAD_MAX_MEMORY_SIZE = 26_000_000
FILE_UPLOAD_TEMP_DIR = env.str("FILE_UPLOAD_TEMP_DIR", "") or None

# --- Keys ---------------------------------------------------------------------------------
# Newest first: the first encrypts, all decrypt (P17). `manage.py rotate_keys` moves rows on.
FIELD_ENCRYPTION_KEY: list[str] = [
    key
    for key in secret("FIELD_ENCRYPTION_KEY", "ZGV2ZWxvcG1lbnQtb25seS1rZXktbm90LXNlY3JldCE=").split(",")
    if key
]
# Keys of the access log's authentication codes, newest first, and of the keyed hashes; never in the database.
AUDIT_HMAC_KEY: list[str] = [key for key in secret("AUDIT_HMAC_KEY", "development-only-audit-key").split(",") if key]
# Newest first: it hashes what is written, all of them what is looked for. `manage.py search_rebuild` moves on.
SEARCH_HMAC_KEY: list[str] = [
    key for key in secret("SEARCH_HMAC_KEY", "development-only-search-key").split(",") if key
]
# Hashes the addresses of people who left. No key is ever taken off the list: what it hashed is not known any more.
LEFT_HMAC_KEY: list[str] = [key for key in secret("LEFT_HMAC_KEY", "development-only-left-key").split(",") if key]
# age public keys: web and worker can seal the archive and never open it.
ARCHIVE_RECIPIENTS: list[str] = env.list("ARCHIVE_RECIPIENTS", default=[])
LOCKBOX_STORE: str = env.str("LOCKBOX_STORE", "portal.lockbox.folder.FolderStore")
LOCKBOX_DIR = Path(env.str("LOCKBOX_DIR", str(LOCAL_DIR / "lockbox")))
# Where the export for a new owner waits, sealed to their key, until it is handed over (P16).
ASSIGNMENT_DIR = Path(env.str("ASSIGNMENT_DIR", str(LOCAL_DIR / "assignments")))
# For portal.lockbox.s3.S3Store: a bucket of another provider or account (P40). Empty endpoint: AWS.
LOCKBOX_S3_ENDPOINT: str = env.str("LOCKBOX_S3_ENDPOINT", "").rstrip("/")
LOCKBOX_S3_BUCKET: str = env.str("LOCKBOX_S3_BUCKET", "")
LOCKBOX_S3_REGION: str = env.str("LOCKBOX_S3_REGION", "us-east-2")
LOCKBOX_S3_ACCESS_KEY: str = env.str("LOCKBOX_S3_ACCESS_KEY", "")
LOCKBOX_S3_SECRET_KEY: str = env.str("LOCKBOX_S3_SECRET_KEY", "")
LOCKBOX_S3_PREFIX: str = env.str("LOCKBOX_S3_PREFIX", "")
LOCKBOX_S3_TIMEOUT_SECONDS = env.int("LOCKBOX_S3_TIMEOUT_SECONDS", 20)

# --- The clinic (never a literal elsewhere) ---------------------------------------------------
CLINIC_NAME: str = env.str("CLINIC_NAME", "Clear Lake Skin")
CLINIC_LEGAL_NAME: str = env.str("CLINIC_LEGAL_NAME", "Clear Lake Skin, PLLC")
CLINIC_ADDRESS: list[str] = env.list("CLINIC_ADDRESS", default=["12 Lakeshore Drive", "Clear Lake", "MN 55319"])
CLINIC_EMAIL: str = env.str("CLINIC_EMAIL", "hello@clearlakeskin.example")
CLINIC_PHONE: str = env.str("CLINIC_PHONE", "(320) 555-0142")
CLINIC_TOLL_FREE: str = env.str("CLINIC_TOLL_FREE", "")  # RULES 3.7, 3.10: named in notices of a breach
CLINIC_OFFICER_NAME: str = env.str("CLINIC_OFFICER_NAME", "Mia Soto")
CLINIC_OFFICER_EMAIL: str = env.str("CLINIC_OFFICER_EMAIL", "privacy@clearlakeskin.example")
CLINIC_TIME_ZONE: str = env.str("CLINIC_TIME_ZONE", "America/Chicago")
CLINIC_STATES: dict[str, str] = dict(
    pair.split(":", 1) for pair in env.list("CLINIC_STATES", default=["MN:Minnesota"])
)  # states in which its clinicians are licensed (RULES 4.17)
CLINIC_REPLY_HOURS: int = env.int("CLINIC_REPLY_HOURS", 24)

# --- Accounts (allauth) -----------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "portal.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {"signup": "portal.accounts.forms.SignupForm"}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_MAX_ATTEMPTS = 5
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = 3600  # recovery.email_h=1, ceiling 24 h (RULES 7.12)
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 3600
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = True  # no mail leaves: the adapter only spends the same time
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # before a change of address
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PRODUCTION else "http"
ALLAUTH_TRUSTED_PROXY_COUNT: int = env.int("TRUSTED_PROXY_COUNT", 0)
MFA_ADAPTER = "portal.accounts.adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {
    "add_webauthn": "portal.accounts.passkeys.AddForm",
    "authenticate_webauthn": "portal.accounts.passkeys.AuthenticateForm",
    "login_webauthn": "portal.accounts.passkeys.LoginForm",
    "reauthenticate_webauthn": "portal.accounts.passkeys.ReauthenticateForm",
}
MFA_TOTP_TOLERANCE = 1
MFA_TOTP_ISSUER = CLINIC_NAME
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
USERSESSIONS_TRACK_ACTIVITY = True  # by our own middleware, once a minute at most
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/home/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
STAFF_MFA_REQUIRED: bool = env.bool("STAFF_MFA_REQUIRED", True)
UNVERIFIED_ACCOUNT_HOURS = env.int("UNVERIFIED_ACCOUNT_HOURS", 24)  # P02
ADULT_AGE = env.int("ADULT_AGE", 18)  # majority_age (RULES 4.12)
MINIMUM_AGE = env.int("MINIMUM_AGE", 13)  # coppa_age (RULES 6.5)
PASSWORD_HASHERS = ["portal.accounts.hashers.ClinicArgon2Hasher"]
# As high as is practical (RULES 7.6): about a tenth of a second. OWASP's floor is 19,456 and 2.
ARGON2_MEMORY_KIB = env.int("ARGON2_MEMORY_KIB", 47_104)
ARGON2_TIME_COST = env.int("ARGON2_TIME_COST", 4)
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    # Alone, a password needs 15 signs; nothing about its make-up, no expiry (RULES 7.1, 7.2).
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
     "OPTIONS": {"min_length": env.int("PASSWORD_MIN_LENGTH", 15)}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "portal.accounts.passwords.NotAboutYouValidator"},
]

# --- Sessions (RULES 7.8; enforced on the server) -----------------------------------------------
SESSION_ENGINE = "portal.accounts.sessions"  # content sealed under the field keys
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no words in cookies (P43)
CSRF_FAILURE_VIEW = "portal.accounts.views.form_out_of_date"
SESSION_COOKIE_NAME = "__Host-session" if PRODUCTION else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if PRODUCTION else "csrf"
CHOICE_COOKIE_NAME = "__Host-choice" if PRODUCTION else "choice"  # every cookie: privacy/visitors/cookies.py
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_PATIENT_IDLE_MINUTES = env.int("SESSION_PATIENT_IDLE_MINUTES", 30)
SESSION_PATIENT_HOURS = env.int("SESSION_PATIENT_HOURS", 24)
SESSION_STAFF_IDLE_MINUTES = env.int("SESSION_STAFF_IDLE_MINUTES", 15)
SESSION_STAFF_HOURS = env.int("SESSION_STAFF_HOURS", 12)
SESSION_WARN_SECONDS = env.int("SESSION_WARN_SECONDS", 120)  # at least 20 (RULES 6.9)
SESSION_COOKIE_AGE = SESSION_PATIENT_HOURS * 3600

# --- Security headers (P19) ----------------------------------------------------------------------
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_TLS_PROXY", False) else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- Square (P15) ----------------------------------------------------------------------------------
SQUARE_ENVIRONMENT: str = env.str("SQUARE_ENVIRONMENT", "production" if PRODUCTION else "standin")
SQUARE_BASE_URL: str = env.str("SQUARE_BASE_URL", "" if PRODUCTION else "http://localhost:8100")
SQUARE_ACCESS_TOKEN: str = secret("SQUARE_ACCESS_TOKEN", "standin-token")
SQUARE_LOCATION_ID: str = secret("SQUARE_LOCATION_ID", "STANDIN")
SQUARE_WEBHOOK_URL: str = env.str("SQUARE_WEBHOOK_URL", f"{SITE_URL}/billing/square/webhook/")
SQUARE_WEBHOOK_SIGNATURE_KEYS: list[str] = secret("SQUARE_WEBHOOK_SIGNATURE_KEYS", "standin-signature-key").split(",")
SQUARE_PRIVACY_URL: str = env.str("SQUARE_PRIVACY_URL", "https://squareup.com/us/en/legal/general/privacy")
SQUARE_TIMEOUT_SECONDS = env.int("SQUARE_TIMEOUT_SECONDS", 5)
# Where a checkout may lead: Chromium applies form-action to the redirect after a POST as well.
SQUARE_CHECKOUT_ORIGINS: list[str] = env.list(
    "SQUARE_CHECKOUT_ORIGINS",
    default=["https://square.link", "https://checkout.square.site"] if PRODUCTION else [SQUARE_BASE_URL],
)
CONSULT_FEE_CENTS = env.int("CONSULT_FEE_CENTS", 5900)
CURRENCY: str = env.str("CURRENCY", "USD")

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "img-src": [SELF, "blob:"],  # blob: the preview of a photo before it is sent
        "form-action": [SELF, *SQUARE_CHECKOUT_ORIGINS],
    }
}

# --- An advertising partner (P44): none unless an address is set --------------------------------------
PARTNER_SCRIPT_URL: str = env.str("PARTNER_SCRIPT_URL", "")
PARTNER_NAME: str = env.str("PARTNER_NAME", "")
PARTNER_POLICY_URL: str = env.str("PARTNER_POLICY_URL", "")
PARTNER_ORIGINS: list[str] = env.list("PARTNER_ORIGINS", default=[])  # beside the script's own

# --- Mail (P24) ----------------------------------------------------------------------------------
LOCAL_INBOX_DIR: str = env.str("LOCAL_INBOX_DIR", "")
EMAIL_BACKEND: str = env.str(
    "EMAIL_BACKEND",
    "portal.outbox.inbox.LocalInboxBackend" if LOCAL_INBOX_DIR else "portal.outbox.smtp.SmtpBackend",
)
EMAIL_HOST = env.str("EMAIL_HOST", "localhost")
EMAIL_PORT = env.int("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", 10)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"{CLINIC_NAME} <{CLINIC_EMAIL}>")
MAIL_MAX_ATTEMPTS = env.int("MAIL_MAX_ATTEMPTS", 8)
# A worker that was killed gives its mails back after this; longer than one mail can ever take.
MAIL_LEASE_SECONDS = env.int("MAIL_LEASE_SECONDS", 120)
POKE_ENABLED = env.bool("POKE_ENABLED", True)  # off: all work waits for the periodic sweeps

# --- Celery (COMPONENTS 4: work is in tables, messages are nudges) ----------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = env.str("CELERY_QUEUE", "portal")
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_DB_REUSE_MAX = 1000
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_connect_timeout": 1,
    "socket_timeout": 1,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
}
CELERY_TIMEZONE = CLINIC_TIME_ZONE

# --- The release ----------------------------------------------------------------------------------
PG_BIN_DIR: str = env.str("PG_BIN_DIR", "")  # where pg_dump of the server's release lies, if not on the path
RELEASE_ID: str = env.str("RELEASE_ID", "")
RESTORE_GATE: bool = env.bool("RESTORE_GATE", True)  # closed until the erasure ledger was read (P39)

SILENCED_SYSTEM_CHECKS: list[str] = []

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"no_phi": {"()": "portal.logs.NoPhiFilter"}},
    "formatters": {"line": {"()": "portal.logs.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["no_phi"], "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"level": "INFO", "propagate": True, "handlers": []},
        "django.server": {"level": "WARNING", "propagate": True, "handlers": []},
        "celery": {"level": "WARNING", "propagate": True},
        "celery.redirected": {"level": "WARNING", "propagate": True},
        "httpx": {"level": "WARNING", "propagate": True},
        "pikepdf": {"level": "WARNING", "propagate": True},
    },
}
