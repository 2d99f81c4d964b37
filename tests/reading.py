"""What a test reads of a page when it looks for a short word that must not be there."""

from __future__ import annotations

import html
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


def sent_back(page: Any) -> dict[str, str]:
    """What a browser would send of the page's form as it stands: every input, area and choice, by its name."""
    text = page.content.decode()
    main = text[text.index("<main"):text.index("</main")]
    found = {}
    for tag in re.findall(r"<input\b[^>]*>", main):
        parts = {key: html.unescape(value) for key, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        if "name" in parts and (parts.get("type") not in ("checkbox", "radio") or " checked" in tag):
            found[parts["name"]] = parts.get("value", "")
    for name, value in re.findall(r'<textarea\b[^>]*name="([^"]+)"[^>]*>\n?(.*?)</textarea>', main, re.DOTALL):
        found[name] = html.unescape(value)
    for name, options in re.findall(r'<select\b[^>]*name="([^"]+)"[^>]*>(.*?)</select>', main, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)"[^>]*\bselected', options)
        found[name] = html.unescape(chosen[1]) if chosen else ""
    return found
