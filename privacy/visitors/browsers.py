"""Which browser it is, by family; whether it is too old for the site; whether it is a machine (P09).

The words that a browser says about itself are read and forgotten: only the family is ever counted.
"""

from __future__ import annotations

import re

from django.conf import settings

OTHER = "Other"
# In this order: most browsers also name the ones that they descend from. Each with the sign of its version.
_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("Edge", re.compile(r"\b(?:Edge|EdgA|EdgiOS|Edg)/(\d{1,4})(?:\.(\d{1,3}))?")),
    ("Opera", re.compile(r"\b(?:OPR|OPT|Opera)/(\d{1,4})(?:\.(\d{1,3}))?")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/(\d{1,4})(?:\.(\d{1,3}))?")),
    ("Firefox", re.compile(r"\bFirefox/(\d{1,4})(?:\.(\d{1,3}))?")),
    ("Internet Explorer", re.compile(r"\b(?:MSIE |Trident/.*\brv:)(\d{1,4})(?:\.(\d{1,3}))?")),
    ("Chrome", re.compile(r"\b(?:Chrome|Chromium)/(\d{1,4})(?:\.(\d{1,3}))?")),
    ("Safari", re.compile(r"\bVersion/(\d{1,4})(?:\.(\d{1,3}))?.*\bSafari/")),
)
# Every browser of an iPhone or iPad draws with the system's own Safari.
_IOS = re.compile(r"\b(?:iPhone|iPad|iPod)\b.*\bOS (\d{1,3})(?:_(\d{1,3}))?")
_IOS_NAMES = (("Edge", "EdgiOS"), ("Opera", "OPT/"), ("Firefox", "FxiOS"), ("Chrome", "CriOS"))
FAMILIES: tuple[str, ...] = (*(name for name, _sign in _SIGNS), OTHER)
_MACHINES = re.compile(
    r"bot\b|bot[/;_-]|crawl|spider|slurp|headless|lighthouse|preview|monitor|uptime|scan|fetch|archive|feed|python|curl|wget"
    r"|java/|go-http|httpx|okhttp|axios|phantom|selenium|puppeteer|playwright|facebookexternalhit|validator",
    re.IGNORECASE,
)
_LONGEST = 400  # signs that are read; browsers need about half


def family_of(user_agent: str) -> str:
    """One of ``FAMILIES``."""
    told = user_agent[:_LONGEST]
    if _IOS.search(told):
        return next((name for name, sign in _IOS_NAMES if sign in told), "Safari")
    return next((name for name, sign in _SIGNS if sign.search(told)), OTHER)


def is_old(user_agent: str) -> bool:
    """True when this browser is below the table ``OLD_BROWSERS``; an unknown one is never called old."""
    told = user_agent[:_LONGEST]
    ios = _IOS.search(told)
    if ios:
        return _version(ios) < _lowest("Safari")
    for name, sign in _SIGNS:
        found = sign.search(told)
        if found:
            return _version(found) < _lowest(name)
    return False


def is_machine(user_agent: str) -> bool:
    """True for what says that it is no person's browser, and for what says nothing at all."""
    told = user_agent[:_LONGEST]
    return not told.strip() or _MACHINES.search(told) is not None


def _version(found: re.Match[str]) -> tuple[int, int]:
    return int(found[1]), int(found[2] or 0)


def _lowest(name: str) -> tuple[int, int]:
    """The lowest version that is not old; ``(0, 0)`` for a family that is not in the table."""
    major, _dot, minor = str(settings.OLD_BROWSERS.get(name, "0")).partition(".")
    return int(major), int(minor or 0)
