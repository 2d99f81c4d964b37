"""The clinician's desk in the clinic's admin: queue, case, answer. No model of consults is listed."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from consults.desk import selectors
from consults.desk.views import answer, deeds
from consults.desk.views.case import case
from consults.desk.views.queue import queue
from portal.admin_site import Group, site
from portal.context import Actor
from portal.permissions import Permission


def _waiting(_actor: Actor) -> int:
    return selectors.waiting_count()


site.page(
    "consults/", queue, Permission.QUEUE_VIEW, name="consults_queue", title=_("Consults"), menu=_("Consults"),
    hint=_("Patients who wait for an answer, and the cases in your hands"), count=_waiting,
    group=Group.PATIENTS,
)
site.page("consults/<uuid:consult_id>/", case, Permission.CASE_REVIEW, name="consults_case", title=_("Case"))
for _name, _view in {
    "take": deeds.take, "release": deeds.release, "message": deeds.message, "ask": deeds.ask,
    "decline": deeds.decline, "close": deeds.close, "answered": deeds.answered,
    "fill": answer.fill, "save": answer.save, "sign": answer.sign,
}.items():
    site.page(
        f"consults/<uuid:consult_id>/{_name}/", _view, Permission.CASE_REVIEW, name=f"consults_{_name}",
        title=_("Case"),
    )
