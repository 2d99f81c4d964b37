"""The portal's own settings with one address more: the floor that pages are held against."""

from portal.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.served.urls"
