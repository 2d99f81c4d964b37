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
DELETION_DUE_DAYS = env.int("DELETION_DUE_DAYS", 30)
EXPORT_LIFE_DAYS = env.int("EXPORT_LIFE_DAYS", 7)
RETENTION_ADULT_YEARS = env.int("RETENTION_ADULT_YEARS", 7)  # P40, RULES 4.19
READABLE_CHECK_ROWS = env.int("READABLE_CHECK_ROWS", 20_000)  # rows of each table that are opened each night
AUDIT_RETENTION_YEARS = env.int("AUDIT_RETENTION_YEARS", 7)  # the log's digests in the lockbox; six at least
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
BACKUP_MAX_AGE_HOURS = env.int("BACKUP_MAX_AGE_HOURS", 24)  # ceiling 48
BACKUP_SECONDS = env.int("BACKUP_SECONDS", 14_400)  # the longest that one may take
DRILL_DAYS = env.int("DRILL_DAYS", 92)  # a drill counts so long as proof
DRILL_SAMPLE = env.int("DRILL_SAMPLE", 20)
KEYS_DAYS = env.int("KEYS_DAYS", 366)
