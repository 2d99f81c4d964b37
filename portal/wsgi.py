"""WSGI entry point."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from portal.checks import refuse_unsafe_start  # noqa: E402 - settings must be loaded first

refuse_unsafe_start()

# What was loaded by now stays for good. Without this the collector looks through all of it again and again
# while a large page is made, which is a fifth of that page's time (docs/decisions/0160).
gc.collect()
gc.freeze()
