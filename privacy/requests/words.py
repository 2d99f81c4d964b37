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

SETTLED = (FeeState.ACCEPTED, FeeState.WAIVED)


def next_step(row: RightsRequest, *, cost: bool | None = None) -> str:
    """The officer's next step; empty when it is over.

    ``cost`` is what ``cost_open`` says; a list, which asks nothing more of the database, leaves it out.
    """
    if row.ended_at:
        return ""
    if row.state == S.IN_PROGRESS:
        return _working(row, cost)
    proven = row.identity_state in PROVEN
    return {
        S.RECEIVED: _("Take it on") if proven else _("Ask who it was"),
        S.IDENTITY: _("Make sure who asked"),
        S.WAITING_FEE: _("Wait for a yes to the cost"),
        S.CARRYING_OUT: _("The portal is at work on it"),
        S.UNDER_REVIEW: _("Somebody who had no part in the answer looks at it again"),
    }[S(row.state)]


def _working(row: RightsRequest, cost: bool | None) -> str:
    rules = rules_of(row.kind)
    unsettled = rules.fee and rules.is_free is None and row.fee_state not in SETTLED
    if row.held_at:
        return _("Wait for the end of the legal hold")
    if row.fee_state == FeeState.DECLINED:
        return _("Offer something smaller, or a free copy in the portal")
    if unsettled if cost is None else cost:
        return _("Name the cost")
    if rules.answered:
        return _("Write the answer")
    return str(rules.deed) or _("Carry it out")


def cost_open(row: RightsRequest) -> bool:
    """True while something may be asked for it and nothing is agreed: nothing is made before (RULES 1.13, 1.33)."""
    rules = rules_of(row.kind)
    if not rules.fee or row.ended_at:
        return False
    free = rules.is_free is not None and rules.is_free(row)
    return not free and row.fee_state not in SETTLED


def patient_next(row: RightsRequest) -> str:
    """What happens next, for who asked; empty when it is over."""
    if row.state == S.JOINED:
        return _("The same was asked for before. Both are answered together; the clock below is that one’s.")
    if row.ended_at:
        return ""
    if row.state == S.IN_PROGRESS and row.held_at:
        return _("A court or an authority told us to wait. We go on as soon as that ends.")
    return {
        S.RECEIVED: _("Our compliance officer looks at it next."),
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
    """One line of the history, for the officer and in the binder: what was done."""
    return {
        "": _("Asked"),
        A.START.value: _("Taken on"),
        A.ASK_IDENTITY.value: _("Asked for proof of who it was"),
        A.CONFIRM_IDENTITY.value: _("Made sure who asked"),
        A.FAIL_IDENTITY.value: _("Closed: it could not be proven who asked"),
        A.CARRY_OUT.value: _("Had it carried out"),
        A.COMPLETE.value: _("Done"),
        A.COMPLETE_PART.value: _("Done in part"),
        A.FAIL.value: _("Not carried out; back on the desk"),
        A.DENY.value: _("Refused"),
        A.REFUSE_PART.value: _("Refused in part"),
        A.EXTEND.value: _("Took more time"),
        A.ASSIGN.value: _("Handed over"),
        A.QUOTE.value: _("Named the cost"),
        A.REQUOTE.value: _("Took the cost back"),
        A.ACCEPT_FEE.value: _("Settled the cost"),
        A.DECLINE_FEE.value: _("Did not agree to the cost"),
        A.ASK_REVIEW.value: _("Asked for a review"),
        A.UPHOLD.value: _("Found that the answer stands"),
        A.UPHOLD_PART.value: _("Found that the answer in part stands"),
        A.OVERTURN.value: _("Changed the answer"),
        A.JOIN.value: _("Joined to another request"),
        A.SEPARATE.value: _("Taken apart again"),
        A.WITHDRAW.value: _("Taken back"),
        A.HOLD.value: _("Stopped by a legal hold"),
        A.LAPSE.value: _("Ended with the deletion of the record"),
    }[action]


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
    """What the kind's own form asked and was told, with the form's labels; ticks and the day of signing left out.

    Nothing where the kind's panels tell it themselves: nobody reads the same twice on one page.
    """
    rules = rules_of(row.kind)
    form, told = rules.ask_form, opened(row, "particulars", None) or {}
    if form is None or rules.panels_tell or not isinstance(told, dict):
        return []
    fields = form.base_fields
    return [(str(fields[name].label), value) for name, value in told.items() if name in fields and value != "True"]
