"""All tasks of the vault, from its rooms: Celery looks for them here."""

from records.documents import tasks as document_tasks
from records.people import tasks as people_tasks
from records.photos import tasks as photo_tasks

__all__ = ["document_tasks", "people_tasks", "photo_tasks"]
