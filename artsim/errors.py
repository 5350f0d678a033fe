"""Exceptions, one type per thing a caller can act on. Each message says what went wrong, with what, and what to do."""

from __future__ import annotations

from typing import Any, ClassVar

from artsim.messages.message import Message


class ArtsimError(Exception):
    """Base of all errors that artsim raises for users; the commands and the app show them without a traceback.

    `QueryError("There is no work {work!r}.", work=identity)`: errors that visitors may see keep template and values
    apart, so that the app can translate them. `code` names the class for programs: in pages, answers of the API and logs.
    """

    code: ClassVar[str] = "error"
    message: Message

    def __init__(self, message: str, /, **values: Any) -> None:
        arguments = {name: value.message if isinstance(value, ArtsimError) else value for name, value in values.items()}
        self.message = message if isinstance(message, Message) and not values else Message(message, **arguments)
        super().__init__(str(self.message))


class ImageError(ArtsimError):
    """A picture cannot be read: not an image, damaged, too large."""

    code = "image"


class SourceError(ArtsimError):
    """Works cannot be read from the given source."""

    code = "source"


class EncoderError(ArtsimError):
    """A model cannot be loaded, or does not support the operation."""

    code = "encoder"


class TrainingError(ArtsimError):
    """An encoder cannot be fine-tuned: too few labels, or a folder that holds something else."""

    code = "training"


class CollectionError(ArtsimError):
    """A saved collection is missing, damaged, or does not support the operation."""

    code = "collection"


class QueryError(ArtsimError):
    """A search request is invalid: k out of range, unknown column, no such work."""

    code = "query"


class BusyError(ArtsimError):
    """The app has too much to do at the moment: the same request may succeed in a few seconds."""

    code = "busy"


class HubError(ArtsimError):
    """The Hugging Face Hub refuses a request, cannot be reached, or lacks the requested item."""

    code = "hub"
