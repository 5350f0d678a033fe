"""Error messages for pages: in the visitor's language if there is a translation, otherwise in English."""

from __future__ import annotations

import logging

from markupsafe import Markup, escape

from artsim.errors import ArtsimError, BusyError, ImageError, QueryError
from artsim.messages.strings import Strings
from artsim.ui.context import Context
from artsim.ui.templates import render

log = logging.getLogger(__name__)


def error_text(error: ArtsimError, strings: Strings) -> str:
    """The message as plain text."""
    text = strings.message(error.message)
    return capitalized(text) if strings.begins_with_words(error.message) else text


def error_markup(error: ArtsimError, strings: Strings) -> Markup:
    """The message as HTML, with the code of the error; untranslated English is marked as English."""
    text, translated = error_text(error, strings), strings.translates(error.message)
    return render("error_text.html", strings, code=error.code, text=text, translated=translated)


def shown_error(error: ArtsimError, context: Context) -> Markup:
    """The message for a visitor. What is about files, models or the network is told to the owner only."""
    if isinstance(error, ImageError) and "reason" in error.message.values and not context.is_owner:
        return escape(context.strings("notice.damaged"))  # without the decoder's words
    if isinstance(error, QueryError | ImageError | BusyError) or context.is_owner:
        return error_markup(error, context.strings)
    log.warning("A visitor was told that something went wrong: %s", error)
    return escape(context.strings("notice.internal"))


def capitalized(text: str) -> str:
    """`text` with a capital, unless it starts with a one-letter name such as k."""
    return text if text[1:2] == " " else text[:1].upper() + text[1:]
