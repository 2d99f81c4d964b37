"""Argon2id with the clinic's cost (RULES 7.6): the default would take 100 MB a sign-in."""

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher


class ClinicArgon2Hasher(Argon2PasswordHasher):
    """Argon2id; memory (KiB) and passes come from the settings, one lane."""

    time_cost = settings.ARGON2_TIME_COST
    memory_cost = settings.ARGON2_MEMORY_KIB
    parallelism = 1

