"""Settings of the test run: the product's own, with throw-away services and a fast hasher."""

import os
from pathlib import Path

from tests.services import ensure_services

os.environ["PORTAL_ENV"] = "test"
ensure_services()

from portal.settings import *  # noqa: E402,F403
from portal.settings import INSTALLED_APPS, STORAGES  # noqa: E402

# One folder a test worker: files of one worker are never seen by another.
_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
TEST_DIR = Path(os.environ["PORTAL_TEST_DIR"]) / _worker
SEALED_DIR = TEST_DIR / "sealed"
LOCKBOX_DIR = TEST_DIR / "lockbox"
MIRROR_DIR = TEST_DIR / "mirror"
ASSIGNMENT_DIR = Path(os.environ.get("TEST_ASSIGNMENT_DIR", TEST_DIR / "assignments"))
STORAGES = {
    **STORAGES,
    "sealed": {"BACKEND": "portal.crypto.storage.SealedFolder", "OPTIONS": {"location": str(SEALED_DIR)}},
    "mirror": {"BACKEND": "portal.crypto.storage.SealedFolder", "OPTIONS": {"location": str(MIRROR_DIR)}},
}
INSTALLED_APPS = [*INSTALLED_APPS, "tests.crypto.testapp"]
STATIC_ROOT = str(TEST_DIR / "static")
Path(STATIC_ROOT).mkdir(parents=True, exist_ok=True)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
LOCAL_INBOX_DIR = ""
# Each client of a test is a server of its own: it looks a static file up when asked, and lists none before.
WHITENOISE_AUTOREFRESH = True
STAFF_MFA_REQUIRED = False  # the tests of the second factor switch it on
# The archive's throw-away key pair; the private half is only in the tests.
ARCHIVE_RECIPIENTS = ["age14m4u4yk2y9mzd40wlv6z9eexkl6d8zr9hxnr900xleyqvdwkfa0scwq9np"]
ARCHIVE_IDENTITY = (
    "AGE-SECRET-KEY-1QG7J79EUDCJRW59SETKWJAF7T66Y5T6DYGADYTNVQMQSLD8WFSRQLSNUEN"
)
# The backups' own pair; it opens no archive.
BACKUP_RECIPIENTS = ["age19yyrhsjglmxkw4dtpsr2ptucd2n0snxvk4798wrsm9tqfdt58y2qud8p9g"]
BACKUP_IDENTITY = "AGE-SECRET-KEY-1AS7N9H50HHYDL57XJG48SA8ZTCZKJ9N8LG0WM7EQZCC38JQN958SFW8KWJ"
RESTORE_GATE = False  # the tests of restoring switch it on
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
