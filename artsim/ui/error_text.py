"""What went wrong, as it stands on a page: in the visitor's language where there is a translation, else in English."""

from __future__ import annotations

from artsim.errors import ArtsimError, QueryError
from artsim.messages.strings import Strings
from artsim.ui.markup import Markup, element, join


class TranslatedError(QueryError):
    """Said in the visitor's language already."""


def error_text(error: ArtsimError, strings: Strings) -> str:
    """The sentence as text."""
    return _written(error, strings)


def error_markup(said: ArtsimError | str, strings: Strings) -> Markup:
    """The sentence as it stands in HTML, English marked as English."""
    text = _written(said, strings)
    if isinstance(said, TranslatedError) or strings.translates(_message_of(said)):
        return join(text)
    return element("span", text, lang="en")


def _written(said: ArtsimError | str, strings: Strings) -> str:
    message = _message_of(said)
    text = strings.message(message)
    return capitalized(text) if strings.begins_with_words(message) else text


def _message_of(said: ArtsimError | str) -> str:
    return said.message if isinstance(said, ArtsimError) else said


def capitalized(text: str) -> str:
    """With a capital, unless it starts with a name such as k."""
    return text if text[1:2] == " " else text[:1].upper() + text[1:]
