"""Conversion of metadata values to editable text and back, by column type."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from artsim.errors import QueryError
from artsim.messages.message import Message

KINDS = ("text", "number", "whole number", "yes or no", "list")
"""The kinds that `kind_of` returns."""
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")


def kind_of(column: pa.DataType) -> str | None:
    """The kind of values in a column, one of `KINDS`; None if they cannot be written as text."""
    if pa.types.is_string(column) or pa.types.is_large_string(column):
        return "text"
    if pa.types.is_boolean(column):
        return "yes or no"
    if pa.types.is_integer(column):
        return "whole number"
    if pa.types.is_floating(column):
        return "number"
    if pa.types.is_list(column) or pa.types.is_large_list(column):
        return "list" if kind_of(column.value_type) in ("text", "number", "whole number") else None
    return None


def write_value(value: Any) -> str:
    """A value as text that `read_value` can parse; a list has one item per line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "\n".join(write_value(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def read_value(text: str, column: pa.DataType, name: str) -> Any:
    """Parse `text` as a value of the type `column`; None if empty ([] for a list). `QueryError` if it does not fit."""
    text = text.replace("\r\n", "\n").strip()
    kind = kind_of(column)
    if kind is None:
        raise QueryError(
            "The column {column} cannot be edited here: its values are {kind}.", column=name, kind=str(column)
        )
    if kind == "list":
        return [read_value(line, column.value_type, name) for line in text.splitlines() if line.strip()]
    if not text:
        return None
    if kind == "text":
        return text
    if kind == "yes or no":
        if text.lower() not in (*_YES, *_NO):
            raise QueryError("{column} is yes or no, not {text!r}.", column=name, text=text)
        return text.lower() in _YES
    try:
        value = int(text) if kind == "whole number" else float(text)
        pa.scalar(value, column)  # raises if the type has no room for it
    except (ValueError, pa.ArrowException, OverflowError):
        raise QueryError("{column} is a {kind}, not {text!r}.", column=name, kind=Message(kind), text=text) from None
    return value
