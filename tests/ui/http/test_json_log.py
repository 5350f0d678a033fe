"""JSON logging: one object per line, whatever is logged."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from artsim.errors import EncoderError
from artsim.ui.http.json_log import JsonFormatter, shared_fields

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def logger() -> Iterator[tuple[logging.Logger, Lines]]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("artsim.tried")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield logger, lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)


def test_a_message_of_several_lines_is_one_object(logger: tuple[logging.Logger, Lines]) -> None:
    log, lines = logger
    log.info("Two\nlines, “quoted” and %s", "filled in")
    [line] = lines()
    assert line["message"] == "Two\nlines, “quoted” and filled in"
    assert (line["level"], line["logger"]) == ("info", "artsim.tried")
    assert line["time"].endswith("+00:00")


def test_an_exception_is_named_with_its_traceback(logger: tuple[logging.Logger, Lines]) -> None:
    log, lines = logger
    try:
        raise KeyError("nothing")
    except KeyError:
        log.exception("It failed.")
    [line] = lines()
    assert line["error"] == "KeyError" and "Traceback" in line["traceback"] and line["message"] == "It failed."


def test_fields_of_the_line_and_of_the_context_are_there(logger: tuple[logging.Logger, Lines]) -> None:
    log, lines = logger
    token = shared_fields.set({"request_id": "abc"})
    log.info("Within", extra={"fields": {"status": 200}})
    shared_fields.reset(token)
    log.info("After")
    within, after = lines()
    assert (within["request_id"], within["status"]) == ("abc", 200)
    assert "request_id" not in after


def test_an_error_for_the_user_has_its_code(logger: tuple[logging.Logger, Lines]) -> None:
    log, lines = logger
    log.error("The encoder cannot be loaded: %s", EncoderError("There is no such model."))
    [line] = lines()
    assert (line["code"], line["message"]) == ("encoder", "The encoder cannot be loaded: There is no such model.")
