"""JSON logging: one object per line, for log collectors."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from artsim.errors import ArtsimError

log = logging.getLogger(__name__)

_SERVERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


shared_fields: ContextVar[Mapping[str, Any]] = ContextVar("shared_fields", default=MappingProxyType({}))
"""Fields of every JSON log line that is written in this context, such as the id of the current request."""


class JsonFormatter(logging.Formatter):
    """`time`, `level`, `logger`, `message`; `code` of an error that the message names; `error` and `traceback` of an exception;
    the fields of `extra={"fields": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **shared_fields.get(),
            **getattr(record, "fields", {}),
        }
        arguments = record.args if isinstance(record.args, tuple) else ()
        for error in (*arguments, record.exc_info[1] if record.exc_info else None):
            if isinstance(error, ArtsimError):
                line["code"] = error.code
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["traceback"] = "".join(traceback.format_exception(record.exc_info[1]))
        return json.dumps(line, ensure_ascii=False, default=str)


def log_as_json() -> None:
    """Log as JSON to stderr from now on, including libraries, Python's warnings and uncaught exceptions."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    logging.captureWarnings(True)
    sys.excepthook = lambda kind, error, trace: log.critical("The program ended.", exc_info=(kind, error, trace))
    adopt_server_logs()


def logs_as_json() -> bool:
    """Whether `log_as_json` was called."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers)


def adopt_server_logs() -> None:
    """Route Uvicorn's loggers to the root logger again: Uvicorn sets handlers of its own when a server starts."""
    for name in _SERVERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
