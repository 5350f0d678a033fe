"""`/collection`: the owner's page, to add, edit, remove, save and publish works."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from artsim.images.other_files import HEAD
from artsim.messages.strings import Strings
from artsim.ui.auth import OwnerTools, is_same_origin
from artsim.ui.context import Context
from artsim.ui.http.request_bodies import UPLOAD_MB
from artsim.ui.labels import label_of
from artsim.ui.language import language_of
from artsim.ui.owner.routes import owner_routes
from artsim.ui.owner.works import work_form, works_list
from artsim.ui.pages.layout import error_page, page, view

_PAGE = "collection"
_STYLES = ("collection.css",)
_LICENCES = (
    "unknown", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nd-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0",
    "cc-by-nc-nd-4.0", "pddl", "other",
)  # fmt: skip
"""Licence ids of the Hub."""


def routes(context: Context) -> list[Route]:
    owner_tools = context.owner_tools
    if owner_tools is None:
        return []

    def show(localized: Context, request: Request) -> Response:
        if not owner_tools.owner.admits(request):
            return _denied(localized, owner_tools)
        if identity := request.query_params.get("work"):
            work = localized.collection.work(identity)
            values = work_form(localized, request, work)
            return _own_page(localized, owner_tools, request, "work", title=label_of(work).title, **values)
        values = _page_values(localized, owner_tools) | works_list(localized, request)
        return _own_page(localized, owner_tools, request, "page", title=localized.strings("nav.collection"), **values)

    async def log_in(request: Request) -> Response:
        if not is_same_origin(request):
            return JSONResponse({"error": context.strings("collection.refused")}, 403)
        localized = context.for_visitor(language_of(request), request)
        owner, address = owner_tools.owner, "" if request.client is None else request.client.host
        if wait := owner.pace.seconds_to_wait(address):  # not even the right secret: else guesses would not be slowed
            answer = _log_in_page(localized, localized.strings("collection.login.wait", seconds=wait), status=429)
            answer.headers["Retry-After"] = str(wait)
            return answer
        form = await request.form(max_files=0, max_fields=5)
        response = RedirectResponse(f"../{_PAGE}", status_code=303)
        is_right = owner.log_in(request, str(form.get("secret", "")), response)
        owner.pace.note(address, right=is_right)
        if is_right:
            return response
        return _log_in_page(localized, localized.strings("collection.login.wrong"), status=403)

    async def log_out(request: Request) -> Response:
        response = RedirectResponse(f"../{_PAGE}", status_code=303)
        if is_same_origin(request):
            owner_tools.owner.log_out(request, response)
        return response

    return [
        Route(f"/{_PAGE}", view(context, _PAGE, show)),
        Route(f"/{_PAGE}/login", log_in, methods=["POST"]),
        Route(f"/{_PAGE}/logout", log_out, methods=["POST"]),
        *owner_routes(context, owner_tools, upload_bytes=UPLOAD_MB * 2**20),
    ]


def _denied(context: Context, owner_tools: OwnerTools) -> Response:
    if owner_tools.owner.logs_in:
        return _log_in_page(context)
    return error_page(context, _PAGE, context.strings("collection.refused"), status=403)


def _log_in_page(context: Context, problem: str = "", *, status: int = 200) -> Response:
    title = context.strings("collection.login.title")
    return page(
        context, _PAGE, "owner/login.html", title=title, styles=_STYLES, status=status, problem=problem
    )  # fmt: skip


def _own_page(
    context: Context, owner_tools: OwnerTools, request: Request, template: str, *, title: str, **values: Any
) -> Response:
    facts = {
        "strings": context.strings.starting_with("collection.js."),
        "group": context.strings("number.group"),
        "pageKey": owner_tools.owner.page_key(request),
        "key": owner_tools.key,
        "headBytes": HEAD,
    }
    return page(
        context, _PAGE, f"owner/{template}.html", title=title, scripts=("collection.js",), styles=_STYLES, facts=facts, **values
    )  # fmt: skip


def _page_values(context: Context, owner_tools: OwnerTools) -> dict[str, Any]:
    licence, session = context.collection.manifest.license, owner_tools.session
    licences = _LICENCES if licence in _LICENCES else (licence, *_LICENCES)
    return {
        "storage_note": _storage_note(context, owner_tools),
        "upload_mb": UPLOAD_MB,
        "licences": [(name, name) for name in licences],
        "library": session.library,
        "entries": _library_entries(context.strings, owner_tools),
        "opened": session.own,
        "logs_in": owner_tools.owner.logs_in,
    }


def _storage_note(context: Context, owner_tools: OwnerTools) -> str:
    strings, session = context.strings, owner_tools.session
    if session.is_copied:
        return strings("collection.kept.copy", folder=session.library.home)
    key = "collection.kept.own" if session.own is not None else "collection.kept.folder"
    return strings(key, folder=context.collection.folder)


def _library_entries(strings: Strings, owner_tools: OwnerTools) -> list[tuple[str | None, str, str]]:
    """(name, title, problem) of the requested collection, whose name is None, and of the own ones."""
    session = owner_tools.session
    requested = session.requested or strings("collection.shelf.default")
    entries: list[tuple[str | None, str, str]] = [(None, strings("collection.shelf.asked", name=requested), "")]
    for own in session.library.collections():
        count = strings.works(own.works)
        entries.append((own.name, strings("collection.shelf.own", title=own.title, count=count), own.problem))
    return entries
