"""JSON of strangers, whose texts can be stored."""

from __future__ import annotations

import json
from typing import Any


def read_json(text: str) -> Any:
    r"""The value that a JSON text says. Raises `ValueError`, or `RecursionError` if it is nested too deep.

    An escape can stand for half a character (`\ud800`), which no file can hold: it becomes a question mark.
    """
    value = json.loads(text)
    if "\\ud" in text.lower():
        value = json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    return value
