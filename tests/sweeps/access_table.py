"""Who gets what at every address (FIELD_FAULTS 70, 73). A route that is missing here fails the sweep.

An answer is a status, ``login`` (sent to the sign-in page) or ``go`` (sent somewhere else, as
after a deed). Staff without a right get 404, inside Django's own model pages too.
"""

from __future__ import annotations

from dataclasses import dataclass

PERSONAS = ("visitor", "ana", "ben", "guardian", "clinician", "other_clinician", "support", "officer", "owner")
FAMILY = ("ana", "ben", "guardian")
STAFF = ("clinician", "other_clinician", "support", "officer", "owner")
SIGNED_IN = (*FAMILY, *STAFF)


@dataclass(frozen=True)
class Access:
    """What each persona gets; ``deed`` routes answer only to POST, and are asked by POST."""

    gets: dict[str, str]
    deed: bool = False


def _row(for_visitor: str, others: str, **named: str) -> dict[str, str]:
    strange = set(named) - set(PERSONAS)
    assert not strange, strange
    return {"visitor": for_visitor, **dict.fromkeys(SIGNED_IN, others), **named}


def everybody(answer: str = "200", **but: str) -> Access:
    return Access(_row(answer, answer, **but))


def signed_in(answer: str = "200", **but: str) -> Access:
    return Access(_row("login", answer, **but))


def only(*people: str, gets: str = "200", others: str = "404") -> Access:
    return Access(_row("login", others, **dict.fromkeys(people, gets)))


def deed(*people: str, gets: str = "go", others: str = "404", visitor: str = "login") -> Access:
    return Access(_row(visitor, others, **dict.fromkeys(people, gets)), deed=True)


def desk(*people: str, gets: str = "200") -> Access:
    """A page that an app adds to the admin."""
    return only(*people, gets=gets)


TABLE: dict[str, Access] = {
    # Public pages
    "pages:home": everybody("200", **dict.fromkeys(SIGNED_IN, "go")),
    "pages:how_it_works": everybody(),
    "pages:questions": everybody(),
    "pages:policy": everybody(),
    "pages:policy_version": everybody(),
    "pages:stay": Access(_row("login", "204"), deed=True),
    "pages:robots": everybody(),
    "pages:security_txt": everybody(),
    "privacy:promises": everybody(),
    "visitors:cookies": everybody(),
    "visitors:choose": Access(_row("go", "go"), deed=True),
    "visitors:count": Access(_row("204", "204"), deed=True),
    "visitors:partner_frame": everybody("404"),  # the clinic has no partner
    "visitors:gpc": everybody(),
    # Signing up and in
    "accounts:start": everybody("200", **dict.fromkeys(SIGNED_IN, "go")),
    "accounts:sign_up": everybody("go"),
    "account_signup": everybody("go"),
    "account_login": everybody("200", **dict.fromkeys(SIGNED_IN, "go")),
    "account_inactive": everybody(),
    "account_email_verification_sent": everybody("login", **dict.fromkeys(SIGNED_IN, "go")),
    "account_confirm_login_code": everybody("login", **dict.fromkeys(SIGNED_IN, "go")),
    "account_reset_password": everybody(),
    "account_confirm_password_reset_code": everybody("login"),
    "account_complete_password_reset": everybody("go"),
    "account_password_reset_completed": everybody(),
    "mfa_authenticate": everybody("login", **dict.fromkeys(SIGNED_IN, "go")),
    "mfa_login_webauthn": everybody("login", **dict.fromkeys(SIGNED_IN, "go")),
    # One's own account
    "accounts:profile": signed_in(),
    "accounts:close": signed_in(),
    "accounts:closed": everybody(),
    "accounts:notices": deed(*SIGNED_IN),
    "accounts:resume": Access(_row("200", "410"), deed=True),
    "account_logout": signed_in(visitor="go"),
    "account_reauthenticate": signed_in(),
    "account_email": signed_in(),
    "account_change_password": signed_in(),
    "account_set_password": signed_in("go"),
    # Second factors: changing them asks for the password again, which "go" stands for.
    "mfa_index": signed_in(),
    "mfa_reauthenticate": signed_in("go"),
    "mfa_activate_totp": signed_in("go"),
    "mfa_deactivate_totp": signed_in("404"),
    "mfa_view_recovery_codes": signed_in("404"),
    "mfa_generate_recovery_codes": signed_in("go"),
    "mfa_download_recovery_codes": signed_in("404"),
    "mfa_list_webauthn": signed_in(),
    "mfa_add_webauthn": signed_in("go"),
    "mfa_reauthenticate_webauthn": signed_in("go"),
    "mfa_remove_webauthn": signed_in("go"),
    "mfa_edit_webauthn": signed_in("go"),
    "usersessions_list": signed_in(),
    # Money
    "billing:payments": only(*FAMILY),
    "billing:pay": only("ana", gets="go"),
    "billing:return": only("ana"),
    "billing:receipt": only("ana"),
    "billing:webhook": Access(_row("403", "403"), deed=True),
    # Long work, the demo's inbox
    "jobs:status": only("ana"),
    "jobs:again": deed("ana"),
    "outbox:inbox": everybody("404"),
    "outbox:inbox_message": everybody("404"),
    # Privacy
    "privacy:home": only(*FAMILY),
    "privacy:papers": only(*FAMILY),
    "privacy:copy": only("ana", "ben"),
    "privacy:delete": only("ana", "ben"),
    "privacy:ask": only(*FAMILY),
    "privacy:request": only("ana"),
    "privacy:withdraw": deed("ana"),
    "privacy:letter": only("ana"),
    "privacy:letter_file": only("ana"),
    "privacy:fee_accept": deed("ana"),
    "privacy:fee_decline": deed("ana"),
    "privacy:download": only("ana"),
    # Corrections, refusals, limits and other ways to be reached. The refused one, the granted one are Ana's.
    **{f"privacy:{page}": only("ana", "ben") for page in ("correct", "limit", "reach")},
    **{f"privacy:{page}": only("ana") for page in ("correct_of", "review", "disagree", "tell")},
    "privacy:limit_end": deed("ana"),
    # Reports and complaints: anybody, with or without a name.
    **{f"privacy:{page}": everybody() for page in (
        "incident_report", "incident_child", "incident_state", "complaint", "printed", "public_notice",
    )},
    "privacy:who_looked": only("ana", "ben"),
    "privacy:received": only("ana", "ben"),
    "privacy:consents": only("ana", "ben"),
    "privacy:consent_back": deed("ana"),
    "privacy:look_report": only("ana"),
    "privacy:report": only("ana"),
    "privacy:leave": only("ana", "ben"),
    "privacy:left": everybody(),
    "privacy:children": only(*FAMILY),
    "privacy:child_wish": only(others="404"),  # for a guardian: relations.py
    # Consults. The answered one and the draft that the addresses name are Ana's.
    "consults:home": signed_in("go", **dict.fromkeys(FAMILY, "200")),
    "consults:welcome": Access(_row("login", "404", ana="go", ben="go")),
    "consults:start": only("ana", "ben"),
    "consults:consult": only("ana"),
    "consults:step": only("ana"),
    "consults:stop": only("ana", gets="go"),
    "consults:photos": only("ana"),
    "consults:photo": only("ana"),
    "consults:photo_send": only("ana", gets="go"),
    "consults:photo_status": only("ana"),
    "consults:photo_remove": deed("ana"),
    "consults:review": only("ana"),
    "consults:revise": deed("ana"),
    "consults:withdraw": only("ana"),
    "consults:thread": only("ana"),
    "consults:plan": only("ana"),
    "consults:messages": only(*FAMILY),
    # One's record
    "records:record": only(*FAMILY),
    "records:record_of": only("ana"),
    "records:print": only("ana", "ben"),
    "records:print_of": only("ana"),
    "records:photos": only(*FAMILY),
    "records:photos_of": only("ana"),
    "records:compare": only("ana", "ben"),
    "records:compare_of": only("ana"),
    "records:photo": only("ana", "clinician"),
    "records:contact": only("ana", "ben"),
    "records:documents": only("ana", "ben"),
    **{f"records:{page}": only("ana") for page in ("documents_of", "document", "document_change")},
    "records:document_file": only("ana", "clinician"),
    "records:document_take_back": deed("ana"),
    "records:changes": only(*FAMILY),
    "records:changes_of": only("ana"),
    "records:section": only(*FAMILY),
    **{f"records:{page}": only("ana") for page in ("section_of", "entry_add", "answers", "entry", "entry_remove")},
    "records:entry_reveal": only("ana"),
    **{f"records:{page}": deed("ana") for page in ("section_none", "section_checked", "entry_restore")},
    # The record for apps: whoever has to sign in is told so in FHIR, not led to a page.
    "fhir:metadata": everybody(),
    **{f"fhir:{way}": Access(_row("401", "404", ana="200", ben="200")) for way in ("everything", "search")},
    **{f"fhir:{way}": Access(_row("401", "404", ana="200")) for way in ("everything_of", "resource")},
    # The admin's own pages
    "admin:index": only(*STAFF),
    "admin:login": everybody("login", **dict.fromkeys(SIGNED_IN, "404")),
    "admin:logout": Access(_row("login", "go", **dict.fromkeys(STAFF, "200")), deed=True),
    "admin:password_change": only(*STAFF, gets="go"),
    "admin:password_change_done": only(others="404"),
    "admin:autocomplete": only(*STAFF, gets="404"),
    "admin:jsi18n": only(*STAFF),
    "admin:view_on_site": only(others="404"),
    "admin:app_list": only("officer", "support", "owner"),
    "admin/(?P<url>.*)$": everybody("404", visitor="login"),
    # The desks
    "admin:mail_stuck": desk("support", "officer"),
    "admin:money_desk": desk("support", "officer", "owner"),
    "admin:mail_again": deed("support", "officer"),
    "admin:closed_accounts": desk("support", "officer", "owner"),
    "admin:consults_queue": desk("clinician", "other_clinician"),
    "admin:consults_case": desk("clinician"),
    "admin:consults_take": deed("clinician", "other_clinician"),
    "admin:consults_release": deed("clinician"),
    "admin:consults_message": deed("clinician", gets="200"),
    "admin:consults_ask": deed("clinician", gets="200"),
    "admin:consults_decline": desk("clinician"),
    "admin:consults_close": deed("clinician"),
    "admin:consults_answered": deed("clinician"),
    "admin:consults_fill": deed("clinician", gets="200"),
    "admin:consults_save": deed("clinician", gets="200"),
    "admin:consults_sign": deed("clinician", gets="200"),
    "admin:numbers": desk("officer", "owner"),
    "admin:numbers_file": desk("officer", "owner"),
    "admin:numbers_again": deed("officer", "owner"),
    **{f"admin:{page}": desk("officer", "owner") for page in ("visits", "visits_file")},
    "admin:unreadable": desk("support", "officer"),
    "admin:unreadable_again": deed("support", "officer"),
    "admin:access_log_state": desk("officer"),
    "admin:access_log_month": desk("officer"),
    # The safeguards
    **{f"admin:{page}": desk("officer", "owner") for page in (
        "safeguards", "risk_analyses", "risk_analysis", "risk", "safeguard_decisions", "safeguard_decision",
        "sanctions", "training", "policies_desk",
    )},
    **{f"admin:{page}": deed("officer", "owner") for page in ("risk_analysis_sign", "training_void")},
    **{f"admin:{page}": desk("officer") for page in ("binders", "binder", "binder_file")},
    "admin:binder_of_request": deed("officer"),
    "admin:patients_find": desk("clinician", "other_clinician", "officer"),
    "admin:patients_apart": deed("clinician", "other_clinician", "officer"),
    # The emergency of the addresses is the other clinician's, at another patient's record.
    "admin:patient_record": desk("clinician"),
    "admin:records_merge": desk("officer"),
    "admin:break_glass": Access(_row("login", "404", clinician="go", other_clinician="200")),
    "admin:give_out": desk("clinician"),
    "admin:emergency_end": deed("other_clinician"),
    "admin:privacy_come_back": desk("officer"),
    "admin:privacy_frozen": desk("officer"),
    "admin:privacy_lift": desk("officer"),
    "admin:privacy_emergencies": desk("officer"),
    "admin:privacy_emergency": desk("officer"),
    "admin:legal_processes": desk("officer"),
    "admin:legal_process": desk("officer"),
    "admin:legal_file": desk("officer"),
    **{f"admin:legal_{deed_}": deed("officer", gets="200") for deed_ in ("give", "refuse", "suspend")},
    "admin:legal_tell": deed("officer"),
    "admin:disclosures": desk("officer"),
    "admin:disclosures_of": desk("officer"),
    "admin:disclosure_add": deed("officer", gets="200"),
    "admin:consent_paper": deed("officer", gets="200"),
    "admin:consent_end": deed("officer"),
    "admin:disclosure_suspend": desk("officer"),
    "admin:suspension_end": deed("officer"),
    "admin:vendors": desk("officer"),
    "admin:vendor": desk("officer"),
    "admin:vendor_end": deed("officer"),
    "admin:vendor_import": deed("officer", gets="200"),
    "admin:vendor_import_write": deed("officer"),
    "admin:assignments": desk("officer"),
    "admin:assignment": desk("officer"),
    "admin:assignment_file": desk("officer"),
    "admin:assignment_promise": deed("officer", gets="200"),
    "admin:assignment_tell": deed("officer"),
    "admin:assignment_off": deed("officer"),
    "admin:privacy_handover": desk("officer"),
    "admin:privacy_handover_stays": desk("officer"),
    "admin:privacy_handover_go_on": deed("officer"),
    "admin:privacy_handover_passed": deed("officer"),
    "admin:privacy_holds": desk("officer"),
    "admin:privacy_hold": desk("officer"),
    "admin:privacy_reports": desk("officer"),
    # Incidents
    "admin:incident_enter": desk("clinician", "other_clinician", "support", "officer"),
    **{f"admin:{page}": desk("officer") for page in (
        "incidents", "incident", "incident_open", "incident_log", "incident_log_file", "incident_report",
        "incident_report_open", "incident_report_end", "incident_facts", "incident_discovery", "incident_delay",
        "incident_reopen", "incident_people", "incident_register",
        "incident_person_remove", "incident_assessment", "incident_notice",
        "incident_told", "stopped_accounts", "account_stop", "account_lift",
    )},
    **{f"admin:incident_{page}": deed("officer") for page in (
        "from_look", "report_take", "report_join", "report_freeze",
        "send", "returned", "reached", "person_reached", "post", "close",
    )},
    **{f"admin:incident_{page}": deed("officer", gets="200") for page in (
        "note", "person_add", "stranger_add", "count_add",
    )},
    "admin:privacy_report": desk("officer"),
    "admin:privacy_report_take": deed("officer"),
    # What they work on is another patient's, whose request is in the officer's hands.
    **{f"admin:privacy_{page}": desk("officer") for page in (
        "refuse", "part", "amend", "telling", "inbound", "limit_enter", "reach_enter",
    )},
    **{f"admin:privacy_{page}": deed("officer") for page in (
        "limit_stop", "telling_said",
    )},
    "admin:privacy_override": desk("officer", "clinician"),
    "admin:privacy_reviews": desk("clinician", "other_clinician"),
    "admin:privacy_review": desk("clinician", "other_clinician"),
    "admin:privacy_review_take": deed("clinician", "other_clinician"),
    "admin:privacy_desk": desk("officer"),
    "admin:privacy_request": desk("officer"),
    "admin:letters": desk("officer"),
    "admin:letter": desk("officer"),
    "admin:letter_file": desk("officer"),
    "admin:letters_batch": deed("officer", gets="200"),
    "admin:letters_posted": deed("officer"),
    **{f"admin:letter_{way}": deed("officer", gets="200") for way in ("posted", "returned", "address", "settle")},
    "admin:letter_again": deed("officer"),
    **{f"admin:{way}": deed("officer") for way in ("copy_prepare", "fee_check")},
    **{f"admin:{way}": deed("officer", gets="200") for way in ("copy_quote", "fee_name")},
    "admin:privacy_start": deed("officer"),
    "admin:privacy_carry_out": deed("officer"),
    "admin:privacy_enter": desk("officer"),
    **{f"admin:privacy_{page}": deed("officer", gets="200") for page in (
        "answer", "extend", "assign", "identity", "unproven", "about", "rebut", "state", "review_noted",
    )},
    **{f"admin:privacy_{page}": deed("officer") for page in (
        "identity_ask", "join", "separate", "put_back", "taken_back",
    )},
}

# Lists of models in the admin: who may look. Nobody adds, changes or deletes there.
MODELS: dict[str, tuple[str, ...]] = {
    "evidence_evidence": ("officer",),
    "audit_accessevent": ("officer",),
    "outbox_outgoingmail": ("officer", "support"),
    "accounts_user": ("officer", "support", "owner"),
    "jobs_job": ("officer", "owner"),
    "billing_order": ("officer", "support", "owner"),
    "billing_payment": ("officer", "support", "owner"),
    "billing_refund": ("officer", "support", "owner"),
    "billing_webhookevent": ("officer", "support", "owner"),
    "privacy_archivecopy": ("officer",),
    "privacy_destruction": ("officer",),
}


def _model_page(gets: str, lookers: tuple[str, ...]) -> Access:
    family = dict.fromkeys(FAMILY, "404")
    return Access({**_row("login", "404", **dict.fromkeys(lookers, gets)), **family})


for _model, _lookers in MODELS.items():
    for _page, _gets in {
        "changelist": "200", "change": "200", "add": "404", "delete": "404",
    }.items():
        TABLE[f"admin:{_model}_{_page}"] = _model_page(_gets, _lookers)
    TABLE[f"admin:{_model}_history"] = only(others="404")  # the access log is the history
    # The short form of an object's address leads to its page, whoever asks.
    _short = {**_row("login", "go"), **dict.fromkeys(FAMILY, "404")}
    TABLE[f"admin/{_model.replace('_', '/')}/<path:object_id>/"] = Access(_short)
