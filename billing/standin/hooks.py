"""The stand-in's webhooks: signed, retried, and disordered on demand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import queue
import random
import secrets
import threading
import time
from dataclasses import dataclass, field

import httpx

from billing.standin.tables import Faults, Json

SIGNATURE_HEADER = "x-square-hmacsha256-signature"
RETRY_AFTER_SECONDS = (0.2, 1.0, 3.0, 10.0, 30.0)


def sign(key: str, url: str, body: bytes) -> str:
    """Square's signature: base64 of HMAC-SHA256 over the registered address and the raw body."""
    return base64.b64encode(hmac.new(key.encode(), url.encode() + body, hashlib.sha256).digest()).decode()


@dataclass
class Hooks:
    """A queue of events and one thread that delivers them. ``url`` empty: nothing is sent."""

    url: str
    key: str
    faults: Faults
    merchant_id: str = "STANDIN"
    sent: list[tuple[str, int]] = field(default_factory=list)
    _queue: queue.Queue[tuple[bytes, int, float] | None] = field(default_factory=queue.Queue)
    _held: list[bytes] = field(default_factory=list)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True, name="standin-hooks")
        self._thread.start()

    def stop(self) -> None:
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(timeout=5)

    def body(self, event_type: str, kind: str, thing: Json) -> bytes:
        """The raw event as Square would post it."""
        event = {
            "merchant_id": self.merchant_id,
            "location_id": thing.get("location_id"),
            "type": event_type,
            "event_id": secrets.token_hex(16),
            "created_at": thing.get("updated_at"),
            "data": {"type": kind, "id": thing["id"], "object": {kind: thing}},
        }
        return json.dumps(event).encode()

    def emit(self, event_type: str, kind: str, thing: Json) -> None:
        """Queue an event, obeying the faults asked for. With reordering on, it waits for ``release``."""
        if not self.url or self.faults.drop_webhooks:
            return
        raw = self.body(event_type, kind, thing)
        if self.faults.reorder_webhooks:
            self._held.append(raw)
            return
        for _ in range(max(1, self.faults.repeat_webhooks)):
            self._queue.put((raw, 0, time.monotonic()))

    def release(self) -> int:
        """Send the held events in a disorder, newest first and then shuffled with repeats."""
        held, self._held = self._held, []
        again = held[::-1] + random.sample(held, len(held)) * (max(1, self.faults.repeat_webhooks) - 1)
        for raw in again:
            self._queue.put((raw, 0, time.monotonic()))
        return len(again)

    def idle(self) -> bool:
        return self._queue.unfinished_tasks == 0

    def _run(self) -> None:
        while True:
            item = self._queue.get()
            try:
                if item is None:
                    return
                self._deliver(*item)
            finally:
                self._queue.task_done()

    def _deliver(self, raw: bytes, attempt: int, due: float) -> None:
        if due > time.monotonic():
            # Later than the next in line: stand at the end again, without spinning.
            time.sleep(0.05)
            self._queue.put((raw, attempt, due))
            return
        status = self.post(raw)
        self.sent.append((json.loads(raw)["type"], status))
        if not 200 <= status < 300 and attempt < len(RETRY_AFTER_SECONDS):
            self._queue.put((raw, attempt + 1, time.monotonic() + RETRY_AFTER_SECONDS[attempt]))

    def post(self, raw: bytes) -> int:
        """Deliver one raw event now; 0 means that nobody answered."""
        headers = {"Content-Type": "application/json", SIGNATURE_HEADER: sign(self.key, self.url, raw)}
        try:
            return httpx.post(self.url, content=raw, headers=headers, timeout=10).status_code
        except httpx.HTTPError:
            return 0
