"""A task that fails leaves its kind of error and its place in the log, never the error's words (fault 86)."""

from __future__ import annotations

import io
import logging

from celery import Celery
from celery.app.trace import build_tracer

from portal.logs import JsonFormatter, NoPhiFilter


def test_a_failed_task_logs_no_words_of_its_error_and_no_arguments():
    app = Celery("quiet", broker="memory://", set_as_current=False)

    @app.task(name="quiet.fail")
    def fail(*_arguments: str) -> None:
        raise ValueError("marker-ZQX itchy red skin")

    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(NoPhiFilter())
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("celery.app.trace")
    logger.addHandler(handler)
    try:
        trace = build_tracer("quiet.fail", fail, app=app, eager=False)
        trace("some-id", ("marker-ARG",), {}, {"id": "some-id", "args": ["marker-ARG"], "hostname": "here"})
    finally:
        logger.removeHandler(handler)
    line = out.getvalue()
    assert "quiet.fail" in line and "builtins.ValueError" in line and "test_failed_tasks_keep_quiet.py" in line
    assert "marker" not in line and "skin" not in line
