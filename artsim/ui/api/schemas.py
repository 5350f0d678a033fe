"""What the HTTP API answers with. The fields and what is said of them here are the API's JSON schema: see docs/http.md."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image
from pydantic import BaseModel, ConfigDict

from artsim.collection import Collection
from artsim.encoders.presets import PRESETS
from artsim.errors import CollectionError, ImageError
from artsim.images.decode import FORMATS
from artsim.search.engine import RANKINGS, Match
from artsim.snapshot.facets import Facet
from artsim.snapshot.filters import as_plain
from artsim.ui.cards import picture_address
from artsim.ui.labels import label_of, safe_link
from artsim.ui.thumbnail_cache import LARGE, SMALL
from artsim.version import VERSION

_UPRIGHT = 0x0112  # the EXIF tag that says how a picture is turned
_SIDEWAYS = (5, 6, 7, 8)
_COMMON = 20  # values of a column that a description of the collection lists


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class MatchAnswer(_Answer):
    """One work that was found."""

    rank: int
    """Place in the answer, from 1."""
    id: str
    """The work's id in this collection: what search_by_work and describe_work take."""
    title: str
    """The work's title; its id where it has none."""
    artist: str
    """Who made it; empty where that is not known."""
    year: str
    """Its date as the collection writes it, such as "ca. 1650"; empty where that is not known."""
    score: float
    """What the answer is ordered by, the higher the nearer. Comparable only within one answer."""
    cosine: float
    """Cosine of the plain subject vectors of the query and the work, from -1 to 1."""
    angular_distance: float
    """sqrt(2 (1 - cosine)), from 0 to 2."""
    percentile: float
    """Percentage of random pairs of works that are less alike than the query and this work.

    For a text alone: percentage of the collection's works that the text fits less well."""
    aspects: dict[str, float]
    """The same percentage for each side of likeness: subject, style, color, layout. For a text alone: subject."""
    close: bool
    """Whether the work is as near as a typical work of this collection is to its ten nearest. Always true for a text alone."""
    license: str
    """Licence of the work or, where it has none of its own, of the collection; empty where that is not known."""
    url: str | None
    """The work's own page on the web."""
    thumbnail: str
    """Address of a WebP picture whose longer side has 400 pixels, relative to the address of the app."""


class WorkAnswer(_Answer):
    """What is known of one work."""

    id: str
    """The work's id in this collection."""
    title: str
    """The work's title; its id where it has none."""
    artist: str
    """Who made it; empty where that is not known."""
    year: str
    """Its date as the collection writes it; empty where that is not known."""
    license: str
    """Licence of the work or, where it has none of its own, of the collection; empty where that is not known."""
    url: str | None
    """The work's own page on the web."""
    thumbnail: str
    """Address of a WebP picture whose longer side has 400 pixels, relative to the address of the app."""
    picture: str
    """The same with 1200 pixels, or as many as the collection's picture has."""
    width: int | None
    """Pixels of the collection's own picture, upright; null where the collection holds only addresses of pictures."""
    height: int | None
    """See width."""
    metadata: dict[str, Any]
    """Every column of the collection for this work, as it stands there."""


class ColumnAnswer(_Answer):
    """One column to filter by."""

    column: str
    """Its name: a key of the parameter where of search_combined."""
    kind: str
    """"values": give one of its values or a list of them; "range": give {"from": ..., "to": ...}."""
    values: dict[str, int]
    """Its most frequent values, at most 20, with how many works have each; empty for a range."""
    low: float | None
    """The least number in it; null unless it is a range."""
    high: float | None
    """The greatest number in it; null unless it is a range."""


class CollectionAnswer(_Answer):
    """What is searched here, and how."""

    title: str
    """What the collection is called."""
    works: int
    """How many works it holds."""
    source: str
    """Where the works come from."""
    license: str
    """Licence of the works, unless a work has its own."""
    encoder: str
    """The model that the likeness comes from."""
    reads_text: bool | None
    """Whether search_by_text works: some encoders know pictures only. Null while the encoder is being loaded."""
    aspects: list[str]
    """The sides of likeness that can be weighed."""
    presets: dict[str, dict[str, float]]
    """Named weights of the aspects."""
    rankings: list[str]
    """Ways to order the answer."""
    columns: list[ColumnAnswer]
    """Columns worth filtering by. Every other column of a work's metadata can be filtered by too."""
    version: str
    """The version of artsim."""


def match_answer(match: Match, collection: Collection) -> MatchAnswer:
    label, link = label_of(match.work), safe_link(match.work)
    return MatchAnswer(
        rank=match.rank,
        id=match.id,
        title=label.title,
        artist=label.artist,
        year=label.year,
        score=round(match.score, 6),
        cosine=round(match.cosine, 6),
        angular_distance=round(match.angular_distance, 6),
        percentile=round(match.percentile, 4),
        aspects={aspect: round(share, 4) for aspect, share in match.aspect_percentiles.items()},
        close=match.close,
        license=_license(match.work, collection),
        url=link[0] if link else None,
        thumbnail=picture_address(match.work, SMALL),
    )


def work_answer(work: Mapping[str, Any], collection: Collection) -> WorkAnswer:
    label, link = label_of(work), safe_link(work)
    width, height = _picture_size(str(work["id"]), collection)
    return WorkAnswer(
        id=str(work["id"]),
        title=label.title,
        artist=label.artist,
        year=label.year,
        license=_license(work, collection),
        url=link[0] if link else None,
        thumbnail=picture_address(work, SMALL),
        picture=picture_address(work, LARGE),
        width=width,
        height=height,
        metadata={column: as_plain(value) for column, value in work.items()},
    )


def collection_answer(
    collection: Collection, facets: tuple[Facet, ...], *, reads_text: bool | None
) -> CollectionAnswer:
    manifest, space = collection.manifest, collection.state.spaces[0]
    return CollectionAnswer(
        title=manifest.title,
        works=len(collection),
        source=str(manifest.source.get("name", "")),
        license=manifest.license,
        encoder=space.encoder,
        reads_text=reads_text,
        aspects=list(space.statistics.aspects),
        presets={
            name: {str(aspect): weight for aspect, weight in weights.items()} for name, weights in PRESETS.items()
        },
        rankings=list(RANKINGS),
        columns=[_column_answer(facet) for facet in facets],
        version=VERSION,
    )


def _column_answer(facet: Facet) -> ColumnAnswer:
    is_range = facet.kind == "range"
    return ColumnAnswer(
        column=facet.column,
        kind=facet.kind,
        values=dict(facet.values[:_COMMON]),
        low=facet.low if is_range else None,
        high=facet.high if is_range else None,
    )


def _license(work: Mapping[str, Any], collection: Collection) -> str:
    return str(work.get("license") or collection.manifest.license or "")


def _picture_size(identity: str, collection: Collection) -> tuple[int | None, int | None]:
    """Width and height as a person sees it, from the file's header; (None, None) without a readable picture."""
    try:
        with Image.open(io.BytesIO(collection.picture(identity)), formats=FORMATS) as image:
            width, height = image.size
            return (height, width) if image.getexif().get(_UPRIGHT) in _SIDEWAYS else (width, height)
    except (CollectionError, ImageError, OSError, SyntaxError):  # none here; damaged (SyntaxError: a broken PNG)
        return None, None
