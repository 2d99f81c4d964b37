"""RULES 1.62, 1.28: a company gets nothing without an agreement, and what it gave away comes into our register."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.dates import today
from portal.errors import DomainError, NotAllowed
from privacy.vendors.models import Vendor, VendorImport
from privacy.vendors.selectors import needs_care, trouble_of, unregistered, vendor_allowed
from privacy.vendors.services import import_apply, import_preview, vendor_end, vendor_save
from records.models import Disclosure, Patient

pytestmark = pytest.mark.django_db
As = Callable[..., Client]
DAY = dt.timedelta(days=1)


def company(officer: User, **more: Any) -> Vendor:
    values = {
        "name": "Copy House LLC", "code": "copy-house", "gets": "Paper records, to print them", "sees_records": True,
        "contact": "Jo, 555-0100", "agreed_on": today() - 30 * DAY, "ends_on": None, "notice_days": 10,
        "reviewed_on": None, **more,
    }
    return vendor_save(by=officer.actor, **values)


def test_who_has_an_agreement_in_force_may_get_something_and_nobody_else(officer: User) -> None:
    assert not vendor_allowed("copy-house")
    row = company(officer, ends_on=today() + 9 * DAY)
    assert vendor_allowed("copy-house") and not vendor_allowed("copy-house", on=today() + 10 * DAY)
    assert not vendor_allowed("copy-house", on=today() - 31 * DAY)
    assert "ends soon" in trouble_of(row)
    assert "No agreement" in trouble_of(company(officer, code="other", agreed_on=None)) and not vendor_allowed("other")
    vendor_end(by=officer.actor, vendor_id=row.pk)
    assert not vendor_allowed("copy-house") and needs_care() == 1


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"name": " "}, "name_missing"), ({"gets": ""}, "gets_missing"), ({"notice_days": 61}, "notice_late"),
        ({"agreed_on": None, "ends_on": dt.date(2030, 1, 1)}, "end_before_start"),
    ],
)
def test_what_is_not_whole_is_refused(more: dict[str, Any], code: str, officer: User) -> None:
    with pytest.raises(DomainError) as refused:
        company(officer, **more)
    assert refused.value.code == code and not Vendor.objects.exists()


def test_two_companies_have_two_short_names_and_only_the_officer_writes(officer: User, owner: User) -> None:
    company(officer)
    with pytest.raises(DomainError) as refused:
        company(officer)
    assert refused.value.code == "code_taken"
    with pytest.raises(NotAllowed):
        company(owner, code="mine")


def test_a_store_of_the_archive_without_an_agreement_is_pointed_out(officer: User, settings: Any) -> None:
    settings.LOCKBOX_S3_BUCKET = "bundles"
    assert [use.code for use in unregistered()] == ["archive-store"]
    company(officer, code="archive-store")
    assert unregistered() == []
    settings.PRODUCTION = True  # whoever carries mail sees who is a patient
    assert [use.code for use in unregistered()] == ["mail"]


# --- Lists that a company sends ----------------------------------------------------------------------------


HEAD = "record,day,recipient,address,what,purpose,basis"


def listed(*lines: str, head: str = HEAD) -> bytes:
    return "\r\n".join([head, *lines, ""]).encode()


def number(patient: Patient) -> str:
    return f"{patient.public_id[:4]}-{patient.public_id[4:]}"


@pytest.mark.promise("P14", "P34")
def test_a_list_becomes_entries_that_name_it_and_once(anas: Patient, bens: Patient, officer: User) -> None:
    vendor = company(officer)
    data = listed(
        f'{number(anas)},2026-03-03,"Health, Dept. of","625 Robert St",Lab result,legal_duty,law',
        f"{number(bens).lower()},2026-03-04,Lakeside,,The plan,care,treatment", "",
    )
    made = import_apply(by=officer.actor, vendor_id=vendor.pk, data=data)
    assert made.entries == 2 and {row.reference for row in Disclosure.objects.all()} == {made.pk}
    row = Disclosure.objects.get(patient=anas)
    assert (row.recipient, row.recipient_address, row.on) == ("Health, Dept. of", "625 Robert St", dt.date(2026, 3, 3))
    with pytest.raises(DomainError) as refused:
        import_apply(by=officer.actor, vendor_id=vendor.pk, data=data)
    assert refused.value.code == "imported_already" and Disclosure.objects.count() == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("AAAA-2222,2026-03-03,X,,Y,legal_duty,law", "no record with the number"),
        ("{ana},03/03/2026,X,,Y,legal_duty,law", "is no day"),
        ("{ana},2999-03-03,X,,Y,legal_duty,law", "still to come"),
        ("{ana},2026-03-03,,,Y,legal_duty,law", "“recipient” is empty"),
        ("{ana},2026-03-03,X,,,legal_duty,law", "“what” is empty"),
        ("{ana},2026-03-03,X,,Y,curiosity,law", "is no purpose"),
        ("{ana},2026-03-03,X,,Y,legal_duty,because", "is no basis"),
        ("{ana},2026-03-03,X,,Y,marketing,law", "do not go together"),
        ("{ana}", "is no day"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_written(line: str, says: str, anas: Patient, officer: User) -> None:
    vendor, good = company(officer), f"{number(anas)},2026-03-03,X,,Y,legal_duty,law"
    data = listed(good, line.format(ana=number(anas)))
    preview = import_preview(by=officer.actor, data=data)
    assert [error.line for error in preview.errors] == [3] and says in preview.errors[0].words
    assert len(preview.entries) == 1
    with pytest.raises(DomainError) as refused:
        import_apply(by=officer.actor, vendor_id=vendor.pk, data=data)
    assert refused.value.code == "lines_wrong" and not Disclosure.objects.exists() and not VendorImport.objects.exists()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xff\xfe\x00", "encoding"), (b"a,b\r\n1,2\r\n", "header"), (b"", "header"), (listed(), "empty"),
        (listed('"never closed'), "form"), (b"x" * 1_000_001, "too_big"),
        (listed(*["1,2,3,4,5,6,7"] * 2001), "too_many"), (listed("a\0b,,,,,,"), "form"),
    ],
)
def test_what_is_no_list_is_refused_whole(data: bytes, code: str, officer: User) -> None:
    with pytest.raises(DomainError) as refused:
        import_preview(by=officer.actor, data=data)
    assert refused.value.code == code


def test_a_list_that_a_spreadsheet_program_saved_is_read(anas: Patient, officer: User) -> None:
    head = "Basis,Purpose,What,Address,Recipient,Day,Record,Remarks"
    line = f"law,legal_duty,'=Lab,,X,2026-03-03,{number(anas)},none"
    data = b"\xef\xbb\xbf" + listed(line, head=head)
    preview = import_preview(by=officer.actor, data=data)
    assert preview.errors == [] and preview.entries[0].what == "=Lab"


def test_the_officer_looks_at_the_list_before_it_is_written(as_: As, anas: Patient, officer: User) -> None:
    desk, vendor = as_(officer), company(officer)
    data = listed(f'{number(anas)},2026-03-03,"Dept\nof Health",,Lab <b>result</b>,legal_duty,law')
    file = SimpleUploadedFile("list.csv", data, content_type="text/csv")
    shown = desk.post(reverse("admin:vendor_import", args=[vendor.pk]), {"file": file}).content.decode()
    assert "1 entry can be written" in shown and "Lab &lt;b&gt;result" in shown and not Disclosure.objects.exists()
    went = desk.post(reverse("admin:vendor_import_write", args=[vendor.pk]), {"content": data.decode()})
    assert went.status_code == 302 and Disclosure.objects.get().recipient == "Dept of Health"
    page = desk.get(reverse("admin:vendor", args=[vendor.pk])).content.decode()
    assert "1 entry" in page and "Copy House LLC" in page and "Jo, 555-0100" in page
