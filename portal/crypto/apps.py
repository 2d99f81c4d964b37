from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import pre_save


class CryptoConfig(AppConfig):
    name = "portal.crypto"
    label = "crypto"

    def ready(self) -> None:
        from portal.crypto.checks import contexts_are_pinned_once
        from portal.crypto.receivers import adopt_fixture_tokens

        checks.register(contexts_are_pinned_once)
        pre_save.connect(adopt_fixture_tokens, dispatch_uid="portal.crypto.fixture_tokens")
