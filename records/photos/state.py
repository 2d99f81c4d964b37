"""The life of a photo: which deed leads from which state to which. Nothing leaves an end state."""

from __future__ import annotations

from enum import StrEnum

from records.photos.models import PhotoState


class PhotoDeed(StrEnum):
    """What may happen to a photo once it is received. Removing it is possible in every state."""

    CLAIM = "claim"
    PUT_BACK = "put_back"
    FINISH = "finish"
    REFUSE = "refuse"


_S, _D = PhotoState, PhotoDeed
TRANSITIONS: dict[tuple[PhotoState, PhotoDeed], PhotoState] = {
    (_S.RECEIVED, _D.CLAIM): _S.PROCESSING,
    (_S.PROCESSING, _D.CLAIM): _S.PROCESSING,  # the lease of a worker that died has run out
    (_S.PROCESSING, _D.PUT_BACK): _S.RECEIVED,
    (_S.PROCESSING, _D.FINISH): _S.READY,
    (_S.PROCESSING, _D.REFUSE): _S.REFUSED,
    (_S.RECEIVED, _D.REFUSE): _S.REFUSED,  # all tries are used up
}
WAITING = (PhotoState.RECEIVED, PhotoState.PROCESSING)


def after(state: str, deed: PhotoDeed) -> PhotoState:
    """The state that follows. Raises ``KeyError`` where the table has no such row."""
    return TRANSITIONS[PhotoState(state), deed]
