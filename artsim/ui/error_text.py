"""Error messages for pages: in the visitor's language if there is a translation, otherwise in English."""

from __future__ import annotations

from markupsafe import Markup

from artsim.errors import ArtsimError
from artsim.messages.strings import Strings
from artsim.ui.templates import render


def error_text(error: ArtsimError | str, strings: Strings) -> str:
    """The message as plain text."""
    message = _message_of(error)
    text = strings.message(message)
    return capitalized(text) if strings.begins_with_words(message) else text


def error_markup(error: ArtsimError | str, strings: Strings) -> Markup:
    """The message as HTML, with the code of the error; untranslated English is marked as English."""
    code = error.code if isinstance(error, ArtsimError) else ""
    translated = strings.translates(_message_of(error))
    return render("error_text.html", strings, code=code, text=error_text(error, strings), translated=translated)


def _message_of(error: ArtsimError | str) -> str:
    return error.message if isinstance(error, ArtsimError) else error


def capitalized(text: str) -> str:
    """`text` with a capital, unless it starts with a one-letter name such as k."""
    return text if text[1:2] == " " else text[:1].upper() + text[1:]
