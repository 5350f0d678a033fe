"""Contact sheet: a query and its best answers with their scores as one picture, one row per encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from artsim.collection import Collection
from artsim.errors import ArtsimError, CollectionError, QueryError
from artsim.evaluation.full_ranking import Setting
from artsim.images.decode import load_image
from artsim.search.encoder_comparison import EncoderComparison
from artsim.search.match import Match
from artsim.snapshot.state import find_space

_TILE, _GAP, _LINE = 180, 12, 17
_CAPTION = 4 * _LINE
_PAPER, _INK, _FAINT, _EMPTY = (255, 255, 255), (20, 20, 20), (110, 110, 110), (228, 228, 228)


@dataclass(frozen=True)
class SheetRow:
    """Answers of one encoder, or of several in one mode."""

    encoder: str
    matches: tuple[Match, ...]

    @property
    def heading(self) -> str:
        cosine = np.array([match.cosine for match in self.matches])
        angular = np.array([match.angular_distance for match in self.matches])
        return (
            f"{self.encoder}:  cosine {cosine.mean():.4f} ± {cosine.std():.4f},  "
            f"angular distance {angular.mean():.4f} ± {angular.std():.4f}"
        )


def search_sheet(collection: Collection, query: str | None, setting: Setting, *, k: int = 10) -> Image.Image:
    """Draw the answers of every encoder, or of the one in `setting`, to `query`: a work id or the path of a picture.

    With "auto" or "fusion": the answers of every encoder, then the joint ones below. Default query: the collection's first
    work. Raises what `Collection.search` raises, and `QueryError` for a query that is neither work nor picture.
    """
    state = collection.state
    query, is_work = _resolve_query(collection, query)
    picture = _picture(collection, query) if is_work else load_image(query)
    encoder = None if setting.several else setting.encoder
    spaces = state.spaces if encoder is None else (find_space(state, encoder),)
    modes = [(space.name, space.encoder) for space in spaces]
    modes += [(str(setting.encoder), setting.several)] if setting.several else []
    rows = []
    for name, heading in modes:
        matches = collection.search(
            image=None if is_work else query,
            work=query if is_work else None,
            k=k,
            aspects=setting.aspects,
            ranking=setting.ranking,
            encoder=name,
            auto=setting.auto,
            fusion=setting.fusion,
            encoder_weights=setting.encoder_weights,
        )
        rows.append(SheetRow(heading, tuple(matches)))
    title = str(collection.work(query).get("title") or query) if is_work else Path(query).name
    return draw_sheet(collection, picture, title, rows)


def ask_encoders(collection: Collection, query: str | None, setting: Setting, *, k: int = 10) -> EncoderComparison:
    """Compare the answers of all encoders to `query`: a work id or the path of a picture; default: the first work."""
    query, is_work = _resolve_query(collection, query)
    return collection.compare_encoders(
        image=None if is_work else query,
        work=query if is_work else None,
        k=k,
        aspects=setting.aspects,
        ranking=setting.ranking,
    )


def _resolve_query(collection: Collection, query: str | None) -> tuple[str, bool]:
    """The query (default: the first work), and whether it is a work, else a picture. `QueryError` if it is neither."""
    query = collection.ids[0] if query is None else query
    is_work = query in collection.state.rows
    if not is_work and not Path(query).exists():
        raise QueryError(f"There is neither a work nor a picture {query!r}.")
    return query, is_work


def draw_sheet(
    collection: Collection, picture: Image.Image | None, title: str, rows: Sequence[SheetRow]
) -> Image.Image:
    """Draw one row per encoder: the query at the left, then its answers."""
    columns = max((len(row.matches) for row in rows), default=0)
    height = _TILE + _CAPTION + 2 * _LINE
    size = (_GAP + (columns + 1) * (_TILE + _GAP), _GAP + len(rows) * (height + _GAP))
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for number, row in enumerate(rows):
        top = _GAP + number * (height + _GAP)
        if row.matches:
            draw.text((_GAP, top), row.heading, _INK, font)
        top += 2 * _LINE
        _draw_tile(sheet, draw, font, _GAP, top, picture, ("Query", title))
        for column, match in enumerate(row.matches, start=1):
            lines = (
                f"{match.rank}. {match.work.get('title') or match.id}",
                f"cosine {match.cosine:.4f}",
                f"angular distance {match.angular_distance:.4f}",
                f"closer than {match.percentile:.1f} % of pairs",
            )
            left = _GAP + column * (_TILE + _GAP)
            _draw_tile(sheet, draw, font, left, top, _picture(collection, match.id), lines)
    return sheet


def save_sheet(sheet: Image.Image, path: Path) -> None:
    """Write the picture in the format of its file extension. `ArtsimError` for an unknown one, or a failed write."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path)
    except (OSError, ValueError) as error:
        raise ArtsimError(f"The plot {path} cannot be written ({error}); give a name such as plot.png.") from error


def _picture(collection: Collection, identity: str) -> Image.Image | None:
    """Picture of a work; None where the collection keeps no pictures."""
    try:
        return load_image(collection.picture(identity), short_side=_TILE, name=identity)
    except CollectionError:
        return None


def _draw_tile(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    left: int,
    top: int,
    picture: Image.Image | None,
    lines: Sequence[str],
) -> None:
    if picture is None:
        draw.rectangle((left, top, left + _TILE, top + _TILE), _EMPTY)
    else:
        small = picture.copy()
        small.thumbnail((_TILE, _TILE), Image.Resampling.LANCZOS)
        sheet.paste(small, (left + (_TILE - small.width) // 2, top + _TILE - small.height))
    for number, line in enumerate(lines):
        color = _INK if number == 0 else _FAINT
        draw.text((left, top + _TILE + 4 + number * _LINE), _shorten(draw, font, line), color, font)


def _shorten(draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, line: str) -> str:
    """`line` cut to the width of a tile."""
    line = " ".join(line.split())[:200]
    if draw.textlength(line, font) <= _TILE:
        return line
    while line and draw.textlength(line + "...", font) > _TILE:
        line = line[:-1]
    return line.rstrip() + "..."
