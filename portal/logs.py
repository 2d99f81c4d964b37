"""Log lines as JSON, with nothing in them that a person typed (working rule: no PHI in logs).

An exception is logged by its type and where it was raised, never by its text: messages of
libraries quote the data that broke them.
"""

from __future__ import annotations

import json
import logging
import traceback

from portal.context import request_id

_CODE_EVENTS = ("portal", "records", "billing", "consults", "privacy")

# What Celery puts into its lines about a task as ready-made text: the exception's words, arguments, result.
_TASK_WORDS = frozenset({"exc", "traceback", "args", "kwargs", "return_value"})


class NoPhiFilter(logging.Filter):
    """Replaces exception text by type and place, and drops request objects and bodies."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[0] is not None:
            kind, _error, trace = record.exc_info
            frames = traceback.extract_tb(trace)[-6:]
            record.exc_place = [f"{frame.filename.rsplit('/', 3)[-1]}:{frame.lineno}:{frame.name}" for frame in frames]
            record.exc_kind = f"{kind.__module__}.{kind.__qualname__}"
            record.exc_info = None
            record.exc_text = None
        record.__dict__.pop("request", None)
        if not record.name.startswith(_CODE_EVENTS):
            record.args = _only_plain(record.args)
        return True


def _only_plain(args: object) -> tuple[object, ...] | dict[str, object] | None:
    """Arguments of foreign log lines: numbers and class names stay, exceptions lose their text."""
    if isinstance(args, dict):
        return {key: "-" if key in _TASK_WORDS else _plain(value) for key, value in args.items()}
    if isinstance(args, tuple):
        return tuple(_plain(value) for value in args)
    return None


def _plain(value: object) -> object:
    return type(value).__name__ if isinstance(value, BaseException) else value


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the id of the request or task."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        for name in ("exc_kind", "exc_place"):
            if hasattr(record, name):
                line[name] = getattr(record, name)
        return json.dumps(line, default=str)
