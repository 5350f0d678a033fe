"""The page: header, tabs, footer. A tab is one function that lays itself out; add it to `_TABS`."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from artsim.search import PRESETS
from artsim.ui.about import about
from artsim.ui.components import read_script
from artsim.ui.context import Context
from artsim.ui.endpoints import add_endpoints
from artsim.ui.markup import button, element
from artsim.ui.search_tab import search_tab
from artsim.ui.theme import build_theme, style_address

UPLOAD_MB = 30
_UPLOADS_KEPT = (1800, 3600)  # seconds: how often uploads are looked through, and how old the deleted ones are


def build_interface(context: Context) -> gr.Blocks:
    """The whole page, not yet on any port; `launch_options` belong to it."""
    title = context.strings("page.title", collection=context.collection.manifest.title)
    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=_UPLOADS_KEPT, fill_width=True) as blocks:
        gr.HTML(_header(context), apply_default_css=False, elem_id="masthead")
        gr.HTML(_intro(context), apply_default_css=False, elem_id="intro")
        words = search_tab(context)
        gr.HTML(about(context), apply_default_css=False, elem_id="about")
        status = gr.HTML("", html_template="", js_on_load=read_script("status.js"), elem_id="status")
        status.reads_words(
            lambda: gr.Textbox(visible=True), None, words, api_visibility="private", show_progress="hidden"
        )
        add_endpoints(context)
    return blocks


def launch_options(context: Context) -> dict[str, Any]:
    """Look and limits, as `gr.Blocks.launch` takes them."""
    return {
        "theme": build_theme(),
        "head": _head(context),
        "max_file_size": UPLOAD_MB * 1024 * 1024,
        "allowed_paths": [],
        "strict_cors": True,
        "show_error": False,
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "pwa": False,
        "share": False,
        "quiet": True,
    }


def _head(context: Context) -> str:
    """The page's own script, with the sentences and numbers that it needs."""
    facts = {
        "strings": context.strings.starting_with("js."),
        "encoderLoading": context.strings("encoder.loading"),
        "encoderFailed": context.strings("encoder.failed", reason="{reason}"),
        "dialog": {name: context.strings(f"detail.{name}") for name in ("close", "previous", "next")},
        "presets": {name: [weights.get(aspect, 0) for aspect in context.aspects] for name, weights in PRESETS.items()},
        "uploadMegabytes": UPLOAD_MB,
    }
    written = json.dumps(facts, ensure_ascii=True).replace("<", "\\u003c")
    style = f'<link rel="stylesheet" href="{style_address()}">'
    return f"{style}<script>window.artsim = {written};\n{read_script('page.js')}</script>"


def _header(context: Context) -> str:
    strings, collection = context.strings, context.collection
    works = strings("header.works", count=strings.number(len(collection)))
    return element(
        "header",
        element("a", element("span", "artsim", class_="wordmark"), href="./", class_="home",
                aria_label=strings("header.home")),
        element("p", element("span", collection.manifest.title, class_="collection"),
                element("span", works, class_="count")),
        button("", class_="theme-switch", data_action="theme", aria_label=strings("header.theme"),
               title=strings("header.theme")),
        class_="masthead",
    )  # fmt: skip


def _intro(context: Context) -> str:
    strings = context.strings
    return element(
        "section", element("h1", strings("intro.title")), element("p", strings("intro.text")), class_="intro"
    )
