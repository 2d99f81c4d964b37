"""The numbers of law, of the published policy and of the clinic's work. Each is a setting.

Beside each stands the row of the rules it comes from, and its ceiling or floor where the law
sets one. Counsel and clinicians confirm them for their clinic; the code uses no number of its own.
"""

from portal.environment import env

# --- The work of the clinic ---------------------------------------------------------------------------
DRAFT_EXPIRES_DAYS = env.int("DRAFT_EXPIRES_DAYS", 30)
DRAFT_REMINDS_DAYS = env.int("DRAFT_REMINDS_DAYS", 2)  # one reminder of an unsent consult, an unpaid one, a question
CONSULT_CLOSES_DAYS = env.int("CONSULT_CLOSES_DAYS", 60)  # an answered consult takes questions that long
CARE_TEAM_FOLLOW_UP_DAYS = env.int("CARE_TEAM_FOLLOW_UP_DAYS", 30)
EMERGENCY_MINUTES = env.int("EMERGENCY_MINUTES", 30)  # RULES 2.2: how long a record stays open in an emergency
EMERGENCY_REVIEW_DAYS = env.int("EMERGENCY_REVIEW_DAYS", 3)
LOOK_REPORT_DUE_DAYS = env.int("LOOK_REPORT_DUE_DAYS", 14)  # "this looks wrong": by when the officer answers
ACCESS_DUE_DAYS = env.int("ACCESS_DUE_DAYS", 30)  # RULES 1.2, ceiling 30
# Clocks of privacy requests, in calendar days from the day after receipt. An extension is taken once at most.
ACCESS_EXTENSION_DAYS = env.int("ACCESS_EXTENSION_DAYS", 30)  # RULES 1.3, ceiling 30
ACCESS_EXTENSION_ALLOWED = env.bool("ACCESS_EXTENSION_ALLOWED", False)  # RULES 4.6: Minnesota's law has none
AMENDMENT_DUE_DAYS = env.int("AMENDMENT_DUE_DAYS", 60)  # RULES 1.21, ceiling 60
AMENDMENT_EXTENSION_DAYS = env.int("AMENDMENT_EXTENSION_DAYS", 30)  # RULES 1.21, ceiling 30
ACCOUNTING_DUE_DAYS = env.int("ACCOUNTING_DUE_DAYS", 60)  # RULES 1.32, ceiling 60
ACCOUNTING_EXTENSION_DAYS = env.int("ACCOUNTING_EXTENSION_DAYS", 30)  # RULES 1.32, ceiling 30
DELETION_DUE_DAYS = env.int("DELETION_DUE_DAYS", 30)
RESTRICTION_DUE_DAYS = env.int("RESTRICTION_DUE_DAYS", 30)
CONFIDENTIAL_DUE_DAYS = env.int("CONFIDENTIAL_DUE_DAYS", 14)
LEAVING_DUE_DAYS = env.int("LEAVING_DUE_DAYS", 10)  # RULES 5.1: ten business days, ceiling 14
GUARDIAN_DUE_DAYS = env.int("GUARDIAN_DUE_DAYS", 30)
GUARDIAN_REVIEW_DAYS = env.int("GUARDIAN_REVIEW_DAYS", 60)  # so long a guardian who asked may look
STOP_USING_DUE_DAYS = env.int("STOP_USING_DUE_DAYS", 3)
NOTICE_DUE_DAYS = env.int("NOTICE_DUE_DAYS", 10)
COMPLAINT_DUE_DAYS = env.int("COMPLAINT_DUE_DAYS", 30)
QUESTION_DUE_DAYS = env.int("QUESTION_DUE_DAYS", 14)
STATEMENT_MAX_SIGNS = env.int("STATEMENT_MAX_SIGNS", 4000)  # RULES 1.25: a statement of disagreement
REVIEW_DUE_DAYS = env.int("REVIEW_DUE_DAYS", 30)  # RULES 1.17: "a reasonable period"
REQUEST_REMINDER_DAYS: list[int] = [int(day) for day in env.list("REQUEST_REMINDER_DAYS", default=["10", "3", "0"])]
ACCOUNTING_WINDOW_YEARS = env.int("ACCOUNTING_WINDOW_YEARS", 6)  # RULES 1.28, floor 6
ACCOUNTING_FREE_PER_YEAR = env.int("ACCOUNTING_FREE_PER_YEAR", 1)  # RULES 1.33, in any twelve months; floor 1
ACCOUNTING_ORAL_SUSPENSION_DAYS = env.int("ACCOUNTING_ORAL_SUSPENSION_DAYS", 30)  # RULES 1.34, ceiling 30
MN_CONSENT_YEARS = env.int("MN_CONSENT_YEARS", 1)  # RULES 4.3, ceiling 1: a consent to release that names no end
EXPORT_LIFE_DAYS = env.int("EXPORT_LIFE_DAYS", 7)
RETENTION_ADULT_YEARS = env.int("RETENTION_ADULT_YEARS", 7)  # P40, RULES 4.19
READABLE_CHECK_ROWS = env.int("READABLE_CHECK_ROWS", 20_000)  # rows of each table that are opened each night
AUDIT_RETENTION_YEARS = env.int("AUDIT_RETENTION_YEARS", 7)  # the log's digests in the lockbox; six at least
LOG_KEEP_YEARS = env.int("LOG_KEEP_YEARS", 6)  # RULES 1.58, floor 6: the log of who looked, as the last letter says
BOOKS_KEEP_YEARS = env.int("BOOKS_KEEP_YEARS", 7)  # the lines of the books about a payment, likewise
RETENTION_MINOR_UNTIL_AGE = env.int("RETENTION_MINOR_UNTIL_AGE", 25)
ARCHIVE_SAMPLE = env.int("ARCHIVE_SAMPLE", 20)  # copies read back each week, twice: at random, and the longest unread
# RULES 1.55: areas with 20,000 people or fewer. The 2000 and 2010 lists together, until the clinic computes 2020's.
DEID_ZIP3_SMALL: list[str] = env.list(
    "DEID_ZIP3_SMALL",
    default=[
        "036", "059", "063", "102", "203", "205", "369", "556", "692", "790", "821", "823", "830", "831", "878", "879",
        "884", "890", "893",
    ],
)
DEID_ZIP3_CENSUS: str = env.str("DEID_ZIP3_CENSUS", "2000 and 2010")
DEID_AGE_TOP = env.int("DEID_AGE_TOP", 90)  # RULES 1.56, ceiling 90
DEID_SMALL_CELL = env.int("DEID_SMALL_CELL", 11)  # lower numbers are not shown
DEID_REBUILD_DAYS = 31

# --- Photos (RULES 8.21, PERFORMANCE.md) ---------------------------------------------------------------
PHOTO_MAX_BYTES = env.int("PHOTO_MAX_BYTES", 25_000_000)
PHOTO_MAX_PIXELS = env.int("PHOTO_MAX_PIXELS", 60_000_000)
PHOTO_MAX_EDGE = env.int("PHOTO_MAX_EDGE", 2048)
PHOTO_THUMB_EDGE = env.int("PHOTO_THUMB_EDGE", 320)
PHOTO_SECONDS = env.int("PHOTO_SECONDS", 20)
PHOTO_MEMORY_MB = env.int("PHOTO_MEMORY_MB", 1024)
PHOTO_MAX_ATTEMPTS = env.int("PHOTO_MAX_ATTEMPTS", 3)
PHOTOS_PER_ENCOUNTER = env.int("PHOTOS_PER_ENCOUNTER", 24)

# --- Documents (lab results and outside records) ------------------------------------------------
DOCUMENT_MAX_BYTES = env.int("DOCUMENT_MAX_BYTES", 25_000_000)
DOCUMENT_MAX_PAGES = env.int("DOCUMENT_MAX_PAGES", 100)
DOCUMENT_MAX_OBJECTS = env.int("DOCUMENT_MAX_OBJECTS", 100_000)
DOCUMENT_MAX_PIXELS = env.int("DOCUMENT_MAX_PIXELS", 100_000_000)  # of one picture in it
DOCUMENT_MAX_EDGE = env.int("DOCUMENT_MAX_EDGE", 3000)  # of a document that is a picture
DOCUMENT_PAGE_EDGE = env.int("DOCUMENT_PAGE_EDGE", 1400)  # of the picture of a page
DOCUMENT_THUMB_EDGE = env.int("DOCUMENT_THUMB_EDGE", 320)
DOCUMENT_SECONDS = env.int("DOCUMENT_SECONDS", 60)
DOCUMENT_MEMORY_MB = env.int("DOCUMENT_MEMORY_MB", 1024)
DOCUMENT_MAX_ATTEMPTS = env.int("DOCUMENT_MAX_ATTEMPTS", 3)
DOCUMENTS_PER_PATIENT = env.int("DOCUMENTS_PER_PATIENT", 500)

# --- Virus scanner of uploads (optional) ----------------------------------------------------------
CLAMD_ADDRESS = env.str("CLAMD_ADDRESS", "")  # a socket's path, or host:port; empty: none
CLAMD_SECONDS = env.int("CLAMD_SECONDS", 30)

# --- Looking for patients (P21, RULES 1.43) ---------------------------------------------------------
SEARCH_MAX_HITS = env.int("SEARCH_MAX_HITS", 25)  # more than that: none is shown, and another word is asked for
SEARCH_MAX_SIGNS = 200  # of what is typed; the rest is not read
SEARCHES_PER_HOUR = env.int("SEARCHES_PER_HOUR", 120)  # of one account

# --- Backups (P20, RULES 2.9, 2.12) --------------------------------------------------------------
BACKUP_RECIPIENTS: list[str] = env.list("BACKUP_RECIPIENTS", default=[])
KEYS_RECIPIENTS: list[str] = env.list("KEYS_RECIPIENTS", default=[])  # who keeps the keys; opens no backup
BACKUP_DAYS = env.int("BACKUP_DAYS", 35)
BACKUP_MAX_AGE_HOURS = env.int("BACKUP_MAX_AGE_HOURS", 24)  # RULES 2.12, ceiling 48
BACKUP_SECONDS = env.int("BACKUP_SECONDS", 14_400)  # the longest that one may take
DRILL_DAYS = env.int("DRILL_DAYS", 92)  # a drill counts so long as proof
DRILL_SAMPLE = env.int("DRILL_SAMPLE", 20)
KEYS_DAYS = env.int("KEYS_DAYS", 366)

# --- An assignment of the practice (P16) ---------------------------------------------------------
ASSIGNMENT_PART_PATIENTS = env.int("ASSIGNMENT_PART_PATIENTS", 50)  # records in one sealed file of the export

# --- Fees for copies, in cents (RULES 1.10-1.13, 4.7; P36). The portal itself is free, always --------------
FEE_METHOD = env.str("FEE_METHOD", "actual")  # or flat: electronic copies only
FEE_FLAT_CENTS = env.int("FEE_FLAT_CENTS", 650)  # RULES 1.11, ceiling 650
FEE_LABOUR_CENTS_PER_HOUR = env.int("FEE_LABOUR_CENTS_PER_HOUR", 2400)  # of copying, and of nothing else
FEE_PAPER_MINUTES = env.int("FEE_PAPER_MINUTES", 5)  # of copying, before staff say otherwise
FEE_SUPPLIES_PAGE_CENTS = env.int("FEE_SUPPLIES_PAGE_CENTS", 6)
FEE_SUPPLIES_ENVELOPE_CENTS = env.int("FEE_SUPPLIES_ENVELOPE_CENTS", 40)
FEE_POSTAGE_FIRST_CENTS = env.int("FEE_POSTAGE_FIRST_CENTS", 163)  # a large envelope of a few sheets
FEE_POSTAGE_STEP_CENTS = env.int("FEE_POSTAGE_STEP_CENTS", 27)
FEE_POSTAGE_SHEETS_PER_STEP = env.int("FEE_POSTAGE_SHEETS_PER_STEP", 5)
# Minnesota, not indexed since 1 January 2025 (RULES 4.7): each is a ceiling.
FEE_MN_PAGE_CENTS = env.int("FEE_MN_PAGE_CENTS", 100)
FEE_MN_RETRIEVAL_CENTS = env.int("FEE_MN_RETRIEVAL_CENTS", 1000)
FEE_MN_XRAY_CENTS = env.int("FEE_MN_XRAY_CENTS", 3000)
FEE_MN_ELECTRONIC_CENTS = env.int("FEE_MN_ELECTRONIC_CENTS", 2000)
FEE_MN_NONE_CENTS = env.int("FEE_MN_NONE_CENTS", 1000)  # nothing was found
FEE_MN_FEW_PAGES = env.int("FEE_MN_FEW_PAGES", 25)
FEE_MN_FEW_CENTS = env.int("FEE_MN_FEW_CENTS", 3000)
FEE_MN_MANY_PAGES = env.int("FEE_MN_MANY_PAGES", 100)
FEE_MN_MANY_CENTS = env.int("FEE_MN_MANY_CENTS", 5000)
FEE_MN_OVER_CENTS = env.int("FEE_MN_OVER_CENTS", 20)  # each page after those
FEE_MN_MAX_CENTS = env.int("FEE_MN_MAX_CENTS", 50_000)
FEE_MN_APPEAL_CENTS = env.int("FEE_MN_APPEAL_CENTS", 1000)  # an appeal about disability benefits

# --- The record for apps ---------------------------------------------------------------------------
FHIR_READS_PER_MINUTE = env.int("FHIR_READS_PER_MINUTE", 60)  # of one account: each reads the whole record

# --- Letters -------------------------------------------------------------------------------------
LETTER_ENCLOSURE_DAYS = env.int("LETTER_ENCLOSURE_DAYS", 60)  # after posting: a paper copy's own file is kept so long

# --- Incidents and breaches (RULES 3) ----------------------------------------------------------------
INCIDENT_REPORT_DUE_DAYS = env.int("INCIDENT_REPORT_DUE_DAYS", 3)  # by when the officer looks into a report
INCIDENT_REPORTS_PER_HOUR = env.int("INCIDENT_REPORTS_PER_HOUR", 6)  # from one network address
BREACH_INDIVIDUAL_DAYS = env.int("BREACH_INDIVIDUAL_DAYS", 60)  # RULES 3.5, ceiling 60
BREACH_ALARM_DAYS = [int(day) for day in env.list("BREACH_ALARM_DAYS", default=["10", "30", "45"])]
BREACH_HHS_AT = env.int("BREACH_HHS_AT", 500)  # RULES 3.8, ceiling 500: from so many on, with the people
BREACH_SMALL_REPORT_DAYS = env.int("BREACH_SMALL_REPORT_DAYS", 60)  # RULES 3.8, ceiling 60: after the year
BREACH_MEDIA_ABOVE = env.int("BREACH_MEDIA_ABOVE", 500)  # RULES 3.9, ceiling 500: residents of one state
BREACH_SUBSTITUTE_AT = env.int("BREACH_SUBSTITUTE_AT", 10)  # RULES 3.7, ceiling 10
BREACH_POSTING_DAYS = env.int("BREACH_POSTING_DAYS", 90)  # RULES 3.7, floor 90
BREACH_ORAL_DELAY_DAYS = env.int("BREACH_ORAL_DELAY_DAYS", 30)  # RULES 3.11, ceiling 30
VENDOR_NOTICE_DAYS = env.int("VENDOR_NOTICE_DAYS", 60)  # RULES 3.12, ceiling 60: a company tells us within these
MN_BUREAU_ABOVE = env.int("MN_BUREAU_ABOVE", 500)  # RULES 3.14, ceiling 500
MN_BUREAU_HOURS = env.int("MN_BUREAU_HOURS", 48)  # RULES 3.14, ceiling 48
INCIDENT_KEEP_YEARS = env.int("INCIDENT_KEEP_YEARS", 6)  # RULES 1.58, 3.13, floor 6

# --- Visitors of the site: cookies, counting, old browsers (P09, P42, RULES 6.1-6.4) -----------------
CHOICE_COOKIE_DAYS = env.int("CHOICE_COOKIE_DAYS", 365)  # a yes or a no is remembered so long, both alike
GPC_LAST_UPDATE = env.str("GPC_LAST_UPDATE", "2026-11-25")  # RULES 6.3: since when we say so
VISITS_KEEP_DAYS = env.int("VISITS_KEEP_DAYS", 760)  # counters of a day, two years and a month
VISITS_PER_MINUTE = env.int("VISITS_PER_MINUTE", 60)  # from one network address; more are not counted
VISITS_PER_MINUTE_ALL = env.int("VISITS_PER_MINUTE_ALL", 3000)  # of one process
# The first version of each browser in which all of the site looks as it should; older ones get a notice.
OLD_BROWSERS: dict[str, str] = dict(
    pair.rsplit(":", 1)
    for pair in env.list(
        "OLD_BROWSERS",
        default=[
            "Chrome:123", "Edge:123", "Firefox:121", "Safari:17.5", "Opera:109", "Samsung Internet:27",
            "Internet Explorer:99",
        ],
    )
)

# --- Managerial safeguards (P55, P22; RULES 1.58, 1.61, 2.7, 2.8) ------------------------------------
LOG_REVIEW_DAY = env.int("LOG_REVIEW_DAY", 10)  # RULES 2.7, ceiling 28: by then the month before is signed
RISK_ANALYSIS_DAYS = env.int("RISK_ANALYSIS_DAYS", 365)  # RULES 2.8: an analysis is made anew at least so often
RISK_KEEP_YEARS = env.int("RISK_KEEP_YEARS", 6)  # RULES 1.58, floor 6
TRAINING_VALID_DAYS = env.int("TRAINING_VALID_DAYS", 365)  # RULES 1.61: a course counts so long
TRAINING_REMIND_DAYS = env.int("TRAINING_REMIND_DAYS", 30)  # before it ends
BINDER_LIFE_DAYS = env.int("BINDER_LIFE_DAYS", 7)  # a binder can be downloaded so long
