"""HTML of the query panel: query parts, controls to add one, the camera dialog and the crop dialog."""

from __future__ import annotations

from artsim.messages.strings import Strings
from artsim.ui.markup import Markup, button, element
from artsim.ui.search_form import LONGEST_TEXT

_FILES = "image/*,.tif,.tiff,.avif"
_CORNERS = ("nw", "n", "ne", "e", "se", "s", "sw", "w")


def query_markup(strings: Strings, *, reads_words: bool) -> Markup:
    """`reads_words`: show the text box at once; otherwise the page shows it once the encoder is known to embed text."""
    parts = element("ul", class_="tray", aria_label=strings("query.parts"), hidden=True)
    note = element("p", "", class_="query-note", role="status")
    return element(
        "section",
        parts,
        _drop(strings),
        _words(strings, shown=reads_words),
        note,
        button(strings("query.settings"), class_="settings", data_act="settings", aria_expanded="false"),
        element("template", _part(strings)),
        _camera(strings),
        _crop(strings),
        class_="query", aria_label=strings("query.label"),
    )  # fmt: skip


def _drop(strings: Strings) -> Markup:
    file = element("input", type="file", accept=_FILES, multiple=True, class_="unseen", tabindex="-1",
                   aria_label=strings("query.choose"))  # fmt: skip
    return element(
        "div",
        file,
        element("p", strings("query.drop"), class_="drop-title with-mouse"),
        element("p", strings("query.drop.touch"), class_="drop-title with-touch"),
        element("p", strings("query.paste"), class_="drop-hint with-mouse"),
        element("div",
            button(strings("query.choose"), class_="plain when-empty", data_action="choose"),
            button(strings("query.new"), class_="plain when-filled", data_action="choose"),
            button(strings("query.add"), class_="plain when-filled", data_action="add"),
            button(strings("query.camera"), class_="plain", data_action="camera", hidden=True),
            class_="drop-buttons"),
        class_="drop",
    )  # fmt: skip


def _words(strings: Strings, *, shown: bool) -> Markup:
    label = strings("query.text")
    return element(
        "div",
        element("label", element("span", label, class_="field-label"),
            element("input", type="text", placeholder=strings("query.text.placeholder"), maxlength=LONGEST_TEXT,
                    enterkeyhint="search", autocomplete="off")),
        button(strings("query.text.add"), class_="plain", data_action="words"),
        class_="words", hidden=not shown,
    )  # fmt: skip


def _part(strings: Strings) -> Markup:
    """Template of a query part; the page's script fills it in."""
    sign = element(
        "span",
        button(strings("part.for"), data_part="for", aria_pressed="true"),
        button(strings("part.against"), data_part="against", aria_pressed="false"),
        class_="part-sign", role="group", aria_label=strings("part.sign"),
    )  # fmt: skip
    weight = element(
        "label",
        element("span", strings("part.weight")),
        element("input", type="range", min="0.1", max="2", step="0.1", value="1"),
        element("output", "1"),
        class_="part-weight",
    )
    return element(
        "li",
        element("span",
            element("span",
                element("img", alt="", decoding="async"),
                element("span", class_="frame-box", hidden=True),
                class_="part-picture"),
            class_="part-wall"),
        element("div",
            element("span", "", class_="part-name", data_upload=strings("query.yours")),
            element("div",
                sign,
                button(strings("part.crop"), class_="link", data_part="crop"),
                button(strings("part.edit"), class_="link", data_part="edit"),
                button(strings("part.remove"), class_="link", data_part="remove"),
                class_="part-ways"),
            weight,
            class_="part-body"),
        class_="part",
    )  # fmt: skip


def _camera(strings: Strings) -> Markup:
    return element(
        "dialog",
        element("h2", strings("camera.title")),
        element("video", autoplay=True, playsinline=True, muted=True),
        element("div",
            button(strings("camera.snap"), class_="primary", data_action="snap"),
            button(strings("camera.cancel"), class_="plain", data_action="cancel-camera"),
            class_="dialog-buttons"),
        class_="camera", aria_label=strings("camera.title"),
    )  # fmt: skip


def _crop(strings: Strings) -> Markup:
    """The crop dialog. Its frame is one control for the keyboard and has handles for the pointer."""
    frame = element(
        "div",
        *(element("span", data_corner=corner) for corner in _CORNERS),
        class_="crop-frame", tabindex="0", role="application", aria_label=strings("crop.frame"),
        aria_describedby="crop-keys",
    )  # fmt: skip
    return element(
        "dialog",
        element("h2", strings("crop.title")),
        element("div", element("div", element("img", alt=""), frame, class_="crop-picture"), class_="crop-stage"),
        element("p", strings("crop.keys"), id="crop-keys", class_="fine"),
        element("output", "", class_="crop-said"),
        element("div",
            button(strings("crop.use"), class_="primary", data_action="use-crop"),
            button(strings("crop.whole"), class_="plain", data_action="whole"),
            button(strings("crop.cancel"), class_="plain", data_action="cancel-crop"),
            class_="dialog-buttons"),
        class_="crop", aria_label=strings("crop.title"),
    )  # fmt: skip
