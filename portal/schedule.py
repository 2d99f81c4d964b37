"""When beat starts which task; seconds, or a time of the clinic's clock. Each also runs twice without harm."""

from typing import Any

from celery.schedules import crontab

CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "outbox-sweep": {"task": "outbox.sweep", "schedule": 30},
    "jobs-sweep": {"task": "jobs.sweep", "schedule": 60},
    "photos-sweep": {"task": "records.photos.sweep", "schedule": 60},
    "documents-sweep": {"task": "records.documents.sweep", "schedule": 60},
    "billing-sweep": {"task": "billing.sweep", "schedule": 60},
    "billing-reconcile": {"task": "billing.reconcile", "schedule": crontab(minute="*/15")},
    "consults-sweep": {"task": "consults.sweep", "schedule": 60},
    "accounts-purge": {"task": "accounts.purge_unverified", "schedule": crontab(minute=20)},
    "privacy-sweep": {"task": "privacy.sweep", "schedule": 120},
    "audit-digest": {"task": "audit.digest", "schedule": crontab(minute=5)},
    "evidence-readable": {"task": "evidence.readable", "schedule": crontab(hour=3, minute=40)},
    "audit-verify": {"task": "audit.verify", "schedule": crontab(hour=3, minute=10)},
    "privacy-backup": {"task": "privacy.backup_nightly", "schedule": crontab(hour=1, minute=30)},
    "privacy-backup-watch": {"task": "privacy.backup_watch", "schedule": crontab(minute=45)},
    "privacy-erased": {"task": "privacy.erased_check", "schedule": crontab(hour=4, minute=30)},
    "privacy-register": {"task": "privacy.register_prove", "schedule": crontab(hour=4, minute=5)},
    "privacy-notices": {"task": "privacy.notices", "schedule": 300},
    "privacy-incidents": {"task": "privacy.incidents_sweep", "schedule": 120},
    "privacy-incidents-watch": {"task": "privacy.incidents_watch", "schedule": crontab(hour=7, minute=30)},
    "privacy-safeguards": {"task": "privacy.safeguards_watch", "schedule": crontab(hour=7, minute=50)},
    "privacy-requests": {"task": "privacy.requests_remind", "schedule": crontab(hour=7, minute=10)},
    "privacy-deidentify": {"task": "privacy.deidentify", "schedule": crontab(day_of_month=1, hour=4, minute=10)},
    "privacy-visitors": {"task": "privacy.visitors_prove", "schedule": crontab(hour=4, minute=50)},
    "search-check": {"task": "records.search_check", "schedule": crontab(hour=3, minute=40)},
    "privacy-letters": {"task": "privacy.letters_tidy", "schedule": crontab(hour=5, minute=10)},
    "privacy-archive": {"task": "privacy.archive_nightly", "schedule": crontab(hour=2, minute=30)},
    "privacy-destroy": {"task": "privacy.archive_destroy", "schedule": crontab(hour=5, minute=0)},
    "privacy-sample": {"task": "privacy.archive_sample", "schedule": crontab(day_of_week=0, hour=5, minute=15)},
    "privacy-inventory": {"task": "privacy.archive_inventory", "schedule": crontab(day_of_month=2, hour=5, minute=30)},
    "lockbox-prove": {"task": "privacy.lockbox_prove", "schedule": crontab(day_of_week=0, hour=5, minute=45)},
}
