"""Exceptions, one type per thing a caller can act on. Each message says what went wrong, with what, and what to do."""

from __future__ import annotations

from typing import Any

from artsim.messages.message import Message


class ArtsimError(Exception):
    """Base of all errors that artsim raises for users; the commands and the app show them without a traceback.

    `QueryError("There is no work {work!r}.", work=identity)`: errors that visitors may see keep template and values
    apart, so that the app can translate them.
    """

    message: Message

    def __init__(self, message: str, /, **values: Any) -> None:
        arguments = {name: value.message if isinstance(value, ArtsimError) else value for name, value in values.items()}
        self.message = message if isinstance(message, Message) and not values else Message(message, **arguments)
        super().__init__(str(self.message))


class ImageError(ArtsimError):
    """A picture cannot be read: not an image, damaged, too large."""


class SourceError(ArtsimError):
    """Works cannot be read from the given source."""


class EncoderError(ArtsimError):
    """A model cannot be loaded, or does not support the operation."""


class TrainingError(ArtsimError):
    """An encoder cannot be fine-tuned: too few labels, or a folder that holds something else."""


class CollectionError(ArtsimError):
    """A saved collection is missing, damaged, or does not support the operation."""


class QueryError(ArtsimError):
    """A search request is invalid: k out of range, unknown column, no such work."""


class HubError(ArtsimError):
    """The Hugging Face Hub refuses a request, cannot be reached, or lacks the requested item."""
