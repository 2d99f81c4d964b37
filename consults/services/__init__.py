"""The verbs of a consult. Actor first, keyword-only; none of them sees a request."""

from consults.services.cases import (
    consult_answer,
    consult_ask,
    consult_close,
    consult_decline,
    consult_release,
    consult_take,
)
from consults.services.drafts import consult_start, person_register, photo_send, photo_take_away, step_save
from consults.services.endings import consult_expire, consult_withdraw, consults_end, draft_end
from consults.services.housekeeping import sweep
from consults.services.sending import Consent, consult_paid, consult_revise, consult_submit
from consults.services.words import consult_message, consult_reply

__all__ = [
    "Consent", "consult_answer", "consult_ask", "consult_close", "consult_decline", "consult_expire",
    "consult_message", "consult_paid", "consult_release", "consult_reply", "consult_revise", "consult_start",
    "consult_submit", "consult_take", "consult_withdraw", "consults_end", "draft_end", "person_register", "photo_send",
    "photo_take_away", "step_save", "sweep",
]
