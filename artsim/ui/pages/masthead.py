"""Masthead of every page: collection, navigation, language menu and light/dark switch."""

from __future__ import annotations

from markupsafe import Markup

from artsim.messages.strings import languages
from artsim.ui.addresses import search_address
from artsim.ui.context import Context
from artsim.ui.pages.registry import Entry, entries
from artsim.ui.search_form import LONGEST_TEXT
from artsim.ui.templates import render


def masthead(context: Context, here: str) -> Markup:
    """`here`: name of the current page."""
    strings = context.strings
    navigation = [Entry("search", strings("nav.search")), *entries(context, here)]
    return render(
        "pages/masthead.html",
        strings,
        collection=context.collection,
        here=here,
        home=search_address(strings.language),
        languages=languages(),
        longest_text=LONGEST_TEXT,
        navigation=navigation,
        section=next((entry for entry in navigation if here in entry.pages), None),
    )
