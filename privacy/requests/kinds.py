"""The kinds of request that the engine's own room carries out: copy, deletion, notice, complaint, question."""

from __future__ import annotations

from uuid import uuid4

from django.utils.translation import gettext_lazy as _

from portal.context import Actor
from portal.jobs.services import job_start
from privacy.denials.grounds import grounds_for
from privacy.requests import deletion, mails, notice, panels
from privacy.requests.forms import ComplaintForm, NoticeForm, QuestionForm
from privacy.requests.models import RequestKind, RightsRequest
from privacy.requests.registry import KindRules, register
from privacy.requests.selectors import asker

OUTCOMES = (
    ("founded", _("The complaint was right")),
    ("partly", _("It was right in part")),
    ("unfounded", _("We found nothing wrong")),
    ("passed_on", _("It is not ours to decide; we said whose it is")),
)


def copy_start(request: RightsRequest, by: Actor) -> None:
    """Start making the copy that the patient downloads (P31, P32)."""
    # A second try is a job of its own: the first one's key would find the job that failed.
    again = f":{uuid4().hex}" if request.job_id else ""
    job = job_start(
        by=asker(request), kind="privacy.copy", subject_id=request.subject_id, ref=request.pk,
        once_key=f"request:{request.pk}{again}",
    )
    request.job_id = job.pk
    request.save(update_fields=["job_id"])


def register_kinds() -> None:
    """Called once at start."""
    for rules in (ACCESS, DELETION, NOTICE, COMPLAINT, QUESTION):
        register(rules)


ACCESS = KindRules(
    RequestKind.ACCESS, due_days="ACCESS_DUE_DAYS", extension_days="ACCESS_EXTENSION_DAYS",
    extension_allowed="ACCESS_EXTENSION_ALLOWED", fulfil=copy_start, at_once=True, failed=mails.copy_delayed,
    ask_page="privacy:copy", wish=_("Get a copy"), wish_about=_("Everything we hold, as one file. It is free."),
    deed=_("Make the copy"), deed_about=_("The copy is made again and the patient is told."),
    patient_panel="privacy/requests/_copy.html", patient_context=panels.copy_context,
)
DELETION = KindRules(
    RequestKind.DELETION, due_days="DELETION_DUE_DAYS", fulfil=deletion.deletion_start,
    stopped=deletion.deletion_stopped, grounds=grounds_for(RequestKind.DELETION),
    sure=_("I know that this cannot be undone"), ask_page="privacy:delete", own_only=True, wish=_("Delete it"),
    wish_about=_("We delete all we may, and tell you what the law makes us keep."),
    deed=_("Delete the record"),
    deed_about=_(
        "A last copy of what was sent goes into the archive and is read back. Then everything is removed, and the "
        "patient gets a closing letter by mail."
    ),
    staff_panel="privacy/requests/_staff_deletion.html", staff_context=panels.deletion_staff_context,
    patient_panel="privacy/requests/_deletion.html", patient_context=panels.deletion_context,
)
NOTICE = KindRules(
    RequestKind.NOTICE, due_days="NOTICE_DUE_DAYS", needs_identity=False, about_record=False,
    fulfil=notice.notice_print, ask_form=NoticeForm, wish=_("Get our privacy notice on paper"),
    wish_about=_("We send it by post. It is free."), deed=_("Print the notice"),
    deed_about=_("It goes into the print queue. The request is done when the letter is posted."),
)
COMPLAINT = KindRules(
    RequestKind.COMPLAINT, due_days="COMPLAINT_DUE_DAYS", needs_identity=False, about_record=False,
    ask_form=ComplaintForm, ask_about="privacy/requests/_about_complaint.html", wish=_("Make a complaint"),
    wish_about=_("Tell us what went wrong. Nobody here will treat you worse for it."), answered=True,
    outcomes=OUTCOMES, deed=_("Write the answer"),
)
QUESTION = KindRules(
    RequestKind.QUESTION, due_days="QUESTION_DUE_DAYS", needs_identity=False, about_record=False,
    ask_form=QuestionForm, wish=_("Ask a question"),
    wish_about=_("About your privacy, your rights or the law. Our compliance officer answers."), answered=True,
    deed=_("Write the answer"),
)
