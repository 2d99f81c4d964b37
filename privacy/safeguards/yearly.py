"""What stands in the binder of a year: the clinic's duties as counts, dates and signed papers, and no patient."""

from __future__ import annotations

import datetime as dt

from django.db.models import Count, Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.accounts.training import roster
from portal.audit.models import LogReview
from portal.dates import start_of_day
from portal.evidence.models import Evidence
from portal.permissions import Purpose
from privacy.incidents.selectors import year_log
from privacy.models import RequestKind, RightsRequest
from privacy.safeguards.binding import NONE, Section, Table, day_text, moment_text, people
from privacy.safeguards.models import Choice, Measure, Risk, RiskAnalysis, RiskState, Sanction
from privacy.safeguards.selectors import answers, policy_texts, with_state
from privacy.vendors.selectors import trouble_of, vendors
from records.models import Disclosure
from records.vault.content import opened


def year_sections(year: int) -> list[Section]:
    """A year of the clinic's duties: counts and dates, no patient."""
    first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
    since, until = start_of_day(first), start_of_day(dt.date(year + 1, 1, 1))
    return [
        _year_requests(first, last), _year_given(first, last), _year_incidents(year),
        *_year_analyses(since, until), _decisions(), _year_reviews(first, last), _year_sanctions(first, last),
        _vendors(), _training(), _policies(), _evidence(since, until),
    ]


def _year_requests(first: dt.date, last: dt.date) -> Section:
    rows = RightsRequest.objects.filter(received_on__gte=first, received_on__lte=last).order_by().values("kind")
    counted = {
        row["kind"]: row
        for row in rows.annotate(
            count=Count("pk"), answered=Count("pk", filter=Q(answered_at__isnull=False)),
            in_time=Count("pk", filter=Q(in_time=True)), denied=Count("pk", filter=~Q(denial_ground="")),
            open=Count("pk", filter=Q(ended_at=None)),
        )
    }
    cells = [
        (str(kind.label), str(row["count"]), str(row["answered"]), _share(row["in_time"], row["answered"]),
         str(row["denied"]), str(row["open"]))
        for kind in RequestKind if (row := counted.get(kind.value))
    ]
    header = (_("Asked for"), _("Received"), _("Answered"), _("In time"), _("Refused"), _("Open"))
    return Section(
        _("Requests of the year"), table=Table(header, (6, 2, 2, 3, 2, 2), cells), empty=_("Nobody asked.")
    )


def _share(part: int, whole: int) -> str:
    return f"{part} ({100 * part // whole} %)" if whole else NONE


def _year_given(first: dt.date, last: dt.date) -> Section:
    rows = Disclosure.objects.filter(on__gte=first, on__lte=last).order_by().values_list("purpose")
    cells = [(str(Purpose(purpose).label), str(count)) for purpose, count in rows.annotate(n=Count("pk"))]
    table = Table((_("Purpose"), _("Disclosures")), (6, 2), sorted(cells))
    return Section(_("Disclosures by purpose"), table=table, empty=_("Nothing was disclosed."))


def _year_incidents(year: int) -> Section:
    cells = [
        (str(line.incident.number), day_text(line.discovered_on), line.outcome, str(line.people),
         f"{day_text(line.hhs_due)}\n{day_text(line.hhs_done)}")
        for line in year_log(year)
    ]
    header = (_("No."), _("Discovered"), _("Outcome"), _("People"), _("HHS: due, told"))
    return Section(_("Incidents"), table=Table(header, (1, 3, 6, 2, 3), cells), empty=_("None was discovered."))


def _year_analyses(since: dt.datetime, until: dt.datetime) -> list[Section]:
    """The analyses signed in the year; where none was, the newest one of before."""
    signed = RiskAnalysis.objects.filter(signed_at__lt=until).order_by("signed_at")
    found = list(signed.filter(signed_at__gte=since)) or list(signed.reverse()[:1])
    if not found:
        return [Section(_("Risk analysis"), empty=_("None was ever signed."))]
    return [_analysis(row) for row in found]


def _analysis(row: RiskAnalysis) -> Section:
    risks = list(with_state(Risk.objects.filter(analysis=row)))
    who = people([row.signed_by, *(risk.owner_id for risk in risks)])
    cells = [
        (
            opened(risk, "title"), f"{risk.likelihood} × {risk.impact} = {risk.weight}", opened(risk, "measure"),
            f"{who[risk.owner_id]}\n{day_text(risk.due_on)}", str(RiskState(risk.state).label),
        )
        for risk in risks
    ]
    header = (_("Risk"), _("Weight"), _("Measure"), _("Who, by when"), _("Stands today"))
    return Section(
        _("Risk analysis of %(day)s") % {"day": day_text(row.made_on)}, words=opened(row, "scope"),
        facts=[
            (_("Signed"), f"{moment_text(row.signed_at)}, {who[row.signed_by]}"),
            (_("Kept until"), day_text(row.keep_until)),
        ],
        table=Table(header, (5, 2, 6, 4, 3), cells),
    )


def _decisions() -> Section:
    cells = [
        (
            f"{answer.item.asks}\n{answer.item.section}",
            str(Choice(answer.decision.choice).label) if answer.decision else _("Not decided yet"),
            f"{opened(answer.decision, 'reason')} ({moment_text(answer.decision.decided_at)})"
            if answer.decision else NONE,
        )
        for answer in answers()
    ]
    table = Table((_("Item"), _("Decision"), _("How, what instead, or why not")), (5, 3, 6), cells)
    return Section(_("Addressable items, as of today"), table=table)


def _year_reviews(first: dt.date, last: dt.date) -> Section:
    rows = list(LogReview.objects.filter(month__gte=first, month__lte=last).order_by("month"))
    who = people(row.reviewed_by for row in rows)
    cells = [
        (
            date_format(row.month, "F Y"), f"{row.get_finding_display()}\n{opened(row, 'words')}",
            str(row.counts.get("rows", NONE)), str(row.counts.get("integrity_failed", NONE)),
            f"{who[row.reviewed_by]}\n{moment_text(row.at)}",
        )
        for row in rows
    ]
    header = (_("Month"), _("Finding"), _("Rows"), _("Failed checks"), _("Signed"))
    return Section(
        _("Reviews of the access log"), table=Table(header, (2, 6, 2, 2, 4), cells),
        empty=_("No month was signed."),
    )


def _year_sanctions(first: dt.date, last: dt.date) -> Section:
    rows = Sanction.objects.filter(on__gte=first, on__lte=last).order_by().values_list("measure")
    cells = [(str(Measure(measure).label), str(count)) for measure, count in rows.annotate(n=Count("pk"))]
    return Section(
        _("Sanctions, as counts"), table=Table((_("Measure"), _("How many")), (6, 2), sorted(cells)),
        empty=_("There was none."),
    )


def _vendors() -> Section:
    cells = [
        (row.name, row.gets, day_text(row.agreed_on), day_text(row.ends_on), trouble_of(row) or _("In order"))
        for row in vendors().filter(ended_at=None)
    ]
    header = (_("Company"), _("What it gets"), _("Agreement of"), _("Until"), _("Today"))
    return Section(
        _("Companies that work for us, as of today"), table=Table(header, (4, 6, 2, 2, 4), cells),
        empty=_("None is in the register."),
    )


def _training() -> Section:
    lines = roster()
    names = people(line.user.pk for line in lines)
    cells = [
        (f"{names[line.user.pk]}\n{line.user.get_role_display()}", *(day_text(one.until) for one in line.standings))
        for line in lines
    ]
    courses = [str(one.course.label) for one in lines[0].standings] if lines else []
    table = Table((_("Who"), *courses), (4, *(3 for _course in courses)), cells)
    return Section(_("Training, as of today: counts until"), table=table, empty=_("There is no staff."))


def _policies() -> Section:
    cells = [
        (
            str(text.kind.label), line.row.version, _period(line.row.effective_on, line.until),
            "\n".join((line.row.sha256[:32], line.row.sha256[32:])), str(line.agreed) if line.current else NONE,
        )
        for text in policy_texts() for line in text.lines
    ]
    header = (_("Text"), _("Version"), _("In force"), _("SHA-256"), _("Agreed"))
    return Section(_("Policies"), table=Table(header, (4, 2, 3, 6, 2), cells))


def _period(since: dt.date, until: dt.date | None) -> str:
    if until is None:
        return _("since %(day)s") % {"day": day_text(since)}
    return f"{day_text(since)} – {day_text(until)}"


def _evidence(since: dt.datetime, until: dt.datetime) -> Section:
    """The proofs that the running site left in the year, by kind."""
    rows = Evidence.objects.filter(recorded_at__gte=since, recorded_at__lt=until).order_by().values("kind")
    counted = rows.annotate(count=Count("pk"), failed=Count("pk", filter=Q(passed=False))).order_by("kind")
    newest = {
        row.kind: row
        for row in Evidence.objects.filter(recorded_at__gte=since, recorded_at__lt=until)
        .order_by("kind", "-recorded_at").distinct("kind")
    }
    cells = [
        (row["kind"], str(row["count"]), str(row["failed"]), moment_text(newest[row["kind"]].recorded_at),
         _("passed") if newest[row["kind"]].passed else _("failed"))
        for row in counted
    ]
    header = (_("Proof"), _("How often"), _("Failed"), _("Last"), _("It"))
    return Section(
        _("What the running site proved"), table=Table(header, (4, 2, 2, 3, 2), cells),
        empty=_("Nothing was recorded."),
    )
