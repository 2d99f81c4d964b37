"""Options of the whole test run, what the fault tests took, and the end of its servers."""

from __future__ import annotations

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


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How long killing, starving and lying took: all of it together may take five minutes in CI."""
    reports = [
        one for found in terminalreporter.stats.values() for one in found  # making the scene counts as well
        if isinstance(one, pytest.TestReport) and one.nodeid.startswith("tests/faults/")
    ]
    if reports:
        tests, seconds = len({one.nodeid for one in reports}), sum(one.duration for one in reports)
        terminalreporter.write_line(f"fault tests: {tests} in {seconds:.0f} s of a worker's time")


def pytest_unconfigure(config: pytest.Config) -> None:
    stop_services()
