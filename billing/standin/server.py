"""The stand-in's HTTP side: Square's paths, the hosted page, and the control endpoint."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from billing.standin import page
from billing.standin.hooks import Hooks
from billing.standin.tables import Faults, Json, Refusal, bad_request, not_found
from billing.standin.world import World

MAX_BODY = 200_000
Api = Callable[[World, Json, dict[str, str], str], Json]

ROUTES: list[tuple[str, re.Pattern[str], Api]] = [
    ("POST", re.compile(r"/v2/online-checkout/payment-links"), lambda w, body, q, i: w.link_create(body)),
    ("GET", re.compile(r"/v2/orders/([\w-]+)"), lambda w, body, q, i: w.order_get(i)),
    ("GET", re.compile(r"/v2/payments/([\w-]+)"), lambda w, body, q, i: w.payment_get(i)),
    ("GET", re.compile(r"/v2/payments"), lambda w, body, q, i: w.payments_list(q)),
    ("POST", re.compile(r"/v2/refunds"), lambda w, body, q, i: w.refund_create(body)),
    ("GET", re.compile(r"/v2/refunds/([\w-]+)"), lambda w, body, q, i: w.refund_get(i)),
    ("GET", re.compile(r"/v2/locations"), lambda w, body, q, i: w.locations()),
]


@dataclass
class Standin:
    """A running stand-in. ``url`` is its address; ``world`` and ``hooks`` are open to tests."""

    world: World
    hooks: Hooks
    server: ThreadingHTTPServer

    @property
    def url(self) -> str:
        return self.world.public_url

    def control(self, asked: Json) -> Json:
        """Set faults by name; ``settle`` a held payment, ``release`` held events, ``reset`` all faults."""
        if asked.get("reset"):
            _set_faults(self.world.faults, asdict(Faults()))
        _set_faults(self.world.faults, asked)
        answer: Json = {"faults": asdict(self.world.faults), "idle": self.hooks.idle()}
        if asked.get("settle"):
            answer["payment"] = self.world.settle(str(asked["settle"]))
        if asked.get("release"):
            answer["released"] = self.hooks.release()
        return answer

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.hooks.stop()


def _set_faults(faults: Faults, asked: Json) -> None:
    for name, value in asked.items():
        if hasattr(faults, name):
            wanted = type(getattr(Faults(), name))
            if not isinstance(value, wanted) and not (wanted is float and isinstance(value, int)):
                raise bad_request("INVALID_VALUE", f"{name} must be {wanted.__name__}.", name)
            setattr(faults, name, wanted(value))


class Handler(BaseHTTPRequestHandler):
    """One request. ``standin`` is set on a subclass made for each server."""

    protocol_version = "HTTP/1.1"
    standin: Standin

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the portal's own log says what it asked."""

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def _handle(self, method: str) -> None:
        url = urlsplit(self.path)
        try:
            raw = self._raw()
            if url.path.startswith("/v2/"):
                self._json(200, self._api(method, url.path, url.query, raw))
            elif url.path == "/standin/control" and method == "POST":
                self._json(200, self.standin.control(self._parsed(raw)))
            elif url.path == "/standin/health":
                self._json(200, {"status": "ok"})
            else:
                self._page(method, url.path, dict(parse_qsl(url.query)))
        except Refusal as refusal:
            self._json(refusal.status, refusal.body)

    def _raw(self) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            raise Refusal(413, "INVALID_REQUEST_ERROR", "REQUEST_ENTITY_TOO_LARGE", "Too large.")
        return self.rfile.read(length)

    def _parsed(self, raw: bytes) -> Json:
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            raise bad_request("INVALID_REQUEST_BODY", "The body is not JSON.") from None
        if not isinstance(body, dict):
            raise bad_request("EXPECTED_OBJECT", "The body is not an object.")
        return body

    def _api(self, method: str, path: str, query: str, raw: bytes) -> Json:
        world = self.standin.world
        body = self._parsed(raw)
        with world.lock:
            world.calls.append((method, path, str(body.get("idempotency_key", ""))))
            failing = world.faults.fail_next > 0 and path.startswith(world.faults.fail_path)
            if failing:
                world.faults.fail_next -= 1
        if world.faults.delay_seconds:
            time.sleep(world.faults.delay_seconds)
        if failing:
            raise Refusal(world.faults.fail_status, "API_ERROR", "INTERNAL_SERVER_ERROR", "Asked to fail.")
        if self.headers.get("Authorization") != f"Bearer {world.token}":
            raise Refusal(401, "AUTHENTICATION_ERROR", "UNAUTHORIZED", "This request could not be authorized.")
        for verb, pattern, answer in ROUTES:
            match = pattern.fullmatch(path)
            if match and verb == method:
                return answer(world, body, dict(parse_qsl(query)), match.group(1) if match.groups() else "")
        raise not_found("API endpoint not found.")

    def _page(self, method: str, path: str, query: dict[str, str]) -> None:
        match = re.fullmatch(r"/pay/([0-9A-F]+)(?:/(pay|decline|back))?", path)
        try:
            if not match:
                raise not_found("No such page.")
            link, order = self.standin.world.page(match.group(1))
        except Refusal:
            self._html(404, page.message("Not found", "This payment page does not exist."))
            return
        act = match.group(2)
        if act is None and method == "GET":
            self._html(200, page.checkout(link, order, declined="declined" in query))
        elif act is None or method != "POST":
            self._html(405, page.message("Not possible", "Please use the buttons of the payment page."))
        elif act == "decline":
            self.standin.world.pay(link["id"], declined=True)
            self._redirect(f"/pay/{link['id']}?declined=1")
        elif act == "back":
            self._redirect(self._back(link, {}))
        else:
            payment = self.standin.world.pay(link["id"])
            self._redirect(self._back(link, {"orderId": order["id"], "transactionId": payment["id"]}))

    def _back(self, link: Json, extra: dict[str, str]) -> str:
        target = str(link["checkout_options"].get("redirect_url") or f"/pay/{link['id']}")
        if not extra:
            return target
        return f"{target}{'&' if '?' in target else '?'}{urlencode(extra)}"

    def _json(self, status: int, body: Json) -> None:
        self._send(status, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _html(self, status: int, text: str) -> None:
        headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
        self._send(status, text.encode(), {**headers, "Content-Security-Policy": page.CONTENT_SECURITY_POLICY})

    def _redirect(self, where: str) -> None:
        self._send(303, b"", {"Location": where, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        # A caller that gave up waiting has closed its end: nothing is left to tell it.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)


def build(
    *,
    port: int,
    token: str,
    location_id: str,
    webhook_url: str = "",
    signature_key: str = "",
    public_url: str = "",
    host: str = "127.0.0.1",
    state_file: Path | None = None,
) -> Standin:
    """Bind the stand-in; port 0 takes a free one. The caller runs ``server.serve_forever``."""
    handler = type("BoundHandler", (Handler,), {})
    server = ThreadingHTTPServer((host, port), handler)
    server.daemon_threads = True
    where = public_url or f"http://{host}:{server.server_address[1]}"
    world = World(token=token, location_id=location_id, public_url=where, state_file=state_file)
    hooks = Hooks(url=webhook_url, key=signature_key, faults=world.faults)
    world.emit = hooks.emit
    standin = Standin(world=world, hooks=hooks, server=server)
    handler.standin = standin  # type: ignore[attr-defined]
    hooks.start()
    return standin


@contextlib.contextmanager
def running(**options: Any) -> Iterator[Standin]:
    """A stand-in in a thread of this process, for tests. Options as for ``build``."""
    standin = build(**{"port": 0, **options})
    thread = threading.Thread(target=standin.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield standin
    finally:
        standin.close()
        thread.join(timeout=5)
