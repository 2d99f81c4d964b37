from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "records"

    def ready(self) -> None:
        from portal.audit.selectors import hide_from_patients
        from portal.outbox.registry import set_frozen, set_post_only
        from records import mails
        from records.contact.selectors import by_post
        from records.disclosures.selectors import hidden_objects
        from records.documents import receivers as document_receivers  # noqa: F401 - connects them
        from records.freezing.selectors import frozen_of
        from records.people import receivers as people_receivers  # noqa: F401 - connects them
        from records.photos import receivers  # noqa: F401 - connects them

        mails.register_mails()
        hide_from_patients(hidden_objects)
        set_post_only(by_post)
        set_frozen(frozen_of)
