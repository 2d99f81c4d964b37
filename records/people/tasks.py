"""The worker's task for people: are the search tokens what the rows say?"""

from __future__ import annotations

from celery import shared_task

from portal.dates import today
from records.people.search_rebuild import check_share


@shared_task(name="records.search_check")
def search_check() -> None:
    """Each night: a sixteenth of the patients; what is wrong is mended and counted as evidence."""
    check_share(today())
