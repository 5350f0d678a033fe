"""The works that a search shows, as files: `/download.csv`, `/download.json` and `/download.zip`.

GET takes the same query string as the search page. A question with an upload in it is not all in its address: POST takes
what is shown, in the field `shown`. The ZIP has the pictures as they are in the collection, and the CSV.
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
import zipfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import parse_qs

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from artsim.errors import ImageError
from artsim.images.decode import FORMATS
from artsim.snapshot.filters import as_plain
from artsim.ui.context import Context
from artsim.ui.error_text import TranslatedError
from artsim.ui.labels import as_text, label_of
from artsim.ui.pages.layout import view
from artsim.ui.query_string import read_query_string
from artsim.ui.search_form import MOST_SHOWN
from artsim.ui.search_service import Answer, find

KINDS = ("csv", "json", "zip")
_MOST_BYTES = 200_000_000  # of pictures in one ZIP; those that are left out have no file in its CSV
_MOST_ROWS = MOST_SHOWN
_LONGEST_FORM = 200_000  # bytes of the field `shown` with 100 works, with room for long ids
_FIGURES = ("score", "percentile", "cosine")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_at_work = threading.BoundedSemaphore(2)  # ZIPs that are written side by side; others are told to come back

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """One work as it is shown."""

    rank: int
    work: Mapping[str, Any]
    figures: Mapping[str, float]
    group: str


def download_routes(context: Context) -> list[Route]:
    writers = {"csv": _as_csv, "json": _as_json, "zip": _as_zip}

    def endpoint(kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def download(request: Request) -> Response:
            """The body is read here, where it can be; the search and the writing run in a thread."""
            body: bytes | None = None
            if request.method == "POST":
                body = await request.body() if _length(request) <= _LONGEST_FORM else b""

            def render(speaking: Context, request: Request) -> Response:
                link = request.url.query
                rows = _rows_of_link(speaking, link) if body is None else _rows_of_form(speaking, body)
                return writers[kind](speaking, rows)

            return await asyncio.to_thread(view(context, "download", render), request)

        return download

    return [Route(f"/download.{kind}", endpoint(kind), methods=["GET", "POST"]) for kind in KINDS]


def _length(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < 12 else _LONGEST_FORM + 1


def shown_matches(answer: Answer) -> list[list[Any]]:
    """What the form of a question with an upload sends: `[id, score, percentile, cosine, group]` for every match."""
    return [
        [match.id, *(round(getattr(match, name), 6) for name in _FIGURES), as_text(group.value)]
        for group in answer.groups
        for match in group.matches
    ]


def _rows_of_link(context: Context, query: str) -> list[Row]:
    reading = read_query_string(query, context)
    if not reading.form.parts:
        raise TranslatedError(" ".join([context.strings("download.nothing"), *reading.problems]))
    answer = find(context, reading.form)
    return [
        Row(match.rank, match.work, {name: getattr(match, name) for name in _FIGURES}, as_text(group.value))
        for group in answer.groups
        for match in group.matches
    ]


def _rows_of_form(context: Context, body: bytes) -> list[Row]:
    try:
        shown = json.loads(parse_qs(body.decode())["shown"][0])
        rows = [_row(context, number, item) for number, item in enumerate(shown[:_MOST_ROWS], start=1)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TranslatedError(context.strings("download.form")) from error
    return rows


def _row(context: Context, rank: int, item: Any) -> Row:
    """`ValueError` or `TypeError` for what `shown_matches` did not write."""
    identity, *figures, group = item
    if not isinstance(identity, str) or not isinstance(group, str):
        raise TypeError
    numbers = [float(number) for number in figures]
    if not all(map(math.isfinite, numbers)):
        raise ValueError
    return Row(rank, context.collection.work(identity), dict(zip(_FIGURES, numbers, strict=True)), group[:200])


def _as_csv(context: Context, rows: Sequence[Row]) -> Response:
    return _file(
        _csv(context, rows, {}).encode("utf-8-sig"), "text/csv; charset=utf-8", "csv"
    )  # Excel asks for the BOM


def _as_json(context: Context, rows: Sequence[Row]) -> Response:
    manifest = context.collection.manifest
    works = [
        {
            "rank": row.rank,
            **({"group": row.group} if row.group else {}),
            **{name: round(value, 6) for name, value in row.figures.items()},
            **{column: as_plain(value) for column, value in row.work.items()},
        }
        for row in rows
    ]
    answer = {"collection": manifest.title, "license": manifest.license, "works": works}
    data = json.dumps(answer, ensure_ascii=False, indent=1, default=str)
    return _file(data.encode(), "application/json", "json")


def _as_zip(context: Context, rows: Sequence[Row]) -> Response:
    if context.collection.manifest.images != "bytes":
        raise TranslatedError(context.strings("download.no-pictures"))
    if not _at_work.acquire(blocking=False):
        raise TranslatedError(context.strings("download.busy"))
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115  # closed when it was sent
        _write_zip(context, rows, file)
    finally:
        _at_work.release()
    size = file.tell()
    file.seek(0)
    headers = {**_headers("zip"), "Content-Length": str(size)}
    return StreamingResponse(_pieces(file), media_type="application/zip", headers=headers)


def _write_zip(context: Context, rows: Sequence[Row], file: IO[bytes]) -> None:
    """Pictures are stored as they are: they are compressed already."""
    with zipfile.ZipFile(file, "w") as archive:
        names: dict[str, str] = {}
        room = _MOST_BYTES
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
    """Rows with a header: what was found, then every column of the collection; in a ZIP, the name of the picture first."""
    columns = list(context.collection.state.table.column_names)
    grouped = ["group"] if any(row.group for row in rows) else []
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([*(["file"] if files else []), "rank", *grouped, *_FIGURES, *map(_safe, columns)])
    for row in rows:
        given = [_safe(files.get(str(row.work["id"]), ""))] if files else []
        found = [row.rank, *([_safe(row.group)] if grouped else []), *(f"{row.figures[name]:.6g}" for name in _FIGURES)]
        writer.writerow([*given, *found, *(_cell(row.work.get(column)) for column in columns)])
    return buffer.getvalue()


def _cell(value: Any) -> str:
    return as_text(value) if isinstance(value, int | float) else _safe(as_text(value))


def _safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula: see OWASP, CSV injection."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _file_name(row: Row, picture: bytes) -> str:
    """`001 Title.jpg`, in a folder of its group: the number keeps names apart."""
    folder = f"{_plain(row.group)}/" if row.group else ""
    return f"{folder}{row.rank:03d} {_plain(label_of(row.work).title)}.{_extension(picture)}"


def _plain(text: str) -> str:
    """Nothing in it that a file system could misread."""
    letters = "".join(letter if letter.isalnum() or letter in " -,." else " " for letter in text)
    return " ".join(letters.split())[:80].strip(" .") or "work"


def _extension(picture: bytes) -> str:
    try:
        with Image.open(io.BytesIO(picture), formats=FORMATS) as image:
            kind = (image.format or "bin").lower()
    except (OSError, SyntaxError):  # Pillow's SyntaxError: a broken PNG
        return "bin"
    return {"jpeg": "jpg", "mpo": "jpg", "tiff": "tif"}.get(kind, kind)


def _file(data: bytes, media_type: str, kind: str) -> Response:
    return Response(data, media_type=media_type, headers=_headers(kind))


def _headers(kind: str) -> dict[str, str]:
    name = f"artsim-results.{kind}"
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
