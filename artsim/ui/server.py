"""The interface on a port: its routes, its MCP tools, and who watches the requests."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO

import gradio as gr
from starlette.middleware import Middleware

from artsim.ui.api.mcp_tools import finish_tools
from artsim.ui.context import Context
from artsim.ui.gradio_overrides.refresh import Following
from artsim.ui.gradio_overrides.stylesheets import STYLES, Styled
from artsim.ui.http.json_log import adopt_server_logs
from artsim.ui.http.metrics import metrics_route, start_metrics
from artsim.ui.http.request_bodies import keep_uploads_on_disk
from artsim.ui.http.routes import extra_routes, middleware
from artsim.ui.http.traffic import Traffic, Watcher, log_exchange
from artsim.ui.interface import build_interface, launch_options
from artsim.ui.settings import Settings


def launch(context: Context, settings: Settings) -> gr.Blocks:
    """The interface, answering at its `local_url`; `close()` ends that."""
    routes = extra_routes(context)
    watchers: list[Watcher] = []
    if settings.metrics:
        metrics = start_metrics(context)
        routes.append(metrics_route(metrics))
        watchers.append(metrics.seen)
    if settings.log_format == "json":
        watchers.append(log_exchange)
    passed = [Middleware(Traffic, watchers=watchers), *middleware(), Middleware(Styled, styles=STYLES)]
    if context.owner_tools is not None:
        passed.append(Middleware(Following, collection=context.collection))
    keep_uploads_on_disk()
    interface = build_interface(context)
    with redirect_stdout(StringIO()):  # Gradio announces its MCP server even when it is told to be quiet
        interface.launch(
            server_name=settings.host,
            server_port=settings.port,
            prevent_thread_lock=True,
            app_kwargs={"routes": routes, "middleware": passed},
            **launch_options(context),
        )
    finish_tools(interface, context)
    if settings.log_format == "json":
        adopt_server_logs()
    return interface
