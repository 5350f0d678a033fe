"""Messages: English text that keeps its template and values apart, so that the app can translate it (see `strings`)."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any


class MessageFormatter(Formatter):
    """`str.format` that joins the items of lists and tuples with commas."""

    comma = ", "

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, list | tuple):
            return self.comma.join(self.format_field(item, format_spec) for item in value)
        return str(super().format_field(value, format_spec))


class Message(str):
    """A formatted string that keeps its template and values: `Message("There is no work {work!r}.", work=identity)`.

    A template without values is used verbatim, braces included. A value may itself be a `Message`.
    """

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Message:
        message = super().__new__(cls, MessageFormatter().format(template, **values) if values else template)
        message.template, message.values = template, values
        return message


class Translated(Message):
    """A sentence that is in the visitor's language already: `QueryError(Translated(strings("compare.same")))`."""
