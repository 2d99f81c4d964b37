"""Who looked at a record, in plain words: the access log as the patient reads it (P21).

Looks that one person took in the same way on one day stand on one line. Pages go by key: the
newest rows older than the last one shown, never a count of all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.accounts.selectors import display_names
from portal.audit.models import AccessEvent, Action
from portal.audit.selectors import who_looked
from portal.dates import clinic_zone, start_of_day
from portal.permissions import STAFF_ROLES, Purpose, Role
from privacy.looks.models import OPEN_REPORTS, LookReport, ReportState
from privacy.templatetags.privacy_ui import phrase
from records.emergency.models import Emergency, EmergencyReason
from records.models import GrantKind
from records.people.search import subject_ids

LINES, ROWS = 25, 400
# What one does oneself is folded away; a copy that somebody took in one's name is not.
FOLDED = (Action.VIEW, Action.LIST, Action.SEARCH, Action.REVEAL, Action.PRINT, Action.SEND)
PEOPLE: dict[str, str | Promise] = {
    "staff": _("The clinic’s staff"),
    "family": _("Parents and guardians"),
    "portal": _("The portal by itself"),
    "me": _("Yourself"),
}
DEEDS: dict[str, tuple[str | Promise, tuple[Action, ...]]] = {
    "read": (_("Read or seen in a list"), (Action.VIEW, Action.LIST, Action.SEARCH, Action.REVEAL, Action.PRINT)),
    "copied": (_("Copied or downloaded"), (Action.EXPORT, Action.DOWNLOAD)),
    "sent": (_("Sent or given to others"), (Action.SEND, Action.DISCLOSE)),
    "emergency": (_("Opened in an emergency"), (Action.BREAK_GLASS,)),
}
BASES: dict[str, str | Promise] = {
    GrantKind.GUARDIAN: _("as your parent or guardian"),
    GrantKind.QUEUE: _("went through the consults that wait"),
    GrantKind.CARE_TEAM: _("cares for you"),
    GrantKind.REQUEST: _("works on your request"),
    GrantKind.SEARCH: _("looked for a patient"),
}


@dataclass(frozen=True)
class LookFilter:
    """What the patient wants to see: clinic days (both included), kind of person, kind of deed."""

    since: dt.date | None = None
    until: dt.date | None = None
    who: str = ""
    did: str = ""
    own: bool = False


@dataclass
class LookLine:
    """What one person did in one way on one day. ``at`` is the newest look, ``first_at`` the oldest."""

    event_id: UUID
    key: str
    at: dt.datetime
    first_at: dt.datetime
    actor_id: UUID | None
    role: str
    action: str
    object_kind: str
    purpose: str
    basis: str
    times: int = 1
    name: str = ""
    own: bool = False
    emergency: str = ""
    report: LookReport | None = None

    @property
    def who(self) -> str:
        """The person's name and role; the role alone where there is no name."""
        role = str(Role(self.role).label)
        return f"{self.name}, {role[:1].lower()}{role[1:]}" if self.name else role

    @property
    def what(self) -> str:
        return phrase(self.action, self.object_kind)

    @property
    def why(self) -> str:
        """The purpose, and by what right: "Your care · cares for you"."""
        parts = [str(Purpose(self.purpose).label)]
        grant = self.basis.removeprefix("grant:")
        if self.emergency:
            parts.append(str(_("opened in an emergency: %(why)s")) % {"why": self.emergency})
        elif grant in BASES:
            parts.append(str(BASES[grant]))
        return " · ".join(parts)


@dataclass
class LookPage:
    """A page of lines; ``older`` is the key of the next one, empty on the last."""

    lines: list[LookLine] = field(default_factory=list)
    older: str = ""


def look_page(
    *, subject_id: UUID, account_id: UUID, wanted: LookFilter = LookFilter(), after: str = ""
) -> LookPage:
    """Lines of the log for a person's own eyes, newest first. Four queries, however much there is."""
    rows = list(_after(_wanted(subject_id, account_id, wanted), after)[: ROWS + 1])
    page = LookPage()
    lines: dict[str, LookLine] = {}
    last: AccessEvent | None = None
    for row in rows[:ROWS]:
        key = about(row)
        if key not in lines and len(lines) == LINES:
            break
        _gather(lines, key, row)
        last = row
    if last is not None and last is not rows[-1]:
        page.older = f"{last.at.isoformat()}~{last.number}"
    page.lines = list(lines.values())
    _dress(page.lines, subject_id, account_id)
    reports = LookReport.objects.defer("words", "answer").filter(account_id=account_id, about__in=list(lines))
    for report in reports.order_by("created_at"):
        lines[report.about].report = report
    return page


def who_looked_lines(subject_id: UUID, *, account_id: UUID | None = None) -> Iterator[dict[str, str]]:
    """Every look as plain words, newest first, for ``who-looked.csv``: nothing folded, a row each.

    ``account_id`` is whose own looks read "You". Rows are read in portions.
    """
    rows = who_looked(*subject_ids(subject_id)).iterator(chunk_size=500)
    portion: list[LookLine] = []
    for row in rows:
        portion.append(_line(about(row), row))
        if len(portion) == 500:
            yield from _plain(portion, subject_id, account_id)
            portion = []
    yield from _plain(portion, subject_id, account_id)


def about(row: AccessEvent) -> str:
    """Names the line on which a row stands: who, clinic day, deed, kind, purpose, right. Codes and ids."""
    day = row.at.astimezone(clinic_zone()).date().isoformat()
    who = row.actor_id.hex if row.actor_id else "-"
    return f"{who}:{row.actor_role}:{day}:{row.action}:{row.object_kind}:{row.purpose}:{row.basis[:30]}"


def rows_like(row: AccessEvent, *, most: int = 200) -> list[AccessEvent]:
    """The rows of the log that stand on the same line as this one, newest first."""
    start = start_of_day(row.at.astimezone(clinic_zone()).date())
    rows = who_looked(row.subject_id, since=start, until=start + dt.timedelta(days=1, hours=2)).filter(
        actor_id=row.actor_id, actor_role=row.actor_role, action=row.action, object_kind=row.object_kind,
        purpose=row.purpose, basis=row.basis,
    ) if row.subject_id else AccessEvent.objects.none()
    return [other for other in rows[:most] if about(other) == about(row)]


def line_of(row: AccessEvent, *, account_id: UUID) -> LookLine:
    """The line on which a row stands, dressed for the patient's eyes."""
    lines: dict[str, LookLine] = {}
    for other in rows_like(row) or [row]:
        _gather(lines, about(row), other)
    (line,) = lines.values()
    if row.subject_id is not None:
        _dress([line], row.subject_id, account_id)
    return line


def _wanted(subject_id: UUID, account_id: UUID, wanted: LookFilter) -> QuerySet[AccessEvent]:
    since = start_of_day(wanted.since) if wanted.since else None
    until = start_of_day(wanted.until + dt.timedelta(days=1)) if wanted.until else None
    rows = who_looked(*subject_ids(subject_id), since=since, until=until)
    mine = Q(actor_id=account_id)
    if wanted.did in DEEDS:
        rows = rows.filter(action__in=[deed.value for deed in DEEDS[wanted.did][1]])
    if wanted.who == "me":
        return rows.filter(mine)
    if wanted.who == "staff":
        return rows.filter(actor_role__in=[role.value for role in STAFF_ROLES])
    if wanted.who == "family":
        return rows.filter(actor_role__in=[Role.PATIENT.value, Role.GUARDIAN.value]).exclude(mine)
    if wanted.who == "portal":
        return rows.filter(actor_role=Role.SYSTEM)
    return rows if wanted.own else rows.exclude(mine & Q(action__in=[deed.value for deed in FOLDED]))


def _after(rows: QuerySet[AccessEvent], key: str) -> QuerySet[AccessEvent]:
    """Rows older than the key of a page; nonsense is the first page."""
    moment, _sep, number = key.partition("~")
    try:
        at, last = dt.datetime.fromisoformat(moment), int(number)
    except ValueError:
        return rows
    if at.tzinfo is None or not 0 <= last < 2**63:
        return rows
    # The first condition lets the index start at the key; the second leaves out what was shown.
    return rows.filter(at__lte=at).filter(Q(at__lt=at) | Q(number__lt=last))


def _line(key: str, row: AccessEvent) -> LookLine:
    return LookLine(
        event_id=row.event_id, key=key, at=row.at, first_at=row.at, actor_id=row.actor_id, role=row.actor_role,
        action=row.action, object_kind=row.object_kind, purpose=row.purpose, basis=row.basis,
    )


def _gather(lines: dict[str, LookLine], key: str, row: AccessEvent) -> None:
    if key in lines:
        lines[key].times += 1
        lines[key].first_at = row.at
    else:
        lines[key] = _line(key, row)


def _dress(lines: Iterable[LookLine], subject_id: UUID, account_id: UUID | None) -> None:
    """Add names and the reasons of emergencies: two queries for any number of lines."""
    shown = list(lines)
    names = display_names(line.actor_id for line in shown)
    opened = list(
        Emergency.objects.filter(patient_id=subject_id).values_list("account_id", "opened_at", "ends_at", "reason")
    )
    for line in shown:
        line.name = names.get(line.actor_id, "") if line.actor_id else ""
        line.own = account_id is not None and line.actor_id == account_id
        line.emergency = _emergency(line, opened)


def _emergency(line: LookLine, opened: list[tuple[UUID, dt.datetime, dt.datetime, str]]) -> str:
    """The class of the reason for which a record was open to this person then; empty when it was not."""
    if line.action == Action.BREAK_GLASS:
        code = line.basis.removeprefix("emergency:")
        return str(EmergencyReason(code).label) if code in EmergencyReason.values else ""
    if line.basis != f"grant:{GrantKind.BREAK_GLASS}":
        return ""
    reasons = [
        reason for account, start, end, reason in opened
        if account == line.actor_id and start <= line.at <= end
    ]
    return str(EmergencyReason(reasons[0]).label if reasons else GrantKind.BREAK_GLASS.label)


def _plain(lines: list[LookLine], subject_id: UUID, account_id: UUID | None) -> Iterator[dict[str, str]]:
    _dress(lines, subject_id, account_id)
    for line in lines:
        yield {
            "when": line.at.astimezone(clinic_zone()).isoformat(timespec="seconds"),
            "who": str(_("You")) if line.own else line.name,
            "role": str(Role(line.role).label),
            "what": line.what,
            "why": line.why,
        }


def report_words(report: LookReport) -> str:
    """What was reported, in the words of the log: "Read your plan"."""
    return phrase(report.action, report.object_kind)


def open_reports() -> QuerySet[LookReport]:
    """What is not answered, nearest date first, without anybody's words."""
    return LookReport.objects.defer("words", "answer").filter(state__in=OPEN_REPORTS).order_by("due_on", "created_at")


def answered_reports(*, most: int = 50) -> QuerySet[LookReport]:
    """What was answered last, newest first."""
    rows = LookReport.objects.defer("words", "answer").filter(state=ReportState.ANSWERED)
    return rows.order_by("-answered_at")[:most]
