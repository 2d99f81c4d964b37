"""What a test reads of a page when it looks for a short word that must not be there."""

from __future__ import annotations

import re
from typing import Any

_RANDOM = re.compile(
    r"""<input[^>]*\btype=.?hidden[^>]*>|\b(?:nonce|hx-headers)=(?:"[^"]*"|'[^']*')|\b[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b""",
    re.IGNORECASE,
)


def shown(response: Any) -> str:
    """The page without hidden fields, nonces and ids: a random token may spell any short word or number."""
    return _RANDOM.sub("", response.content.decode())


def asks_again(page: Any) -> bool:
    """The password is asked for once more: on a page of its own, or on the one that keeps what was typed."""
    if page.status_code == 200:
        return 'name="kept"' in page.content.decode() and 'name="password"' in page.content.decode()
    return page.status_code == 302 and "/reauthenticate/" in page["Location"]
