"""Tasks and commands: how each may reach a record.

``none``: imports nothing of the vault. ``ids``: counts, moves or removes rows of a record without
opening content. ``content``: opens content, through the vault or a module of ``personal_data``.
"""

from __future__ import annotations

OWN = ("portal", "records", "billing", "consults", "privacy")

TASKS: dict[str, str] = {
    "accounts.purge_unverified": "none",
    "audit.digest": "none",
    "audit.verify": "none",
    "billing.process_webhook": "none",
    "billing.reconcile": "none",
    "billing.refund_send": "none",
    "billing.sweep": "none",
    "consults.sweep": "ids",
    "evidence.readable": "content",
    "jobs.run": "content",  # whatever kind of job an app above registered: copies and erasures
    "jobs.sweep": "ids",
    "outbox.deliver": "ids",  # mails are rendered by their app; none holds content of a record
    "outbox.drain": "ids",
    "outbox.sweep": "ids",
    "privacy.archive_destroy": "ids",
    "privacy.archive_inventory": "ids",
    "privacy.archive_nightly": "content",
    "privacy.archive_sample": "content",
    "privacy.backup_nightly": "content",
    "privacy.backup_watch": "ids",
    "privacy.deidentify": "content",
    "privacy.erased_check": "ids",
    "privacy.letters_tidy": "ids",
    "privacy.incident_freeze": "ids",
    "privacy.incident_notices": "content",  # writes letters, which are addressed when they are made
    "privacy.incidents_sweep": "content",
    "privacy.incidents_watch": "ids",
    "privacy.lockbox_prove": "ids",
    "privacy.notices": "content",
    "privacy.register_prove": "ids",
    "privacy.requests_remind": "ids",
    "privacy.safeguards_watch": "ids",
    "privacy.sweep": "ids",
    "privacy.visitors_prove": "none",
    "records.documents.process": "content",
    "records.documents.sweep": "ids",
    "records.photos.process": "content",
    "records.photos.sweep": "ids",
    "records.search_check": "content",
}

COMMANDS: dict[str, str] = {
    "archive_open": "content",
    "archive_rotate": "content",
    "archive_round": "content",
    "assignment_export": "content",
    "audit_digest": "none",
    "audit_verify": "none",
    "backup": "content",
    "backup_keys": "ids",
    "erasures_check": "ids",
    "erasures_replay": "ids",
    "lockbox_prove": "ids",
    "make_staff": "none",
    "promises": "ids",
    "restore": "content",
    "restore_check": "content",
    "restore_drill": "content",
    "rotate_keys": "content",
    "search_rebuild": "content",
    "seed_demo": "content",
    "states": "ids",
    "unreadable_check": "content",
    "visitors_check": "none",
}
