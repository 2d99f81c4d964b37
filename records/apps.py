from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "records"

    def ready(self) -> None:
        from portal.audit.selectors import hide_from_patients
        from records import mails
        from records.disclosures.selectors import hidden_objects
        from records.documents import receivers as document_receivers  # noqa: F401 - connects them
        from records.photos import receivers  # noqa: F401 - connects them

        mails.register_mails()
        hide_from_patients(hidden_objects)
