"""Masthead of every page: collection, navigation, language menu and light/dark switch."""

from __future__ import annotations

from artsim.messages.strings import languages
from artsim.ui.context import Context
from artsim.ui.language import search_address
from artsim.ui.markup import Markup, button, element
from artsim.ui.pages.registry import in_navigation


def masthead(context: Context, here: str) -> Markup:
    """`here`: name of the current page."""
    strings, collection = context.strings, context.collection
    works = strings("header.works", count=strings.number(len(collection)))
    home = search_address(strings.language)
    return element(
        "header",
        element("a", element("span", "artsim", class_="wordmark"), href=home, class_="home",
                aria_label=strings("header.home")),
        element("p", element("span", collection.manifest.title, class_="collection"),
                element("span", works, class_="count")),
        _navigation(context, here, home),
        _languages(context, here),
        button("", class_="theme-switch", data_action="theme", aria_label=strings("header.theme"),
               title=strings("header.theme")),
        class_="masthead",
    )  # fmt: skip


def _navigation(context: Context, here: str, home: str) -> Markup:
    labels = {"search": context.strings("nav.search"), **in_navigation(context)}
    links = [
        element(
            "a", label, href=home if name == "search" else f"./{name}", aria_current="page" if name == here else None
        )
        for name, label in labels.items()
    ]
    return element("nav", *links, aria_label=context.strings("nav.label"))


def _languages(context: Context, here: str) -> Markup:
    strings = context.strings
    options = [
        element("option", name, value=code, lang=code, selected=code == strings.language)
        for code, name in languages().items()
    ]
    address = "./" if here == "search" else None
    return element(
        "select", *options, data_action="language", data_address=address, aria_label=strings("language.label"),
        class_="language", autocomplete="off",
    )  # fmt: skip
