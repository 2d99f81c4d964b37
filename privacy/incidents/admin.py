"""The officer's pages about reports and incidents, in the clinic's admin."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import Group, site
from portal.context import Actor
from portal.permissions import Permission
from privacy.incidents import selectors
from privacy.incidents.views import incidents, notices, reports

_HANDLE = Permission.REQUESTS_HANDLE


def _waiting(_actor: Actor) -> int:
    return selectors.to_do()


site.page(
    "incidents/", reports.desk, _HANDLE, name="incidents", title=_("Reports and incidents"),
    menu=_("Reports and incidents"), hint=_("Suspected violations, complaints, breaches and their legal clocks"),
    count=_waiting,
    group=Group.INCIDENTS,
)
site.page(
    "incidents/reports/enter/", reports.enter, Permission.REPORTS_ENTER, name="incident_enter",
    title=_("Enter a report"), menu=_("Enter a report"), hint=_("Somebody wrote or called about a violation"),
    group=Group.INCIDENTS,
)
_ROUTES = (
    ("open/", reports.open_new, "incident_open"),
    ("from-look/<uuid:report_id>/", reports.from_look, "incident_from_look"),
    ("log/<int:year>/", incidents.log, "incident_log"),
    ("log/<int:year>/file/", incidents.log_file, "incident_log_file"),
    ("reports/<uuid:intake_id>/", reports.report, "incident_report"),
    ("reports/<uuid:intake_id>/take/", reports.take, "incident_report_take"),
    ("reports/<uuid:intake_id>/open/", reports.open_from, "incident_report_open"),
    ("reports/<uuid:intake_id>/join/", reports.join, "incident_report_join"),
    ("reports/<uuid:intake_id>/end/", reports.end, "incident_report_end"),
    ("reports/<uuid:intake_id>/freeze/<uuid:subject_id>/", reports.freeze, "incident_report_freeze"),
    ("<uuid:incident_id>/", incidents.incident, "incident"),
    ("<uuid:incident_id>/facts/", incidents.facts, "incident_facts"),
    ("<uuid:incident_id>/discovery/", incidents.discovery, "incident_discovery"),
    ("<uuid:incident_id>/delay/", incidents.delay, "incident_delay"),
    ("<uuid:incident_id>/note/", incidents.note, "incident_note"),
    ("<uuid:incident_id>/again/", incidents.reopen, "incident_reopen"),
    ("<uuid:incident_id>/people/", incidents.people_page, "incident_people"),
    ("<uuid:incident_id>/people/add/", incidents.person_add, "incident_person_add"),
    ("<uuid:incident_id>/people/other/", incidents.stranger_add, "incident_stranger_add"),
    ("<uuid:incident_id>/people/count/", incidents.count_add, "incident_count_add"),
    ("<uuid:incident_id>/people/<uuid:affected_id>/remove/", incidents.person_remove, "incident_person_remove"),
    ("<uuid:incident_id>/people/<uuid:affected_id>/reached/", notices.person_reached, "incident_person_reached"),
    ("<uuid:incident_id>/people/register/", incidents.register, "incident_register"),
    ("<uuid:incident_id>/assessment/", incidents.assessment, "incident_assessment"),
    ("<uuid:incident_id>/notice/", notices.notice, "incident_notice"),
    ("<uuid:incident_id>/notice/send/", notices.send, "incident_send"),
    ("<uuid:incident_id>/notice/<uuid:notice_id>/returned/", notices.returned, "incident_returned"),
    ("<uuid:incident_id>/notice/<uuid:notice_id>/reached/", notices.reached, "incident_reached"),
    ("<uuid:incident_id>/notice/public/", notices.post_publicly, "incident_post"),
    ("<uuid:incident_id>/told/", notices.told, "incident_told"),
    ("<uuid:incident_id>/close/", notices.close, "incident_close"),
)
for _route, _view, _name in _ROUTES:
    site.page(f"incidents/{_route}", _view, _HANDLE, name=_name, title=_("Incident"))
