"""Making a patient, and changing who they are and how to reach them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.crypto.fields import DecryptionError
from portal.dates import age_on, today
from portal.errors import DomainError
from portal.permissions import Permission, Purpose, require
from records.access import grant_open, require_open
from records.changes import Basis, basis
from records.guardians.services import guardians_follow_birth_date
from records.people.models import Gender, GrantKind, Patient
from records.people.names import clean_line

NAME_LENGTH = 200
PHONE_LENGTH = 40
PHONE_LETTERS = re.compile(r"[-+()./\s\d]*(?:(?:x|ext\.?)\s*\d+)?", re.IGNORECASE)
ADDRESS_PARTS = {"street": 200, "city": 100, "state": 40, "postal_code": 20}
OLDEST_YEARS = 120


def patient_create(
    *, by: Actor, given_name: str, family_name: str, birth_date: dt.date, phone: str = "",
    address: Mapping[str, str] | None = None,
) -> Patient:
    """Make the patient behind an account, with the account's own access to it (P06).

    Asked twice, by a second press or a second tab, it returns the patient that is there. Raises
    ``DomainError`` for a missing name, an impossible date, or somebody too young to sign up alone;
    then nothing is stored (P45, P46).
    """
    require(by, Permission.RECORD_OWN)
    assert by.account_id is not None
    values = _checked(given_name, family_name, phone, address or {})
    day = checked_birth_date(birth_date)
    with transaction.atomic():
        _one_at_a_time(by.account_id)
        own = _own_patient(by.account_id)
        if own is not None:
            return own
        patient = Patient.objects.create(birth_date=day, **values)
        grant_open(by=by, patient_id=patient.pk, kind=GrantKind.SELF, account_id=by.account_id)
        _record(by, Action.CREATE, patient, Basis.PATIENT_EDIT)
    return patient


def patient_update(
    *, by: Actor, patient_id: UUID, given_name: str | None = None, family_name: str | None = None,
    birth_date: dt.date | None = None, gender: str | None = None, phone: str | None = None,
    address: Mapping[str, str] | None = None,
    why: Basis = Basis.PATIENT_EDIT, request_id: UUID | None = None,
) -> Patient:
    """Change what is given and leave what is None; the former values are kept (P30, P38).

    A value that cannot be read is never saved over: it stays, unless a new one is given for it.
    Raises ``NotVisible`` and, as ``patient_create``, ``DomainError``.
    """
    purpose = Purpose.LEGAL_DUTY if why is Basis.REQUEST else Purpose.CARE
    require_open(by=by, patient_id=patient_id, purpose=purpose, whole=True)
    with transaction.atomic(), basis(why, by=by, request_id=request_id):
        patient = Patient.objects.select_for_update(no_key=True).get(pk=patient_id)
        if given_name is not None:
            patient.given_name = _line(given_name, NAME_LENGTH, "given_name")
        if family_name is not None:
            patient.family_name = _line(family_name, NAME_LENGTH, "family_name")
        if given_name is not None or family_name is not None:
            _named(_readable(patient, "given_name"), _readable(patient, "family_name"))
        if birth_date is not None:
            patient.birth_date = checked_birth_date(birth_date)
        if gender is not None:
            patient.gender = _gender(gender)
        if phone is not None:
            patient.phone = _phone(phone)
        if address is not None:
            patient.address = _address(address)
        patient.save()
        if birth_date is not None:
            guardians_follow_birth_date(by=by, patient=patient)
        _record(by, Action.CHANGE, patient, why)
    return patient


def checked_birth_date(birth_date: dt.date) -> dt.date:
    """The date, if somebody born then may hold an account alone today.

    Raises ``DomainError``: ``birth_date_future``, ``birth_date_too_old``, ``under_13`` (P45) or
    ``needs_guardian`` (P46). The sentences say what to do; the age is never repeated.
    """
    age = age_on(birth_date, today())
    if birth_date > today():
        raise DomainError(
            "birth_date_future", _("This date is still to come. Please check the year of birth."), "birth_date"
        )
    if age > OLDEST_YEARS:
        raise DomainError(
            "birth_date_too_old", _("This date is very long ago. Please check the year of birth."), "birth_date"
        )
    if age < settings.MINIMUM_AGE:
        raise DomainError(
            "under_13",
            _("We are sorry: we cannot care for children under %(age)d online. A skin doctor near you can help.")
            % {"age": settings.MINIMUM_AGE},
            "birth_date",
        )
    if age < settings.ADULT_AGE:
        raise DomainError(
            "needs_guardian",
            _("If you are under %(age)d, a parent or guardian starts for you. Please ask them to sign up.")
            % {"age": settings.ADULT_AGE},
            "birth_date",
        )
    return birth_date


def _checked(given_name: str, family_name: str, phone: str, address: Mapping[str, str]) -> dict[str, object]:
    values: dict[str, object] = {
        "given_name": _line(given_name, NAME_LENGTH, "given_name"),
        "family_name": _line(family_name, NAME_LENGTH, "family_name"),
        "phone": _phone(phone),
        "address": _address(address),
    }
    _named(str(values["given_name"]), str(values["family_name"]))
    return values


def _named(given_name: str, family_name: str) -> None:
    if not given_name and not family_name:
        raise DomainError("name_missing", _("Please tell us your name. One name is enough."), "given_name")


def _readable(patient: Patient, name: str) -> str:
    """The value, or a sign that there is one: what cannot be read is there all the same."""
    try:
        return str(getattr(patient, name))
    except DecryptionError:
        return "?"


def _line(text: str, length: int, field: str) -> str:
    """A cleaned line; too long is refused, never cut."""
    line = clean_line(text)
    if len(line) > length:
        raise DomainError(
            "too_long", _("Please use at most %(count)d letters here.") % {"count": length}, field
        )
    return line


def _phone(text: str) -> str:
    line = _line(text, PHONE_LENGTH, "phone")
    digits = sum(letter.isdigit() for letter in line)
    if line and (not PHONE_LETTERS.fullmatch(line) or not 7 <= digits <= 20):
        raise DomainError(
            "phone_form", _("Please write the phone number in digits, for example (320) 555-0142."), "phone"
        )
    return line


def _gender(code: str) -> str:
    if code and code not in Gender.values:
        raise DomainError("no_choice", _("Please choose one of the answers."), "gender")
    return code


def _address(parts: Mapping[str, str]) -> dict[str, str]:
    """Only the known parts; an address with nothing in it is ``{}``."""
    lines = {name: _line(parts.get(name) or "", length, name) for name, length in ADDRESS_PARTS.items()}
    return {name: line for name, line in lines.items() if line} if any(lines.values()) else {}


def _own_patient(account_id: UUID) -> Patient | None:
    return Patient.objects.filter(
        grants__account_id=account_id, grants__kind=GrantKind.SELF, grants__ends_at=None
    ).first()


def _one_at_a_time(account_id: UUID) -> None:
    """Hold other sign-ups of this account until this transaction ends: there is no row to lock yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"patient_create:{account_id}"])


def _record(by: Actor, action: Action, patient: Patient, why: Basis) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.CARE, subject_id=patient.pk,
        object_kind="records.patient", object_id=patient.pk, basis=f"change:{why.value}",
    )
