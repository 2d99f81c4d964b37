"""Making, granting, refusing and taking back requests; one file for each part of their way."""

from privacy.requests.services.desk import (
    carried_out,
    request_answer,
    request_assign,
    request_carry_out,
    request_deny,
    request_extend,
    request_put_back,
    request_refuse_part,
    request_start,
)
from privacy.requests.services.endings import (
    request_complete,
    request_failed,
    request_resume,
    request_withdraw,
    requests_lapse,
)
from privacy.requests.services.fees import fee_accept, fee_decline, fee_quote, fee_take_back
from privacy.requests.services.identity import (
    identity_ask,
    identity_confirm,
    identity_fail,
    request_about,
    request_join,
    request_separate,
)
from privacy.requests.services.moves import audit, locked, locked_own, move, standing_of
from privacy.requests.services.opening import Identity, request_open
from privacy.requests.services.reviews import review_ask, review_decide

__all__ = [
    "Identity", "audit", "carried_out", "fee_accept", "fee_decline", "fee_quote", "fee_take_back", "identity_ask",
    "identity_confirm", "identity_fail", "locked", "locked_own", "move", "request_about", "request_answer",
    "request_assign", "request_carry_out", "request_complete", "request_deny", "request_extend", "request_failed",
    "request_join", "request_open", "request_put_back", "request_refuse_part", "request_resume", "request_separate",
    "request_start", "request_withdraw", "requests_lapse", "review_ask", "review_decide", "standing_of",
]
