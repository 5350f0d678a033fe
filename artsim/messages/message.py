"""English sentences with their blanks kept apart, so that the app can say them in the visitor's language (ui/strings.py)."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any


class MessageFormatter(Formatter):
    """`str.format` that writes lists and tuples as their items with commas between."""

    comma = ", "

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, list | tuple):
            return self.comma.join(self.format_field(item, format_spec) for item in value)
        return str(super().format_field(value, format_spec))


class Message(str):
    """`Message("There is no work {work!r}.", work=identity)`: the text with its blanks filled in, as any other text.

    A template without values is the text as it stands, braces and all. A value may be a sentence of its own.
    """

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Message:
        message = super().__new__(cls, MessageFormatter().format(template, **values) if values else template)
        message.template, message.values = template, values
        return message
