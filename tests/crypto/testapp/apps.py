from django.apps import AppConfig


class CryptoTestAppConfig(AppConfig):
    name = "tests.crypto.testapp"
    label = "cryptotest"
