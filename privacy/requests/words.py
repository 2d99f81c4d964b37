"""What happens next, in words: for the officer, and in plainer ones for who asked."""

from __future__ import annotations

from django.utils.translation import gettext as _

from privacy.requests.clock import extension_open
from privacy.requests.models import FeeState, IdentityState, RightsRequest
from privacy.requests.registry import rules_of
from privacy.requests.services.moves import PROVEN
from privacy.requests.state import RequestAction as A
from privacy.requests.state import RequestState as S
from records.vault.content import opened


def next_step(row: RightsRequest) -> str:
    """The officer's next step; empty when it is over."""
    if row.ended_at:
        return ""
    if row.state == S.IN_PROGRESS:
        return _working(row)
    proven = row.identity_state in PROVEN
    return {
        S.RECEIVED: _("Take it on") if proven else _("Ask who it was"),
        S.IDENTITY: _("Make sure who asked"),
        S.WAITING_FEE: _("Wait for a yes to the cost"),
        S.CARRYING_OUT: _("The portal is at work on it"),
        S.UNDER_REVIEW: _("Somebody who had no part in the answer looks at it again"),
    }[S(row.state)]


def _working(row: RightsRequest) -> str:
    rules = rules_of(row.kind)
    if row.held_at:
        return _("Wait for the end of the legal hold")
    if row.fee_state == FeeState.DECLINED:
        return _("Offer something smaller, or a free copy in the portal")
    if rules.fee and not row.fee_state:
        return _("Name the cost")
    if rules.answered:
        return _("Write the answer")
    return str(rules.deed) or _("Carry it out")


def patient_next(row: RightsRequest) -> str:
    """What happens next, for who asked; empty when it is over."""
    if row.state == S.JOINED:
        return _("The same was asked for before. Both are answered together; the clock below is that one’s.")
    if row.ended_at:
        return ""
    if row.state == S.IN_PROGRESS and row.held_at:
        return _("A court or an authority told us to wait. We go on as soon as that ends.")
    return {
        S.RECEIVED: _("Our compliance officer looks at it next. Until then nothing changes."),
        S.IDENTITY: _("We have to make sure that it was you who asked. Nothing is done before that."),
        S.IN_PROGRESS: _("Our compliance officer is working on it."),
        S.WAITING_FEE: _("We told you what it costs, and begin when you have said yes."),
        S.CARRYING_OUT: _("It is being done right now."),
        S.UNDER_REVIEW: _("Somebody who had no part in our answer looks at it again. What they decide counts."),
    }[S(row.state)]


def step_words(action: str, *, role: str) -> str:
    """One line of the history. What the portal and the officer do to and fro inside is left out: empty."""
    by_patient = role in ("patient", "guardian")
    return {
        "": _("You asked") if by_patient else _("We took down your request"),
        A.START.value: _("We began to work on it"),
        A.ASK_IDENTITY.value: _("We asked who it was"),
        A.CONFIRM_IDENTITY.value: _("We made sure who asked"),
        A.FAIL_IDENTITY.value: _("We could not make sure who asked"),
        A.COMPLETE.value: _("Done"),
        A.COMPLETE_PART.value: _("Done in part"),
        A.DENY.value: _("Not granted"),
        A.REFUSE_PART.value: _("A part is not granted"),
        A.EXTEND.value: _("We took more time"),
        A.QUOTE.value: _("We told you the cost"),
        A.ACCEPT_FEE.value: _("You agreed to the cost"),
        A.DECLINE_FEE.value: _("You did not agree to the cost"),
        A.ASK_REVIEW.value: _("You asked for a review"),
        A.UPHOLD.value: _("The review found that the answer stands"),
        A.UPHOLD_PART.value: _("The review found that the answer stands"),
        A.OVERTURN.value: _("The review changed the answer"),
        A.JOIN.value: _("Joined to another request of yours"),
        A.SEPARATE.value: _("Taken up again by itself"),
        A.WITHDRAW.value: _("You took it back"),
        A.HOLD.value: _("A legal hold stopped it"),
        A.LAPSE.value: _("Ended with the deletion of the record"),
        A.FAIL.value: _("It did not work; we try again"),
    }.get(action, "")


def staff_step(action: str) -> str:
    """One line of the history, for the officer."""
    return str(A(action).label) if action else _("Asked")


def more_time(row: RightsRequest) -> bool:
    """True while the officer may still take the one extension."""
    return not row.ended_at and row.state in (S.RECEIVED, S.IDENTITY, S.IN_PROGRESS, S.WAITING_FEE) and extension_open(
        rules_of(row.kind), row
    )


def unproven(row: RightsRequest) -> bool:
    """True while nobody knows who asked."""
    return row.identity_state in (IdentityState.ASKED, IdentityState.FAILED)


def ground(row: RightsRequest) -> str:
    """The ground of a refusal in words; empty where nothing was refused."""
    listed = rules_of(row.kind).ground(row.denial_ground)
    if listed is not None:
        return str(listed.label)
    return _("We could not make sure who asked") if row.denial_ground else ""


def particulars(row: RightsRequest) -> list[tuple[str, str]]:
    """What the kind's own form asked and was told, with the form's labels; ticks and the day of signing left out."""
    form = rules_of(row.kind).ask_form
    told = opened(row, "particulars", None) or {}
    if form is None or not isinstance(told, dict):
        return []
    fields = form.base_fields
    return [(str(fields[name].label), value) for name, value in told.items() if name in fields and value != "True"]
