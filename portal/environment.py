"""The environment that the settings are read from."""

from __future__ import annotations

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if env.str("PORTAL_ENV_FILE", ""):
    env.read_env(env.str("PORTAL_ENV_FILE"))

PORTAL_ENV: str = env.str("PORTAL_ENV", "production")
PRODUCTION: bool = PORTAL_ENV == "production"
LOCAL_DIR = Path(env.str("PORTAL_LOCAL_DIR", str(BASE_DIR / ".local" / PORTAL_ENV)))


def secret(name: str, development_value: str) -> str:
    """A secret from the environment; only outside production a throw-away stands in for it."""
    return str(env.str(name) if PRODUCTION else env.str(name, development_value))
