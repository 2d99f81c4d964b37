from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Installed outside production only: the command that fills the demo."""

    name = "portal.demo"
    label = "demo"
