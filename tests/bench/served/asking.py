"""One signed-in browser that keeps its connection to a real server."""

from __future__ import annotations

import http.client


class Server:
    """Asks page after page over one connection."""

    def __init__(self, port: int, session: str) -> None:
        self.line = http.client.HTTPConnection("localhost", port, timeout=30)
        self.headers = {"Cookie": f"session={session}", "Accept-Encoding": "identity"}

    def ask(self, address: str) -> None:
        """Read one page to its end. Raises ``AssertionError`` for anything but a page."""
        self.line.request("GET", address, headers=self.headers)
        answer = self.line.getresponse()
        body = answer.read()
        if answer.status != 200 or not body:
            raise AssertionError(f"{address}: {answer.status}")
