"""The whole portal as processes on one machine: database, broker, web, worker, beat, stand-in.

The demo runs one stack in ``.local/demo``; the browser and fault tests run throw-away ones on
free ports, and kill and restart single processes of it. Knows nothing of Django: it only sets
the environment that the processes read.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from portal import local_services

BASE = Path(__file__).resolve().parents[2]


class PortBusy(RuntimeError):
    """Another program listens on the port that this stack wants."""


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortBusy(str(port)) from error


def _secrets(folder: Path) -> dict[str, str]:
    """Throw-away keys of this stack, made once and kept beside its data."""
    file = folder / "secrets.json"
    if file.exists():
        return dict(json.loads(file.read_text()))
    import pyrage

    identity, backup, keeper = (pyrage.x25519.Identity.generate() for _key in range(3))
    made = {
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_ENCRYPTION_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AUDIT_HMAC_KEY": secrets.token_urlsafe(32),
        "SEARCH_HMAC_KEY": secrets.token_urlsafe(32),
        "LEFT_HMAC_KEY": secrets.token_urlsafe(32),
        "ARCHIVE_RECIPIENTS": str(identity.to_public()),
        "BACKUP_RECIPIENTS": str(backup.to_public()),
        "KEYS_RECIPIENTS": str(keeper.to_public()),
        "SQUARE_WEBHOOK_SIGNATURE_KEYS": secrets.token_urlsafe(24),
        "SQUARE_ACCESS_TOKEN": secrets.token_urlsafe(24),
    }
    # The private halves: in a real clinic they lie on neither the web nor the worker machine.
    for name, private in (("archive", identity), ("backup", backup), ("keys", keeper)):
        (folder / f"{name}-identity.txt").write_text(f"{private}\n")
    file.write_text(json.dumps(made, indent=1))
    return made


@dataclass
class Stack:
    """One running portal. ``start()`` brings everything up, ``close()`` takes it down."""

    name: str = "demo"
    web_port: int = 8000
    standin_port: int = 8100
    throwaway: bool = False
    extra_env: dict[str, str] = field(default_factory=dict)
    echo: Callable[[str], None] | None = None
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return local_services.LOCAL / self.name

    @property
    def url(self) -> str:
        return f"http://localhost:{self.web_port}"

    def start_services(self) -> None:
        """Database and broker; then the environment for every process."""
        self._end_leftovers()
        _check_port(self.web_port)
        _check_port(self.standin_port)
        services = local_services.start(self.name, throwaway=self.throwaway, private=self.throwaway)
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("logs", "static"):
            (self.folder / name).mkdir(exist_ok=True)
        own = {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PORTAL_ENV": "development",
            "PORTAL_LOCAL_DIR": str(self.folder),
            "STATIC_ROOT": str(self.folder / "static"),
            "DATABASE_URL": services.database_url,
            "REDIS_URL": services.redis_url,
            "SITE_URL": self.url,
            "LOCAL_INBOX_DIR": str(self.folder / "inbox"),
            "SQUARE_ENVIRONMENT": "standin",
            "SQUARE_BASE_URL": f"http://localhost:{self.standin_port}",
            "SQUARE_STANDIN_ALLOWED": "1",
            "STAFF_MFA_REQUIRED": "0",  # the demo's sign-ins are printed; production refuses this
            **_secrets(self.folder),
            **self.extra_env,
        }
        (self.folder / "env").write_text("".join(f"{key}={value}\n" for key, value in own.items()))
        self.env = {**os.environ, **own, "PYTHONUNBUFFERED": "1"}

    def manage(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        """Run a management command to its end; returns what it printed. Raises ``CalledProcessError``."""
        done = subprocess.run(  # noqa: S603 - our own manage.py
            [sys.executable, "manage.py", *arguments], cwd=BASE, env={**self.env, **(env or {})}, capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.stderr.write(done.stdout + done.stderr)
            done.check_returncode()
        return done.stdout

    def seed(self, patients: int, *, parts: int = 2) -> None:
        """Fill the clinic; ``parts`` processes share the work. The stand-in must be running."""
        # What was made up may be made up again: no need to wait for the disk at each of many commits.
        quick = {"PGOPTIONS": "-c synchronous_commit=off"}
        shares = [
            threading.Thread(
                target=self.manage, kwargs={"env": quick},
                args=("seed_demo", "--patients", str(patients), "--part", str(part), "--parts", str(parts)),
            )
            for part in range(parts)
        ]
        for share in shares:
            share.start()
        for share in shares:
            share.join()

    def prepare(self) -> None:
        """Tables, cache table, policy texts."""
        self.manage("migrate", "--no-input", "-v", "0")
        self.manage("createcachetable")

    def commands(self) -> dict[str, list[str]]:
        """What runs, by name."""
        python = [sys.executable, "-m"]
        signature = self.env["SQUARE_WEBHOOK_SIGNATURE_KEYS"].split(",")[0]
        return {
            "square": [
                *python, "billing.standin", "--port", str(self.standin_port),
                "--webhook-url", f"{self.url}/billing/square/webhook/", "--state", str(self.folder / "square.json"),
                # With a sign between: a random word may begin like an option.
                f"--signature-key={signature}", f"--token={self.env['SQUARE_ACCESS_TOKEN']}",
            ],
            "web": [
                *python, "gunicorn", "portal.wsgi", "--bind", f"127.0.0.1:{self.web_port}", "--workers", "1",
                "--threads", "6", "--log-level", "warning", "--timeout", "60",
            ],
            "worker": [
                *python, "celery", "-q", "-A", "portal", "worker", "--concurrency", "2", "--loglevel", "WARNING",
                "--without-gossip", "--without-mingle",
            ],
            "beat": [
                *python, "celery", "-q", "-A", "portal", "beat", "--loglevel", "WARNING",
                "--schedule", str(self.folder / "beat-schedule"), "--pidfile", "",
            ],
        }

    def spawn(self, name: str) -> None:
        """Start one process by name; its lines go to ``logs/<name>.log`` and to ``echo``."""
        process = subprocess.Popen(  # noqa: S603 - our own commands
            self.commands()[name], cwd=BASE, env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )
        self.processes[name] = process
        self._remember()
        threading.Thread(target=self._pump, args=(name, process), daemon=True).start()

    def _remember(self) -> None:
        """Write down what runs, so that a later start ends what a killed supervisor left."""
        running = {
            str(process.pid): local_services.process_started(process.pid)
            for process in self.processes.values() if process.poll() is None
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "processes.json").write_text(json.dumps(running))

    def _end_leftovers(self) -> None:
        try:
            left = json.loads((self.folder / "processes.json").read_text())
        except (OSError, ValueError):
            return
        for pid, started in left.items():
            now = local_services.process_started(int(pid))
            if now is not None and started is not None and abs(now - started) < 1:
                os.killpg(int(pid), signal.SIGKILL)

    def _pump(self, name: str, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with (self.folder / "logs" / f"{name}.log").open("ab") as log:
            for line in process.stdout:
                log.write(line)
                log.flush()
                if self.echo is not None:
                    self.echo(f"{name:>7} | {line.decode(errors='replace').rstrip()}")

    def wait_ready(self, *, seconds: float = 60) -> None:
        """Wait until the home page answers. Raises ``TimeoutError``; says which process died."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            dead = [name for name, process in self.processes.items() if process.poll() is not None]
            if dead:
                raise RuntimeError(f"{', '.join(dead)} stopped; see {self.folder / 'logs'}")
            try:
                with urllib.request.urlopen(self.url, timeout=5) as answer:  # noqa: S310 - localhost
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise TimeoutError(self.url)

    def start(self, *names: str) -> None:
        """Services, tables, then the named processes (all of them by default)."""
        self.start_services()
        self.prepare()
        for name in names or tuple(self.commands()):
            self.spawn(name)
        self.wait_ready()

    def kill(self, name: str) -> None:
        """SIGKILL to the process and its children: what a power cut does."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, name: str, *, seconds: float = 8) -> None:
        """Ask a process to end, and insist after ``seconds``."""
        process = self.processes.pop(name)
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def close(self) -> None:
        """End all processes and both servers; throw-away data is removed."""
        for process in self.processes.values():
            process.terminate()  # all at once; then each is waited for
        for name in list(self.processes):
            self.stop(name)
        self._remember()
        local_services.stop(self.folder, delete=self.throwaway)
