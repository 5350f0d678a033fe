"""JSON logging: one object per line, whatever is logged."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from artsim.errors import EncoderError
from artsim.ui.http.json_log import JsonFormatter, shared_fields


@pytest.fixture
def logged() -> Iterator[tuple[logging.Logger, Callable[[], dict[str, Any]]]]:
    """A logger, and the last line that it wrote."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("artsim.tried")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield logger, lambda: json.loads(stream.getvalue().splitlines()[-1])
    logger.removeHandler(handler)


def test_whatever_is_logged_is_one_object(logged: tuple[logging.Logger, Callable[[], dict[str, Any]]]) -> None:
    log, last = logged
    log.info("Two\nlines, “quoted” and %s", "filled in")
    line = last()
    assert line["message"] == "Two\nlines, “quoted” and filled in"
    assert (line["level"], line["logger"]) == ("info", "artsim.tried")
    assert line["time"].endswith("+00:00")
    try:
        raise KeyError("nothing")
    except KeyError:
        log.exception("It failed.")
    line = last()
    assert line["error"] == "KeyError" and "Traceback" in line["traceback"] and line["message"] == "It failed."
    token = shared_fields.set({"request_id": "abc"})
    log.info("Within", extra={"fields": {"status": 200}})
    line = last()
    assert (line["request_id"], line["status"]) == ("abc", 200)
    shared_fields.reset(token)
    log.info("After")
    assert "request_id" not in last()
    log.error("The encoder cannot be loaded: %s", EncoderError("There is no such model."))
    line = last()
    assert (line["code"], line["message"]) == ("encoder", "The encoder cannot be loaded: There is no such model.")
