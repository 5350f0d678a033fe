"""Search results as files: `/download.csv`, `/download.json` and `/download.zip`.

GET takes the query string of the search page. The address of a query with an upload is incomplete: for it, POST takes
the shown results in the form field `shown`. The ZIP holds the collection's picture files unchanged, and the CSV.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import logging
import math
import tempfile
import threading
import weakref
import zipfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import parse_qs

from pydantic import FiniteFloat, TypeAdapter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from artsim.errors import ImageError, QueryError
from artsim.images.formats import format_of
from artsim.messages.message import Translated
from artsim.snapshot.filters import as_plain
from artsim.ui.context import Context
from artsim.ui.labels import as_text, label_of
from artsim.ui.pages.layout import view
from artsim.ui.query_string import read_query_string
from artsim.ui.search_form import MOST_SHOWN
from artsim.ui.search_service import SearchAnswer, find

KINDS = ("csv", "json", "zip")
_MAX_ZIP_BYTES = 200_000_000  # of pictures in one ZIP; its CSV names no file for those left out
_MAX_ROWS = MOST_SHOWN
_MAX_FORM_BYTES = 200_000  # bytes of the field `shown` with 100 works, with room for long ids
_FIGURES = ("score", "percentile", "cosine")
_Figure = FiniteFloat | None  # None for a match by label
_SHOWN = TypeAdapter(list[tuple[str, _Figure, _Figure, _Figure, str]])
"""What `shown_matches` makes."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_zip_slots = threading.BoundedSemaphore(2)  # ZIPs written at the same time; further requests are refused
_zip_files = threading.BoundedSemaphore(8)  # ZIPs on disk until they are sent, however slowly they are read

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """One shown result."""

    rank: int
    work: Mapping[str, Any]
    figures: Mapping[str, float | None]
    group: str


def download_routes(context: Context) -> list[Route]:
    writers = {"csv": _as_csv, "json": _as_json, "zip": _as_zip}

    def endpoint(kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def download(request: Request) -> Response:
            """Reads the body on the event loop; the search and the writing run in a thread."""
            body: bytes | None = None
            if request.method == "POST":
                body = await request.body() if _length(request) <= _MAX_FORM_BYTES else b""

            def render(localized: Context, request: Request) -> Response:
                link = request.url.query
                rows = _rows_of_link(localized, link) if body is None else _rows_of_form(localized, body)
                return writers[kind](localized, rows)

            return await asyncio.to_thread(view(context, "download", render), request)

        return download

    return [Route(f"/download.{kind}", endpoint(kind), methods=["GET", "POST"]) for kind in KINDS]


def _length(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < 12 else _MAX_FORM_BYTES + 1


def shown_matches(answer: SearchAnswer) -> list[list[Any]]:
    """`[id, score, percentile, cosine, group]` for every match: the form field `shown` of a query with an upload."""
    return [
        [match.id, *(_rounded(getattr(match, name)) for name in _FIGURES), as_text(group.value)]
        for group in answer.groups
        for match in group.matches
    ]


def _rounded(figure: float | None) -> float | None:
    """None for a percentile among too few works, which is nan."""
    return None if figure is None or not math.isfinite(figure) else round(figure, 6)


def _rows_of_link(context: Context, query: str) -> list[Row]:
    link = read_query_string(query, context)
    if not link.form.parts:
        raise QueryError(Translated(" ".join([context.strings("download.nothing"), *link.problems])))
    answer = find(context, link.form)
    return [
        Row(match.rank, match.work, {name: getattr(match, name) for name in _FIGURES}, as_text(group.value))
        for group in answer.groups
        for match in group.matches
    ]


def _rows_of_form(context: Context, body: bytes) -> list[Row]:
    try:
        shown = _SHOWN.validate_json(parse_qs(body.decode())["shown"][0], strict=True)
    except (ValueError, KeyError) as error:
        raise QueryError(Translated(context.strings("download.form"))) from error
    return [
        Row(rank, context.collection.work(identity), dict(zip(_FIGURES, figures, strict=True)), group[:200])
        for rank, (identity, *figures, group) in enumerate(shown[:_MAX_ROWS], start=1)
    ]


def _as_csv(context: Context, rows: Sequence[Row]) -> Response:
    return _file(_csv(context, rows, {}).encode("utf-8-sig"), "text/csv; charset=utf-8", "csv")  # Excel needs the BOM


def _as_json(context: Context, rows: Sequence[Row]) -> Response:
    manifest = context.collection.manifest
    works = [
        {
            "rank": row.rank,
            **({"group": row.group} if row.group else {}),
            **{name: _rounded(value) for name, value in row.figures.items()},
            **{column: as_plain(value) for column, value in row.work.items()},
        }
        for row in rows
    ]
    content = {"collection": manifest.title, "license": manifest.license, "works": works}
    data = json.dumps(content, ensure_ascii=False, indent=1, default=str, allow_nan=False)
    return _file(data.encode(), "application/json", "json")


def _as_zip(context: Context, rows: Sequence[Row]) -> Response:
    if not context.collection.manifest.embeds_pictures:
        raise QueryError(Translated(context.strings("download.no-pictures")))
    if not _zip_slots.acquire(blocking=False):
        raise QueryError(Translated(context.strings("download.busy")))
    try:
        if not _zip_files.acquire(blocking=False):
            raise QueryError(Translated(context.strings("download.busy")))
        file = tempfile.TemporaryFile()  # noqa: SIM115  # closed once it is sent
        weakref.finalize(file, _zip_files.release)  # also if nobody reads it
        _write_zip(context, rows, file)
    finally:
        _zip_slots.release()
    size = file.tell()
    file.seek(0)
    headers = {**_headers("zip"), "Content-Length": str(size)}
    return StreamingResponse(_pieces(file), media_type="application/zip", headers=headers)


def _write_zip(context: Context, rows: Sequence[Row], file: IO[bytes]) -> None:
    """Write pictures and CSV. Pictures are stored without compression: they are compressed already."""
    with zipfile.ZipFile(file, "w") as archive:
        names: dict[str, str] = {}
        room = _MAX_ZIP_BYTES
        for row in rows:
            try:
                picture = context.collection.picture(str(row.work["id"]))
            except ImageError as error:  # its line in the table stays, without a file
                log.warning("Not in the ZIP: %s", error)
                continue
            if len(picture) <= room:
                room -= len(picture)
                name = names[str(row.work["id"])] = _file_name(row, picture)
                archive.writestr(name, picture)
        archive.writestr("works.csv", _csv(context, rows, names).encode("utf-8-sig"))


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(1 << 16):
            yield piece


def _csv(context: Context, rows: Sequence[Row], files: Mapping[str, str]) -> str:
    """CSV with a header: rank and figures, then every column of the collection; in a ZIP, the picture's file name first."""
    columns = list(context.collection.state.table.column_names)
    grouped = ["group"] if any(row.group for row in rows) else []
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([*(["file"] if files else []), "rank", *grouped, *_FIGURES, *map(_safe, columns)])
    for row in rows:
        file_cells = [_safe(files.get(str(row.work["id"]), ""))] if files else []
        match_cells = [
            row.rank,
            *([_safe(row.group)] if grouped else []),
            *("" if figure is None else f"{figure:.6g}" for figure in map(row.figures.get, _FIGURES)),
        ]
        writer.writerow([*file_cells, *match_cells, *(_cell(row.work.get(column)) for column in columns)])
    return buffer.getvalue()


def _cell(value: Any) -> str:
    return as_text(value) if isinstance(value, int | float) else _safe(as_text(value))


def _safe(text: str) -> str:
    """`text`, changed so that no spreadsheet reads it as a formula: see OWASP, CSV injection."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _file_name(row: Row, picture: bytes) -> str:
    """`001 Title.jpg`, in a folder per group; the rank makes names unique."""
    folder = f"{_plain(row.group)}/" if row.group else ""
    return f"{folder}{row.rank:03d} {_plain(label_of(row.work).title)}.{_extension(picture)}"


def _plain(text: str) -> str:
    """`text` without characters that are special in file names."""
    letters = "".join(letter if letter.isalnum() or letter in " -,." else " " for letter in text)
    return " ".join(letters.split())[:80].strip(" .") or "work"


def _extension(picture: bytes) -> str:
    kind = (format_of(picture) or "bin").lower()
    return {"jpeg": "jpg", "tiff": "tif", "jpeg2000": "jp2"}.get(kind, kind)


def _file(data: bytes, media_type: str, kind: str) -> Response:
    return Response(data, media_type=media_type, headers=_headers(kind))


def _headers(kind: str) -> dict[str, str]:
    name = f"artsim-results.{kind}"
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
