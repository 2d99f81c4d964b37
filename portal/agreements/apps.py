from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


def _publish(**_: Any) -> None:
    """Each deployment publishes the policy texts that its release carries."""
    from portal.agreements.services import policies_publish

    policies_publish()


class AgreementsConfig(AppConfig):
    name = "portal.agreements"
    label = "agreements"

    def ready(self) -> None:
        post_migrate.connect(_publish, sender=self)
