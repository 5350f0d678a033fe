"""The Gradio interface: the search page in each language, the HTTP API, and their launch with middleware and routes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr
from markupsafe import Markup
from starlette.middleware import Middleware
from starlette.requests import Request

from artsim.messages.strings import languages
from artsim.ui.api.endpoints import add_endpoints
from artsim.ui.api.mcp_tools import finish_tools
from artsim.ui.assets import asset_address, read_script
from artsim.ui.context import Context
from artsim.ui.gradio_overrides.address_guard import GuardedBlocks
from artsim.ui.gradio_overrides.compressed_pages import CompressedPages
from artsim.ui.gradio_overrides.late_app import LateBlocks
from artsim.ui.gradio_overrides.lean_sessions import LeanBlocks
from artsim.ui.gradio_overrides.page_head import STYLES, PageHead
from artsim.ui.gradio_overrides.quiet_launch import launch_quietly
from artsim.ui.gradio_overrides.refresh import Following, following_html
from artsim.ui.gradio_overrides.self_check import reaching_itself
from artsim.ui.gradio_overrides.upload_parser import bound_uploads
from artsim.ui.http.busy import BusyStatus
from artsim.ui.http.errors import error_handlers
from artsim.ui.http.host_check import HostCheck
from artsim.ui.http.json_log import adopt_server_logs
from artsim.ui.http.metrics import metrics_route, start_metrics
from artsim.ui.http.proxy_path import ProxyPath
from artsim.ui.http.request_bodies import UPLOAD_MB
from artsim.ui.http.response_headers import ResponseHeaders
from artsim.ui.http.routes import extra_routes, middleware
from artsim.ui.http.traffic import Traffic, Watcher, log_exchange
from artsim.ui.pages.footer import about
from artsim.ui.pages.masthead import masthead
from artsim.ui.search_page.page import search_page
from artsim.ui.settings import Settings
from artsim.ui.sharing import preview_of_search, sharing
from artsim.ui.theme import build_theme

_SCRIPTS = (
    "theme.js",
    "page.js",
    "connection.js",
    "suggest.js",
    "zoom.js",
    "detail.js",
    "crop.js",
    "actions.js",
    "recognition.js",
)


class _Blocks(GuardedBlocks, LeanBlocks, LateBlocks):
    """The Blocks of the app."""


def build_interface(context: Context) -> gr.Blocks:
    """All Gradio pages, not launched yet: the default language at `/`, each other one at `/CODE`."""
    title = context.strings("page.title", collection=context.collection.manifest.title)
    common: dict[str, Any] = {"analytics_enabled": False, "fill_width": True}
    with _Blocks(title=title, refusal=context.strings("notice.url"), **common) as blocks:
        _search_page(context)
        add_endpoints(context)
    for code, name in languages().items():
        if code != context.strings.language:
            with blocks.route(name, f"/{code}", show_in_navbar=False):
                _search_page(context.in_language(code))
    return blocks


def _search_page(context: Context) -> None:
    gr.Navbar(visible=False)  # the masthead has the navigation
    context = replace(context, is_owner=context.everyone_is_owner)  # it is the same page for all visitors
    following_html(lambda: masthead(context, "search"), elem_id="masthead")
    search_page(context)
    following_html(lambda: about(context), elem_id="about")
    gr.HTML("", html_template="", js_on_load=read_script("status.js"), elem_id="status")


def launch_interface(context: Context, settings: Settings) -> gr.Blocks:
    """Launch the interface; it serves at its `local_url` until `close()`."""
    routes = extra_routes(context)
    watchers: list[Watcher] = []
    if settings.metrics:
        metrics = start_metrics(context)
        routes.append(metrics_route(metrics))
        watchers.append(metrics.seen)
    if settings.log_format == "json":
        watchers.append(log_exchange)
    head = Middleware(PageHead, styles=STYLES, content=_page_head(context))
    passed = [
        Middleware(ProxyPath, routes=tuple(routes), names=languages()),
        Middleware(Traffic, watchers=watchers),
        Middleware(ResponseHeaders, framed_by=settings.framed_by, asked=settings.iiif_hosts),
        *([] if settings.hosts is None else [Middleware(HostCheck, names=settings.hosts)]),
        *middleware(),
        Middleware(BusyStatus, seats=context.seats),
        Middleware(CompressedPages),
        head,
    ]
    if context.can_change:
        passed.append(Middleware(Following, collection=context.collection))
    bound_uploads()
    interface = build_interface(context)
    with reaching_itself():
        launch_quietly(
            interface,
            server_name=settings.host,
            server_port=settings.port,
            prevent_thread_lock=True,
            app_kwargs={"routes": routes, "middleware": passed, "exception_handlers": error_handlers(context)},
            **launch_options(),
        )
    finish_tools(interface, context)
    if settings.log_format == "json":
        adopt_server_logs()
    return interface


def _page_head(context: Context) -> Callable[[Request, str], Markup]:
    """What other sites show of a link to the search, and the messages and numbers that its scripts need."""
    facts = {code: _facts(context.in_language(code)) for code in languages()}

    def content(request: Request, language: str) -> Markup:
        localized = context.in_language(language)
        return sharing(localized, request, preview_of_search(localized, request.url.query)) + facts[language]

    return content


def launch_options() -> dict[str, Any]:
    """Look and limits, as `gr.Blocks.launch` takes them."""
    return {
        "theme": build_theme(),
        "head": _scripts(),
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
        "mcp_server": True,
    }


def _scripts() -> str:
    """The scripts of the search page."""
    return "<script>{}</script>".format("\n".join(read_script(name) for name in _SCRIPTS))


def _facts(context: Context) -> Markup:
    """What the scripts read, in one language: the script that sets it."""
    strings = context.strings
    facts = {
        "language": strings.language,
        "languages": list(languages()),
        "direction": strings.direction,
        "group": strings("number.group"),
        "strings": strings.starting_with("js."),
        "encoderLoading": strings("encoder.loading"),
        "encoderFailed": strings("encoder.failed"),
        "dialog": {name: strings(f"detail.{name}") for name in ("close", "previous", "next")},
        "zoomLabels": {way: strings(f"map.{way}") for way in ("in", "out", "whole")},
        "viewer": asset_address("openseadragon.min.js"),
        "presets": {
            name: [weights.get(aspect, 0) for aspect in context.aspects] for name, weights in context.presets.items()
        },
        "uploadMegabytes": UPLOAD_MB,
    }
    written = json.dumps(facts, ensure_ascii=False).replace("<", "\\u003c")
    return Markup("<script>window.artsimFacts = {};</script>").format(Markup(written))
