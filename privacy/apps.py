from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "privacy"

    def ready(self) -> None:
        from privacy import erasure, exports, mails

        mails.register_mails()
        exports.register_job()
        erasure.register_job()
