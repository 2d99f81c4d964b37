from django.apps import AppConfig


class LockboxConfig(AppConfig):
    name = "portal.lockbox"
    label = "lockbox"

    def ready(self) -> None:
        from portal.lockbox import receivers  # noqa: F401 - connects
