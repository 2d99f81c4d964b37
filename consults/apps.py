from django.apps import AppConfig


class ConsultsConfig(AppConfig):
    name = "consults"

    def ready(self) -> None:
        from consults import mails, receivers  # noqa: F401 - connecting the receivers is the import

        mails.register_mails()
