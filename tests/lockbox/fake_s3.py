"""A proxy before the local S3 server that misbehaves on demand, for what a store may do to us."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """What the real server said; a trick changes it before it is passed on."""

    status: int
    headers: dict[str, str]
    body: bytes


# method, path with query, and a way to the real server: what to answer.
Trick = Callable[[str, str, Callable[[], Answer]], Answer]


@dataclass
class Proxy:
    """``trick`` is asked at each request; None passes all on. ``seen`` are the requests."""

    endpoint: str = ""
    trick: Trick | None = None
    seen: list[tuple[str, str]] = field(default_factory=list)


def refusal(status: int, code: str) -> Answer:
    """An error as S3 words it."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    return Answer(status, {"Content-Type": "application/xml"}, body)


def always(answer: Answer) -> Trick:
    return lambda _method, _path, _real: answer


def hanging(seconds: float) -> Trick:
    """The server gets the request and its answer never comes in time."""

    def trick(_method: str, _path: str, real: Callable[[], Answer]) -> Answer:
        answer = real()
        time.sleep(seconds)
        return answer

    return trick


def lost(method: str, _path: str, real: Callable[[], Answer]) -> Answer:
    """Every write is done, and its answer never arrives."""
    answer = real()
    return refusal(500, "InternalError") if method == "PUT" else answer


def lying(_method: str, _path: str, real: Callable[[], Answer]) -> Answer:
    """What is kept has another checksum than what was sent."""
    answer = real()
    if "x-amz-checksum-sha256" in {name.lower() for name in answer.headers}:
        answer.headers = {n: v for n, v in answer.headers.items() if n.lower() != "x-amz-checksum-sha256"}
        answer.headers["x-amz-checksum-sha256"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    return answer


@contextmanager
def proxy(target: str) -> Iterator[Proxy]:
    state = Proxy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.seen.append((self.command, self.path))
            answer = state.trick(self.command, self.path, lambda: self._real(body)) if state.trick else self._real(body)
            try:
                self._pass_on(answer)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # whoever asked has hung up

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = do

        def _real(self, body: bytes) -> Answer:
            headers = {
                name: value for name, value in self.headers.items()
                if name.lower() not in ("host", "expect", "connection")
            }
            request = urllib.request.Request(
                target + self.path, data=body or None, headers=headers, method=self.command
            )
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return Answer(answer.status, dict(answer.headers), answer.read())
            except urllib.error.HTTPError as error:
                return Answer(error.code, dict(error.headers), error.read())

        def _pass_on(self, answer: Answer) -> None:
            self.send_response(answer.status)
            length = answer.headers.get("content-length") or answer.headers.get("Content-Length") or "0"
            for name, value in answer.headers.items():
                if name.lower() not in ("content-length", "connection", "date", "server", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("Content-Length", length if self.command == "HEAD" else str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Says nothing: the tests read ``seen``."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
