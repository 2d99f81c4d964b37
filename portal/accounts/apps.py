from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portal.accounts"
    label = "accounts"

    def ready(self) -> None:
        from portal.accounts import mails, receivers, selectors
        from portal.crypto.rotation import also_rotate
        from portal.outbox.registry import set_address_book

        mails.register_all()
        receivers.connect_all()
        set_address_book(selectors.address_of, selectors.addresses_of)
        also_rotate("mfa.Authenticator", "data")
