"""All tasks of the vault, from its rooms: Celery looks for them here."""

from records.photos import tasks as photo_tasks

__all__ = ["photo_tasks"]
