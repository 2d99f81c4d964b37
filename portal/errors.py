"""The product's own errors. Each says what a caller should do with it."""

from __future__ import annotations


class PortalError(Exception):
    """Root of the product's own errors. Never carries health information."""


class DomainError(PortalError):
    """A rule of the business says no, and says it to the person.

    ``code`` is a stable word for tests and logs, ``message`` a translated sentence that tells
    what to do next, ``field`` the form field it belongs to, if any.
    """

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.message = str(message)
        self.field = field


class NotVisible(PortalError):
    """There is nothing here for this person: shown as "not found", whether it exists or not."""


class NotAllowed(NotVisible):
    """The role may not use this verb. Shown as "not found" as well; logged as a denial."""


class Overtaken(PortalError):
    """Something that was read changed before its result could be kept. The work is done once more."""


class StorageUnavailable(PortalError):
    """The file store did not answer. Work is kept and tried again."""
