"""The alarms of the legal clocks: the officers hear of them, once for each day that was set (RULES 3.5)."""

from __future__ import annotations

from django.db import transaction

from portal.dates import today
from privacy.incidents import mails, selectors
from privacy.incidents.clocks import alarms_passed


def alarms_ring() -> int:
    """Tell the officers of each alarm day that has come; returns how many. A mail is queued once only.

    A delay that law enforcement asked for keeps the alarms quiet while it runs.
    """
    rung = 0
    for incident in selectors.with_unsent():
        if selectors.delayed_until(incident) is not None:
            continue
        for day in alarms_passed(selectors.discovered_on(incident), today()):
            with transaction.atomic():
                mails.breach_alarm(incident, day)
            rung += 1
    return rung
