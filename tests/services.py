"""The test run's own PostgreSQL and Valkey. The first process starts them and stops them.

``tests/settings.py`` calls ``ensure_services`` before it reads the environment; workers of
pytest-xdist find them running and take a database, a Valkey database and a folder of their own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from portal import local_services


def ensure_services() -> None:
    """Start the servers once a run; in a worker of pytest-xdist only pick its Valkey database."""
    if "PORTAL_TESTS_OWNER" not in os.environ:
        services = local_services.start(f"tests-{os.getpid()}", database="portal_tests", throwaway=True)
        os.environ["DATABASE_URL"] = services.database_url
        os.environ["REDIS_URL"] = services.redis_url
        os.environ["PORTAL_TESTS_OWNER"] = str(os.getpid())
        os.environ["PORTAL_TESTS_FOLDER"] = str(services.folder or "")
        os.environ["PORTAL_TEST_DIR"] = tempfile.mkdtemp(prefix="portal-tests-")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and os.environ.get("PORTAL_TESTS_VALKEY") != worker:
        base = os.environ["REDIS_URL"].rsplit("/", 1)[0]
        os.environ["REDIS_URL"] = f"{base}/{int(worker.removeprefix('gw')) + 1}"
        os.environ["PORTAL_TESTS_VALKEY"] = worker


def stop_services() -> None:
    """Stop and remove what this very process started; workers leave it alone."""
    if os.environ.get("PORTAL_TESTS_OWNER") != str(os.getpid()):
        return
    folder = os.environ["PORTAL_TESTS_FOLDER"]
    if folder:
        local_services.stop(Path(folder), delete=True)
    shutil.rmtree(os.environ["PORTAL_TEST_DIR"], ignore_errors=True)
