"""The one hook for an advertising partner: off unless the clinic names one (P44).

When it is on, a page that is on the list holds one closed frame, after the visitor's own yes: never
for somebody signed in, never where something is typed. The partner's script runs in that frame
alone, which the browser treats as a stranger to our site (``sandbox``): it cannot read the page, its
address, our cookies, or another window of ours where somebody may have signed in. The page itself
keeps its policy of ``'self'``.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings


@dataclass(frozen=True)
class Partner:
    """``script`` is all that the frame loads; ``origins`` are those it may call, ``policy`` its own policy."""

    name: str
    script: str
    policy: str
    origins: tuple[str, ...]

    @property
    def frame_policy(self) -> str:
        """The Content-Security-Policy of the frame, and of nothing else."""
        there = " ".join(self.origins)
        return (
            f"default-src 'none'; script-src {there}; img-src {there}; connect-src {there}; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts"
        )


def partner() -> Partner | None:
    """The clinic's partner, or None: then nothing of this exists on any page."""
    script = settings.PARTNER_SCRIPT_URL
    if not script:
        return None
    url = urlsplit(script)
    origins = dict.fromkeys([f"{url.scheme}://{url.netloc}", *settings.PARTNER_ORIGINS])
    return Partner(settings.PARTNER_NAME, script, settings.PARTNER_POLICY_URL, tuple(origins))
