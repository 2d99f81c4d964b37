from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "privacy"

    def ready(self) -> None:
        from privacy import (
            erasure,
            exports,
            mails,
            receivers,  # noqa: F401 - connects
        )
        from privacy.backups import mails as backup_mails

        mails.register_mails()
        backup_mails.register_mails()
        exports.register_job()
        erasure.register_job()
