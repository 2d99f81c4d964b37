"""The life of an upload: which deed leads from which state to which. Nothing leaves an end state."""

from __future__ import annotations

from enum import StrEnum

from records.intake.models import UploadState


class UploadDeed(StrEnum):
    """What may happen to a photo or document once it is received. Removing it is possible in every state."""

    CLAIM = "claim"
    PUT_BACK = "put_back"
    FINISH = "finish"
    REFUSE = "refuse"


_S, _D = UploadState, UploadDeed
TRANSITIONS: dict[tuple[UploadState, UploadDeed], UploadState] = {
    (_S.RECEIVED, _D.CLAIM): _S.PROCESSING,
    (_S.PROCESSING, _D.CLAIM): _S.PROCESSING,  # the lease of a worker that died has run out
    (_S.PROCESSING, _D.PUT_BACK): _S.RECEIVED,
    (_S.PROCESSING, _D.FINISH): _S.READY,
    (_S.PROCESSING, _D.REFUSE): _S.REFUSED,
    (_S.RECEIVED, _D.REFUSE): _S.REFUSED,  # all tries are used up
}
WAITING = (UploadState.RECEIVED, UploadState.PROCESSING)


def after(state: str, deed: UploadDeed) -> UploadState:
    """The state that follows. Raises ``KeyError`` where the table has no such row."""
    return TRANSITIONS[UploadState(state), deed]
