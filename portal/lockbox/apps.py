from django.apps import AppConfig


class LockboxConfig(AppConfig):
    name = "portal.lockbox"
    label = "lockbox"
