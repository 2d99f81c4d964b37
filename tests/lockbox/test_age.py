"""Sealing to public keys: whoever seals cannot read."""

from __future__ import annotations

import io

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.lockbox import age

pytestmark = pytest.mark.promise("P17")
DATA = b"ZQX-unique " * 20_000


def test_only_the_private_key_opens_it():
    identity, recipient = age.new_key_pair()
    other, _recipient = age.new_key_pair()
    sealed = age.seal(DATA, [recipient])
    assert sealed.startswith(b"age-encryption.org/v1\n") and b"ZQX" not in sealed
    assert age.open(sealed, identity) == DATA
    with pytest.raises(age.CannotOpen):
        age.open(sealed, other)


def test_each_of_several_recipients_opens_it():
    pairs = [age.new_key_pair() for _ in range(2)]
    sealed = age.seal(DATA, [recipient for _identity, recipient in pairs])
    assert all(age.open(sealed, identity) == DATA for identity, _recipient in pairs)


def test_streams_and_bytes_open_each_other():
    identity, recipient = age.new_key_pair()
    sink, back = io.BytesIO(), io.BytesIO()
    age.seal_stream(io.BytesIO(DATA), sink, [recipient])
    assert age.open(sink.getvalue(), identity) == DATA
    age.open_stream(io.BytesIO(age.seal(DATA, [recipient])), back, identity)
    assert back.getvalue() == DATA


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:-20] + b"x" * 20, lambda data: b"", lambda data: b"x"]
)
def test_damage_is_refused(damage):
    identity, recipient = age.new_key_pair()
    with pytest.raises(age.CannotOpen):
        age.open(damage(age.seal(DATA, [recipient])), identity)
    with pytest.raises(age.CannotOpen):
        age.open_stream(io.BytesIO(damage(age.seal(DATA, [recipient]))), io.BytesIO(), identity)


def test_sealing_to_nobody_or_to_nonsense_is_refused():
    for recipients in ([], ["age1nonsense"], [""]):
        with pytest.raises(ImproperlyConfigured):
            age.seal(DATA, recipients)
    with pytest.raises(age.CannotOpen):
        age.open(age.seal(DATA, [age.new_key_pair()[1]]), "not a key")
