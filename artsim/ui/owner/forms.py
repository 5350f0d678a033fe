"""Forms of the owner's page: add works, describe the collection, publish it, open another one."""

from __future__ import annotations

from typing import Any

from artsim.curation.library import OwnCollection
from artsim.messages.strings import Strings
from artsim.ui.auth import OwnerTools
from artsim.ui.context import Context
from artsim.ui.http.request_bodies import UPLOAD_MB
from artsim.ui.markup import Markup, button, element, join

PAGE = "collection"
"""Name of the owner's page in its address."""
LICENCES = (
    "unknown", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nd-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0",
    "cc-by-nc-nd-4.0", "pddl", "other",
)  # fmt: skip
"""Licence ids of the Hub."""


def adding(strings: Strings, *, can_add: bool) -> Markup:
    where = element(
        "fieldset",
        element("legend", strings("collection.add.where")),
        _choice("where", "here", strings("collection.add.here"), checked=can_add, disabled=not can_add),
        _choice("where", "new", strings("collection.add.new"), checked=not can_add),
        element("p", field("title", strings("collection.add.new.title"), maxlength=200, autocomplete="off"),
                element("span", strings("collection.add.new.text"), class_="fine"), id="new-title", hidden=can_add),
        class_="where",
    )  # fmt: skip
    drop = element(
        "div",
        element("p", strings("collection.add.drop"), class_="drop-title with-mouse"),
        element("div",
            button(strings("collection.add.files"), class_="primary", data_action="files"),
            button(strings("collection.add.folder"), class_="plain with-mouse", data_action="folder"),
            class_="drop-buttons"),
        element("p", strings("collection.add.text", limit=UPLOAD_MB), class_="fine"),
        class_="drop", id="drop",
    )  # fmt: skip
    unseen = {"class_": "unseen", "tabindex": "-1", "multiple": True, "type": "file"}
    return element(
        "section",
        element("h2", strings("collection.add.title"), id="adding-title"),
        where,
        drop,
        element("input", **unseen, id="files", aria_label=strings("collection.add.files")),
        element("input", **unseen, id="folder", webkitdirectory=True, aria_label=strings("collection.add.folder")),
        element("div", id="intake", hidden=True),
        aria_labelledby="adding-title",
        class_="adding",
    )


def _choice(name: str, value: str, label: str, **attributes: Any) -> Markup:
    return element("label", element("input", type="radio", name=name, value=value, **attributes), " ", label)


def field(name: str, label: str, *, value: str = "", type: str = "text", **attributes: Any) -> Markup:
    return element(
        "label", element("span", label), element("input", name=name, type=type, value=value or None, **attributes),
        class_="field",
    )  # fmt: skip


def describing(context: Context) -> Markup:
    strings, manifest = context.strings, context.collection.manifest
    return _section(
        "about",
        strings("collection.about.title"),
        element("form",
            field("title", strings("collection.about.name"), value=manifest.title, required=True, maxlength=200),
            element("label", element("span", strings("collection.about.description")),
                    element("textarea", "\n" + (manifest.source.get("description") or ""), name="description", rows=3),
                    class_="field"),
            field("homepage", strings("collection.about.homepage"), value=manifest.source.get("homepage") or "",
                   type="url"),
            _licence(strings, manifest.license),
            element("div", element("button", strings("collection.about.save"), type="submit", class_="plain"),
                    class_="form-buttons"),
            id="about-collection", class_="own-form"),
    )  # fmt: skip


def _licence(strings: Strings, chosen: str) -> Markup:
    offered = LICENCES if chosen in LICENCES else (chosen, *LICENCES)
    options = [element("option", name, value=name, selected=name == chosen) for name in offered]
    return element(
        "label", element("span", strings("collection.about.licence")), element("select", *options, name="license"),
        class_="field",
    )  # fmt: skip


def publishing(context: Context) -> Markup:
    strings = context.strings
    return _section(
        "publish",
        strings("collection.publish.title"),
        element("p", strings("collection.publish.text")),
        element("form",
            field("repo", strings("collection.publish.repo"), required=True, autocomplete="off", spellcheck="false",
                   placeholder=strings("collection.publish.example")),
            _licence(strings, context.collection.manifest.license),
            element("p", element("label", element("input", type="checkbox", name="private"), " ",
                                 strings("collection.publish.private"))),
            field("token", strings("collection.publish.token"), type="password", autocomplete="off"),
            element("p", strings("collection.publish.token.text"), class_="fine"),
            element("div", element("button", strings("collection.publish.button"), type="submit", class_="plain"),
                    class_="form-buttons"),
            id="publish", class_="own-form"),
        element("div", id="publication", role="status"),
    )  # fmt: skip


def library(context: Context, owner_tools: OwnerTools) -> Markup:
    strings, session = context.strings, owner_tools.session
    requested = session.requested or strings("collection.shelf.default")
    rows = [
        _library_entry(strings, None, strings("collection.shelf.asked", name=requested), is_open=session.own is None)
    ]
    rows += [
        _library_entry(
            strings, own.name, _own_title(own, strings), is_open=own.name == session.own, problem=own.problem
        )
        for own in session.library.collections()
    ]
    return _section(
        "places",
        strings("collection.shelf.title"),
        element("p", strings("collection.shelf.text", folder=session.library.home)),
        element("ul", *rows, class_="shelf", id="shelf"),
        element("p", id="opening", role="status", hidden=True),
    )


def _own_title(own: OwnCollection, strings: Strings) -> str:
    return strings(
        "collection.shelf.own", title=own.title, count=strings("header.works", count=strings.number(own.works))
    )


def _library_entry(strings: Strings, name: str | None, title: str, *, is_open: bool, problem: str = "") -> Markup:
    label = strings("collection.shelf.open.one", title=title)
    action = (
        element("strong", strings("collection.shelf.here"))
        if is_open
        else button(strings("collection.shelf.open"), class_="plain", data_open_own=name or "", aria_label=label,
                    disabled=bool(problem))
    )  # fmt: skip
    return element(
        "li",
        element("span", title, element("span", strings.message(problem), class_="fine") if problem else ""),
        action,
    )


def leaving(strings: Strings) -> Markup:
    leave = element("button", strings("collection.logout"), type="submit", class_="link")
    return element("form", leave, method="post", action=f"./{PAGE}/logout")


def _section(name: str, title: str, *content: Markup) -> Markup:
    return element("section", element("h2", title, id=f"{name}-title"), join(*content), aria_labelledby=f"{name}-title")
