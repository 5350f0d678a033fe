"""JSON routes of the owner's page: upload files, change works, save, publish, open another collection.

Every route answers 403 unless the request is the owner's and, if it changes something, comes from a page of this app.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, TypeAdapter, ValidationError, validate_call
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from artsim.curation.ingest_state import IngestState, UploadReport
from artsim.curation.session import EditSession, Publication
from artsim.curation.uploads import Role, UploadTooLarge, clean_name, role_of
from artsim.errors import ArtsimError, ImageError, QueryError
from artsim.images.decode import not_read
from artsim.images.formats import FORMATS
from artsim.images.other_files import HEAD, kind_of_file
from artsim.images.thumbnails import SMALL
from artsim.messages.message import Message, Translated
from artsim.messages.strings import Strings
from artsim.ui.addresses import picture_address
from artsim.ui.auth import OwnerTools
from artsim.ui.context import Context
from artsim.ui.error_text import error_text
from artsim.ui.labels import label_of
from artsim.ui.language import language_of

log = logging.getLogger(__name__)

_SHOWN_REPORTS = 200
_SHOWN_NOTES = 20
_NO_STORE = {"Cache-Control": "no-store"}

_CHANGES = (
    "begin", "announce", "complete", "cancel", "include", "edit", "remove", "describe", "undo", "save", "publish", "open",
)  # fmt: skip
"""Routes that change something, each by the method of the same name."""
_MALFORMED = {
    "files": Message("files must be a list of objects with name, size and head, in base64."),
    "numbers": Message("numbers must be a list of whole numbers."),
    "values": Message("values must be texts by column."),
    "ids": Message("ids must be a list of texts."),
}
_ENDED = Message("Adding has ended. Choose the files again.")
_COUNTS = TypeAdapter(IngestState)
_checked = validate_call(config=ConfigDict(strict=True))


class _File(BaseModel):
    """A file that is going to be sent."""

    name: str
    size: NonNegativeInt
    """Bytes."""
    head: str
    """Its first `HEAD` bytes, in base64."""


def owner_routes(context: Context, owner_tools: OwnerTools, *, upload_bytes: int) -> list[Route]:
    """`upload_bytes`: maximum size of one file."""
    handlers = _OwnerRoutes(context, owner_tools, upload_bytes)
    changes = {name: handlers.change(getattr(handlers, name)) for name in _CHANGES}
    routes = [Route(f"/collection/{name}", endpoint, methods=["POST"]) for name, endpoint in changes.items()]
    state = Route("/collection/state", handlers.state, methods=["GET"])
    return [*routes, state, Route("/collection/file", handlers.receive, methods=["PUT"])]


class _OwnerRoutes:
    def __init__(self, context: Context, owner_tools: OwnerTools, upload_bytes: int) -> None:
        self._context, self._owner_tools, self._upload_bytes = context, owner_tools, upload_bytes
        self._session = owner_tools.session

    def change(self, act: Callable[..., dict[str, Any] | None]) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that calls `act` with the keys of the JSON body and responds with the new state and what it returns."""

        async def endpoint(request: Request) -> Response:
            if not self._owner_tools.owner.may_change(request):
                return self._forbidden(request)
            try:
                body = await request.json()
                if not isinstance(body, dict):
                    raise QueryError("The request must be a JSON object.")
                answer = await asyncio.to_thread(act, **body)
                state = await asyncio.to_thread(self._state, request)
                return JSONResponse({**state, **(answer or {})}, headers=_NO_STORE)
            except ValidationError as error:
                name = str(error.errors()[0]["loc"][0])
                return self._error(
                    request, QueryError(_MALFORMED.get(name, Message("{name} must be a text.", name=name)))
                )
            except ArtsimError as error:
                return self._error(request, error)
            except ValueError:
                return self._error(request, QueryError(Translated("The request must be JSON.")))
            except Exception:
                log.exception("A change of the collection failed.")
                return self._error(request, self._sentence(request, "error.internal"), 500)

        return endpoint

    async def state(self, request: Request) -> Response:
        if not self._owner_tools.owner.admits(request):
            return self._forbidden(request)
        return JSONResponse(await asyncio.to_thread(self._state, request), headers=_NO_STORE)

    async def receive(self, request: Request) -> Response:
        """Receive one file as the body, with its name in the query: a picture to ingest, or a table of metadata."""
        if not self._owner_tools.owner.may_change(request):
            return self._forbidden(request)
        name = clean_name(request.query_params.get("name", ""))
        ingest, upload_folder = self._session.ingest, self._session.upload_folder
        if ingest is None or upload_folder is None or ingest.over:
            return self._error(request, QueryError(_ENDED), 409)
        try:
            size = _declared_size(request)
            self._check_length(name, size)
            path = await asyncio.to_thread(upload_folder.place, size)
            received, head = 0, b""
            with path.open("wb") as file:
                async for chunk in request.stream():
                    head += chunk[: HEAD - len(head)]
                    received += len(chunk)
                    if received > size:
                        raise QueryError("{name} is larger than its declared size.", name=name)
                    file.write(chunk)
            if received < size:
                raise QueryError("{name} did not arrive as a whole.", name=name)
            role = _role(head, name)
        except UploadTooLarge as error:
            ingest.complete()
            ingest.note(error.message)
            return self._error(request, error, 507)
        except (ImageError, QueryError) as error:
            ingest.refuse(name, error.message)
            return JSONResponse({}, headers=_NO_STORE)
        except (ClientDisconnect, OSError) as error:
            ingest.refuse(name, str(error) or Message("{name} did not arrive as a whole.", name=name))
            return JSONResponse({}, headers=_NO_STORE)
        if role == "picture":
            ingest.receive(name, path)
        else:
            upload_folder.keep_table(name, path)
        return JSONResponse({}, headers=_NO_STORE)

    def _check_length(self, name: str, size: int) -> None:
        if size > self._upload_bytes:
            raise QueryError("{name} is larger than {limit} MB.", name=name, limit=self._upload_bytes // 2**20)

    # --- Changes ------------------------------------------------------------------------------------------------------

    @_checked
    def begin(self, *, title: str | None = None, **_: Any) -> None:
        self._session.begin_ingest(title=title)

    @_checked
    def announce(self, *, files: list[Annotated[_File, Field(strict=False)]], **_: Any) -> dict[str, Any]:
        """Tell what files that are going to be sent are; those that need not be sent are reported.

        Of the answer, `roles` has the `Role` of each.
        """
        ingest, upload_folder = self._session.ingest, self._session.upload_folder
        if ingest is None or upload_folder is None or ingest.over:
            raise QueryError(_ENDED)
        roles: list[Role] = []
        for item in files:
            name, head = clean_name(item.name), _decoded(item.head)
            try:
                self._check_length(name, item.size)
                roles.append(_role(head, name))
            except (ImageError, QueryError) as error:
                roles.append("other")
                ingest.expect(1)
                ingest.refuse(name, error.message)
            if roles[-1] == "picture":
                ingest.expect(1)
                upload_folder.announce(name)
        return {"roles": roles}

    def complete(self, **_: Any) -> None:
        self._current_ingest().complete()

    def cancel(self, **_: Any) -> None:
        self._current_ingest().cancel()

    @_checked
    def include(self, *, numbers: list[int], **_: Any) -> None:
        self._current_ingest().include(numbers)

    @_checked
    def edit(self, *, values: dict[str, str], id: str = "", **_: Any) -> None:
        self._session.edit(id, values)

    @_checked
    def remove(self, *, ids: list[str], **_: Any) -> None:
        self._session.remove(ids)

    @_checked
    def describe(
        self, *, title: str = "", license: str = "", description: str = "", homepage: str = "", **_: Any
    ) -> None:
        title, license, description, homepage = (text.strip() for text in (title, license, description, homepage))
        self._session.describe(title=title, license=license, description=description, homepage=homepage)

    def undo(self, **_: Any) -> None:
        self._session.undo()

    def save(self, **_: Any) -> None:
        self._session.save()

    @_checked
    def publish(self, *, repo: str = "", license: str = "", token: str = "", private: bool = False, **_: Any) -> None:
        self._session.publish(repo.strip(), private=private, license=license, token=token.strip() or None)

    @_checked
    def open(self, *, name: str | None = None, **_: Any) -> None:
        """Open another collection: the app restarts at the same address, and the page polls until it is back."""
        ingest, publication = self._session.ingest, self._session.publication
        if (ingest is not None and not ingest.over) or (publication is not None and not publication.over):
            raise QueryError(
                "Works are still being added, or the collection is being published. Wait until that has finished, then open "
                "another collection."
            )
        if self._session.unsaved:
            self._session.save()
        self._session.library.open(self._session.requested, name)
        self._owner_tools.reopen.set()

    def _current_ingest(self) -> Any:
        if self._session.ingest is None:
            raise QueryError("Nothing is being added.")
        return self._session.ingest

    # --- Answers ------------------------------------------------------------------------------------------------------

    def _localized(self, request: Request) -> Context:
        return self._context.in_language(language_of(request))

    def _error(self, request: Request, error: ArtsimError, status: int = 400) -> Response:
        sentence = error_text(error, self._localized(request).strings)
        return JSONResponse({"error": sentence, "code": error.code}, status, headers=_NO_STORE)

    def _sentence(self, request: Request, key: str) -> QueryError:
        return QueryError(Translated(self._localized(request).strings(key)))

    def _forbidden(self, request: Request) -> Response:
        return self._error(request, self._sentence(request, "collection.refused"), 403)

    def _state(self, request: Request) -> dict[str, Any]:
        session, context = self._session, self._localized(request)
        collection = context.collection
        ingest = session.ingest
        return {
            "key": self._owner_tools.key,
            "works": len(collection),
            "unsaved": [{"verb": change.verb, "count": len(change.works)} for change in session.unsaved],
            "savedIn": session.saved_in,
            "problem": context.strings.message(session.problem),
            "intake": None if ingest is None else _ingest_state(ingest.state(), context, session),
            "publication": None if session.publication is None else _publication(session.publication, context.strings),
        }


def _ingest_state(state: IngestState, context: Context, session: EditSession) -> dict[str, Any]:
    strings = context.strings
    return {
        **_COUNTS.dump_python(state, by_alias=True, exclude={"reports", "notes", "failure"}),
        "reports": [_report(report, context) for report in state.reports[:_SHOWN_REPORTS]],
        "reported": len(state.reports),
        "notes": [strings.message(note) for note in state.notes[:_SHOWN_NOTES]],
        "failure": strings.message(state.failure),
        "begun": session.begun,
    }


def _report(report: UploadReport, context: Context) -> dict[str, Any]:
    entry: dict[str, Any] = {"number": report.number, "name": report.name, "outcome": report.outcome}
    if report.outcome == "broken":
        return {**entry, "reason": context.strings.message(report.reason)}
    entry |= {"work": report.work, "title": report.work, "picture": None}
    if report.relation is not None:
        entry["relation"] = context.strings(f"duplicates.relation.{report.relation.replace(' ', '-')}")
    try:
        work = context.collection.work(report.work or "")
    except QueryError:  # not added yet, or added to a new collection that is not open
        return entry
    return {**entry, "title": label_of(work).title, "picture": picture_address(work, SMALL)}


def _publication(publication: Publication, strings: Strings) -> dict[str, Any]:
    return {
        "repo": publication.repo_id,
        "sent": publication.sent,
        "total": publication.total,
        "url": publication.url,
        "failure": strings.message(publication.failure),
        "over": publication.over,
    }


def _role(head: bytes, name: str) -> Role:
    """The role of a file that begins with `head`. `ImageError` if it has none."""
    role = role_of(head, name)
    if role == "other":
        raise not_read(kind_of_file(head, name), FORMATS, name)
    return role


def _decoded(head: str) -> bytes:
    try:
        return base64.b64decode(head)
    except ValueError:
        raise QueryError(_MALFORMED["files"]) from None


def _declared_size(request: Request) -> int:
    """Declared size in bytes; more than the body has if the page does not send a file that is too large."""
    texts = (request.headers.get("content-length", ""), request.query_params.get("size", ""))
    if not all(text.isdecimal() for text in texts):
        raise QueryError("The size of the file must be given.")
    return max(map(int, texts))
