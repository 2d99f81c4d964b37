"""Each day: remind of what is missing, and leave what the running site can show for P55."""

from __future__ import annotations

import datetime as dt

from portal.accounts.training import training_remind, untrained
from portal.audit.reviews import review_missing
from portal.evidence.models import Evidence
from portal.evidence.services import evidence_record
from privacy.safeguards import mails
from privacy.safeguards.selectors import analysis_due, risks_overdue, unanswered
from privacy.vendors.selectors import needs_care, unregistered

EVIDENCE = "safeguards.kept"


def safeguards_watch() -> dict[str, int]:
    """Mail about a month that nobody signed and about trainings that end, once each; then the proof."""
    missing = review_missing()
    if missing is not None:
        mails.review_missing(missing)
    told = training_remind()
    return {"review_missing": int(missing is not None), "trainings_told": told, "passed": int(prove().passed)}


def prove() -> Evidence:
    """P55 holds while a risk analysis of the last year and each month of the log that is due are signed.

    And while no company that the settings hand something to is without an agreement (RULES 1.62). What else
    waits stands beside it as numbers.
    """
    due, missing, unagreed = analysis_due(), review_missing(), len(unregistered())
    facts = {
        "analysis_due": due, "review_missing": missing is not None, "risks_overdue": risks_overdue(),
        "untrained": untrained(), "unanswered": unanswered(), "vendors_to_look_at": needs_care(),
        "vendors_without_agreement": unagreed,
    }
    passed = not due and missing is None and not unagreed
    return evidence_record(kind=EVIDENCE, passed=passed, facts=facts, valid_for=dt.timedelta(hours=36))
