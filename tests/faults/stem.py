"""A clean process on the test's database that does one piece of work after another, each in a fork.

What writes PDFs keeps threads of its own, which a fork of the test run would wait for for ever.
This process never does any work itself: each fork of it starts clean, as a new worker does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, TypeAlias

from django.db import connection

# A function by its dotted name, and its arguments by name; ids as text.
Named: TypeAlias = tuple[str, dict[str, str]]


class Stem:
    """``burn`` as in ``fuse``, for work that is named. ``close`` ends the process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.stem", connection.settings_dict["NAME"]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def burn(self, work: Named, *, at: int, reads: bool = False) -> bool:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps([*work, at, reads]) + "\n")
        self._process.stdin.flush()
        died, message = json.loads(self._process.stdout.readline())
        assert not message, message
        return bool(died)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)


def _serve(database: str) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.db import connections
    from django.utils.module_loading import import_string

    from tests.faults.fuse import burn

    connections["default"].settings_dict["NAME"] = database
    settings.POKE_ENABLED = False
    for line in sys.stdin:
        name, named, at, reads = json.loads(line)
        answer: list[Any] = [False, ""]
        try:
            answer[0] = burn(lambda name=name, named=named: import_string(name)(**named), at=at, reads=reads)
        except AssertionError as error:
            answer[1] = str(error) or "failed"
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve(sys.argv[1])
