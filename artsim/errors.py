"""One exception type per thing a caller can act on. Each message says what went wrong, with what, and what to do."""

from __future__ import annotations

from typing import Any

from artsim.messages.message import Message


class ArtsimError(Exception):
    """Base of all errors that artsim raises for people; shown without a traceback at the edges.

    `QueryError("There is no work {work!r}.", work=identity)`: what visitors meet is raised with its values apart, so that
    the app can say it in their language.
    """

    message: Message

    def __init__(self, message: str, /, **values: Any) -> None:
        said = {name: value.message if isinstance(value, ArtsimError) else value for name, value in values.items()}
        self.message = message if isinstance(message, Message) and not values else Message(message, **said)
        super().__init__(str(self.message))


class ImageError(ArtsimError):
    """A picture cannot be read: not an image, damaged, too large."""


class SourceError(ArtsimError):
    """Works cannot be read from where the user said they are."""


class EncoderError(ArtsimError):
    """A model cannot be loaded, or cannot do what was asked of it."""


class TrainingError(ArtsimError):
    """An encoder cannot be fine-tuned as asked: too few labels, a folder that holds something else."""


class CollectionError(ArtsimError):
    """A saved collection is missing, damaged, or does not fit what is asked."""


class QueryError(ArtsimError):
    """A search cannot be answered as asked: k out of range, unknown column, no such work."""


class HubError(ArtsimError):
    """The Hugging Face Hub refused, cannot be reached, or does not hold what was asked for."""
