"""`/collection`: the owner's page, to add, edit, remove, save and publish works."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from artsim.images.decode import EXTENSIONS
from artsim.ui.auth import OwnerTools, is_same_origin
from artsim.ui.context import Context
from artsim.ui.http.request_bodies import UPLOAD_MB
from artsim.ui.labels import label_of
from artsim.ui.markup import Markup, element, join
from artsim.ui.owner.forms import PAGE, adding, describing, field, leaving, library, publishing
from artsim.ui.owner.routes import owner_routes
from artsim.ui.owner.works import work_form, works_list
from artsim.ui.pages.layout import document, error_page, view


def routes(context: Context) -> list[Route]:
    owner_tools = context.owner_tools
    if owner_tools is None:
        return []

    def page(localized: Context, request: Request) -> Response:
        if not owner_tools.owner.admits(request):
            return _denied(localized, owner_tools)
        if identity := request.query_params.get("work"):
            title = label_of(localized.collection.work(identity)).title
            return _document(localized, owner_tools, request, work_form(localized, request, identity), title=title)
        return _page(localized, owner_tools, request)

    async def log_in(request: Request) -> Response:
        if not is_same_origin(request):
            return JSONResponse({"error": context.strings("collection.refused")}, 403)
        form = await request.form(max_files=0, max_fields=5)
        response = RedirectResponse(f"../{PAGE}", status_code=303)
        if owner_tools.owner.log_in(request, str(form.get("secret", "")), response):
            return response
        return _log_in_page(context, context.strings("collection.login.wrong"), status=403)

    async def log_out(request: Request) -> Response:
        response = RedirectResponse(f"../{PAGE}", status_code=303)
        if is_same_origin(request):
            owner_tools.owner.log_out(response)
        return response

    return [
        Route(f"/{PAGE}", view(context, PAGE, page)),
        Route(f"/{PAGE}/login", log_in, methods=["POST"]),
        Route(f"/{PAGE}/logout", log_out, methods=["POST"]),
        *owner_routes(context, owner_tools, upload_bytes=UPLOAD_MB * 2**20),
    ]


def _denied(context: Context, owner_tools: OwnerTools) -> Response:
    if owner_tools.owner.logs_in:
        return _log_in_page(context)
    return error_page(context, PAGE, context.strings("collection.refused"), status=403)


def _log_in_page(context: Context, problem: str = "", *, status: int = 200) -> Response:
    strings = context.strings
    return document(
        context,
        PAGE,
        element("h1", strings("collection.login.title")),
        element("p", strings("collection.login.text"), class_="lead"),
        element("p", problem, class_="notice", role="alert") if problem else "",
        element(
            "form",
            field("secret", strings("collection.login.secret"), type="password", required=True,
                   autocomplete="current-password"),
            element("button", strings("collection.login.button"), type="submit", class_="primary"),
            method="post", action=f"./{PAGE}/login", class_="own-form",
        ),
        title=strings("collection.login.title"),
        styles=("collection.css",),
        status=status,
    )  # fmt: skip


def _page(context: Context, owner_tools: OwnerTools, request: Request) -> Response:
    strings = context.strings
    content = join(
        element("h1", strings("collection.title", title=context.collection.manifest.title)),
        element("p", _storage_note(context, owner_tools), class_="lead", id="kept"),
        element("div", id="unsaved", class_="unsaved", hidden=True),
        element("p", id="trouble", class_="notice", role="alert", hidden=True),
        adding(strings, can_add=context.collection.manifest.has_pictures),
        works_list(context, request),
        describing(context),
        publishing(context),
        library(context, owner_tools),
        leaving(strings) if owner_tools.owner.logs_in else "",
    )
    return _document(context, owner_tools, request, content, title=strings("nav.collection"))


def _document(context: Context, owner_tools: OwnerTools, request: Request, content: Markup, *, title: str) -> Response:
    facts = _facts(context, owner_tools, request)
    return document(
        context, PAGE, content, title=title, scripts=("collection.js",), styles=("collection.css",), facts=facts
    )


def _facts(context: Context, owner_tools: OwnerTools, request: Request) -> dict[str, Any]:
    return {
        "strings": context.strings.starting_with("collection.js."),
        "group": context.strings("number.group"),
        "pageKey": owner_tools.owner.page_key(request),
        "key": owner_tools.key,
        "uploadBytes": UPLOAD_MB * 2**20,
        "pictures": sorted(EXTENSIONS),
        "tables": [".csv", ".jsonl"],
    }


def _storage_note(context: Context, owner_tools: OwnerTools) -> str:
    strings, session = context.strings, owner_tools.session
    if session.is_copied:
        return strings("collection.kept.copy", folder=session.library.home)
    key = "collection.kept.own" if session.own is not None else "collection.kept.folder"
    return strings(key, folder=context.collection.folder)
