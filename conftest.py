"""Options of the whole test run, what the fault tests took, and the end of its servers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.services import stop_services


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--promise", action="append", default=[], metavar="P39",
        help="run only the tests named after this promise (may be repeated)",
    )


# Where single tests take longest. They are handed out first, so that no worker waits for the other at the end.
LONGEST = ("tests/sweeps/", "tests/faults/", "tests/lockbox/")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
    wanted = {name.upper() for name in config.getoption("--promise")}
    if not wanted:
        return
    keep = [i for i in items if wanted & {str(a) for m in i.iter_markers("promise") for a in m.args}]
    config.hook.pytest_deselected(items=[item for item in items if item not in keep])
    items[:] = keep


# Killing, starving and lying may take so many seconds in one `.ci/run`, long forms included.
FAULT_SECONDS_MOST = 300
# Where `.ci/run` has each of its runs write what they took, one number a line.
FAULT_SECONDS_FILE = "FAULT_SECONDS_FILE"


def _fault_seconds(reporter: Any) -> tuple[int, float]:
    """How many fault tests ran, and the seconds that they took, making of their scenes included."""
    reports = [
        one for found in reporter.stats.values() for one in found
        if isinstance(one, pytest.TestReport) and one.nodeid.startswith("tests/faults/")
    ]
    return len({one.nodeid for one in reports}), sum(one.duration for one in reports)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In `.ci/run`: fails the run in which the fault tests of all runs together have become too slow.

    What two workers do side by side takes half as long.
    """
    reporter, kept = session.config.pluginmanager.get_plugin("terminalreporter"), os.environ.get(FAULT_SECONDS_FILE)
    if reporter is None or not kept or hasattr(session.config, "workerinput"):
        return
    workers = getattr(session.config.option, "numprocesses", None) or 1
    with Path(kept).open("a+") as file:
        file.write(f"{_fault_seconds(reporter)[1] / workers:.1f}\n")
        file.seek(0)
        spent = sum(float(line) for line in file)
    if spent > FAULT_SECONDS_MOST:
        words = f"\nthe fault tests took {spent:.0f} s in all; the limit is {FAULT_SECONDS_MOST} s"
        reporter.write_line(words, red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How long killing, starving and lying took."""
    tests, seconds = _fault_seconds(terminalreporter)
    if tests:
        terminalreporter.write_line(f"fault tests: {tests} in {seconds:.0f} s of a worker's time")


def pytest_unconfigure(config: pytest.Config) -> None:
    stop_services()
