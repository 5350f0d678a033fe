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
    if isinstance(said, TranslatedError) or strings.knows(said):
        return join(text)
    return element("span", text, lang="en")


def _written(said: ArtsimError | str, strings: Strings) -> str:
    text = strings.error(said)
    return capitalized(text) if strings.error_begins(said) else text


def capitalized(text: str) -> str:
    """With a capital, unless it starts with a name such as k."""
    return text if text[1:2] == " " else text[:1].upper() + text[1:]
