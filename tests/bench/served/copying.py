"""``python -m tests.bench.served.copying CONSULTS PHOTOS MESSAGES``: make one patient's copy, and say what it took.

Prints ``{"floor": s, "ours": s, "before_kb": …, "peak_kb": …, "bytes": …, "pages": …}``. The patient is made by
another process, so that none of its memory counts.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import zipfile
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

if TYPE_CHECKING:
    from records.models import Photo


def peak_kb() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def make(consults: int, photos: int, messages: int) -> UUID:
    """The patient, with real sealed pictures; returns the account."""
    from portal.crypto import sealed
    from records.access import patients_of
    from records.models import Photo
    from tests.bench.photos import photo
    from tests.bench.served.records import somebody
    from tests.photos.pictures import saved

    user = somebody(consults=consults, photos=photos, messages=messages)
    picture = photo().resize((2016, 1512))
    image, thumb = saved(picture, "JPEG", quality=85), saved(picture.resize((320, 240)), "JPEG", quality=80)
    (patient_id,) = patients_of(user.pk)
    for row in Photo.objects.filter(patient_id=patient_id):
        large, small = sealed.write(image, folder="photos"), sealed.write(thumb, folder="photos")
        row.image_name, row.image_key, row.image_bytes = large.name, large.key, large.size
        row.thumb_name, row.thumb_key = small.name, small.key
        row.width, row.height = 2016, 1512
        row.save()
    return user.pk


def floor(rows: list[Photo]) -> None:
    from records.vault.files import read_photo

    with zipfile.ZipFile(io.BytesIO(), "w") as target:
        for number, row in enumerate(rows):
            target.writestr(f"{number}.jpg", read_photo(row, "image"))


def copy(account_id: UUID, photos: int) -> dict[str, float]:
    """Seconds, peak, size and pages of the copy that the job makes."""
    from pypdf import PdfReader

    from portal.accounts.models import User
    from portal.crypto import sealed
    from portal.jobs.runner import run_job
    from privacy.models import RecordCopy, RequestKind
    from privacy.requests.services import request_open
    from records.access import patients_of

    user = User.objects.get(pk=account_id)
    (patient_id,) = patients_of(user.pk)
    wish = request_open(
        by=user.actor, kind=RequestKind.ACCESS, subject_id=patient_id, account_id=user.pk, form_key=uuid4()
    )
    began = time.perf_counter()
    run_job(wish.job_id)
    took = time.perf_counter() - began
    peak = peak_kb()
    row = RecordCopy.objects.get(request=wish)
    with zipfile.ZipFile(io.BytesIO(b"".join(sealed.chunks(row.name, row.key)))) as packed:
        pages = len(PdfReader(io.BytesIO(packed.read("record.pdf"))).pages)
        assert sum(name.startswith("photos/") for name in packed.namelist()) == photos
    return {"ours": took, "peak_kb": peak, "bytes": row.size, "pages": pages}


def main() -> None:
    import django

    django.setup()
    if len(sys.argv) > 4:
        print(make(*map(int, sys.argv[1:4])))
        return
    made = subprocess.run([sys.executable, *_self(), "make"], stdout=subprocess.PIPE, text=True, check=True)
    account_id = UUID(made.stdout.split()[-1])
    from records.access import patients_of
    from records.models import Photo

    rows = list(Photo.objects.filter(patient_id__in=patients_of(account_id)))
    before = peak_kb()
    done = copy(account_id, len(rows))
    began = time.perf_counter()
    floor(rows)
    print(json.dumps({"floor": time.perf_counter() - began, "before_kb": before, **done}))


def _self() -> list[str]:
    return ["-W", "ignore", "-m", "tests.bench.served.copying", *sys.argv[1:4]]


if __name__ == "__main__":
    main()
