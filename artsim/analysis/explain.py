"""Explanations of a match: its likeness in steps that have names, corresponding regions, shared colours and shared metadata."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from artsim.analysis.correspondence import Correspondence, embed_places, find_correspondence
from artsim.analysis.palette import SharedColor, Swatch, palette, shared_colors
from artsim.analysis.protocol import SearchableCollection
from artsim.columns import column_of
from artsim.embedding.decoded_works import decode_side
from artsim.encoders.protocol import Aspect
from artsim.encoders.region_vectors import Region
from artsim.errors import QueryError
from artsim.images.decode import ImageLike, load_image
from artsim.search.match import Match
from artsim.search.query import Part, Query
from artsim.snapshot.state import find_space
from artsim.snapshot.years import years_of

Step = Literal["same", "very", "similar", "somewhat", "different", "unknown"]
STEPS: tuple[tuple[float, Step], ...] = ((99.9, "same"), (99.0, "very"), (90.0, "similar"), (60.0, "somewhat"))
"""The lowest percentile of each step: closer than 99.9 % of random pairs of works is "same"."""

_UNKNOWN = re.compile(r"(unidentified|unknown|anonymous|artist unknown|none|null|n/?a)\b", re.IGNORECASE)


@dataclass(frozen=True)
class AspectLikeness:
    """How alike two pictures are in one aspect."""

    aspect: Aspect
    cosine: float
    percentile: float
    """Share, in percent, of random pairs of works that are less alike in this aspect."""
    step: Step


@dataclass(frozen=True)
class SharedValue:
    """A value that both works have in a column; of lists, the common items. Column `century` has 1600 for the 1600s."""

    column: str
    value: Any


@dataclass(frozen=True)
class Explanation:
    """The comparison of a match with the query, and the two pictures."""

    match: Match
    """The match for this picture alone, at equal weights of all aspects."""
    likeness: tuple[AspectLikeness, ...]
    agreement: Correspondence | None = field(repr=False)
    """The query's picture is `first`, the match's `second`; None if regions were left out."""
    query_picture: Image.Image = field(repr=False)
    """The compared picture or region, possibly scaled down. The heat map and the boxes refer to it."""
    match_picture: Image.Image = field(repr=False)
    query_palette: tuple[Swatch, ...]
    match_palette: tuple[Swatch, ...]
    shared_colors: tuple[SharedColor, ...]
    shared_metadata: tuple[SharedValue, ...]
    """Empty if the query is not a work of the collection."""


def explain(
    collection: SearchableCollection,
    match: Match | str,
    image: ImageLike | None = None,
    *,
    work: str | None = None,
    region: Region | None = None,
    regions: bool = True,
    encoder: str | None = None,
) -> Explanation:
    """Explain why a match (or the work with that id) is like a picture or a work of the collection.

    `image`, `work` and `region` are those of `Collection.search`; the default encoder is the one that found the match,
    else the collection's first. `regions=False` leaves out the heat maps, which cost some 25 runs of the encoder. Raises
    `QueryError`, `ImageError` or `EncoderError`, and `CollectionError` if the collection stores no pictures.
    """
    identity = match if isinstance(match, str) else match.id
    if isinstance(match, Match) and encoder is None:
        encoder = match.encoder or None
    if (image is None) == (work is None):
        raise QueryError("Give exactly one query to explain the match: an image, or a work of the collection.")
    if work == identity:
        raise QueryError("A match cannot be explained by itself: name another work.")
    first, second = None if work is None else collection.work(work), collection.work(identity)
    aspects = dict.fromkeys(find_space(collection.state, encoder).statistics.aspects, 1.0)
    part = Part(image=image, work=work, region=region)
    matches = collection.run(Query((part,), aspects, {"id": identity}, k=1, encoder=encoder))
    if not matches:
        raise QueryError("The work {work!r} is no longer in this collection.", work=identity)
    loaded = collection.encoder(encoder)
    side = decode_side([loaded])
    source = collection.picture(work) if image is None and work is not None else image
    assert source is not None
    query_picture = load_image(source, short_side=side, region=region, name=work)
    match_picture = load_image(collection.picture(identity), short_side=side, name=identity)
    agreement = None
    if regions:
        agreement = find_correspondence(embed_places(loaded, query_picture), embed_places(loaded, match_picture))
    palettes = palette(query_picture), palette(match_picture)
    table = collection.state.table
    return Explanation(
        match=matches[0],
        likeness=aspect_likeness(matches[0]),
        agreement=agreement,
        query_picture=query_picture,
        match_picture=match_picture,
        query_palette=palettes[0],
        match_palette=palettes[1],
        shared_colors=shared_colors(*palettes),
        shared_metadata=() if first is None else shared_metadata(table, first, second),
    )


def aspect_likeness(match: Match) -> tuple[AspectLikeness, ...]:
    """The likeness of a match in each aspect."""
    percentiles = match.aspect_percentiles
    return tuple(
        AspectLikeness(aspect, cosine, percentiles[aspect], step_of(percentiles[aspect]))
        for aspect, cosine in match.aspects.items()
    )


def step_of(percentile: float) -> Step:
    """The step of a percentile; "unknown" for nan, as in a collection of one work."""
    if math.isnan(percentile):
        return "unknown"
    return next((step for least, step in STEPS if percentile >= least), "different")


def shared_metadata(table: pa.Table, first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[SharedValue, ...]:
    """The informative values that two works of `table` share.

    Left out: identifiers, addresses, licences and prose; "unknown" and its like; values that every work has; and values
    of an earlier column (a culture of "Dutch" beside the same nationality).
    """
    shared: list[SharedValue] = []
    for column in first:
        value = _common(first[column], second.get(column))
        repeated = any(value == earlier.value for earlier in shared)
        if value is None or not column_of(column).comparable or repeated or _same_everywhere(table, column):
            continue
        shared.append(SharedValue(column, value))
    one, other = years_of(first), years_of(second)
    if one is not None and other is not None and one.century == other.century:
        of_year = any(item.column == "year" for item in shared)
        shared += [] if of_year else [SharedValue("century", one.century)]
    return tuple(shared)


def _common(first: Any, second: Any) -> Any:
    """The value or items that two values have in common; None if there are none, or they are not informative."""
    if isinstance(first, list) and isinstance(second, list):
        return (
            tuple(item for item in dict.fromkeys(first) if item in second and _common(item, item) is not None) or None
        )
    if isinstance(first, str) and isinstance(second, str) and first.casefold() == second.casefold():
        second = first
    if first != second or first is None or isinstance(first, list | dict | float | bytes):
        return None
    if isinstance(first, str) and (not first.strip() or first.startswith("http") or _UNKNOWN.match(first.strip())):
        return None
    return first


def _same_everywhere(table: pa.Table, column: str) -> bool:
    if column not in table.column_names or pa.types.is_nested(table.schema.field(column).type):
        return False
    return pc.count_distinct(table.column(column)).as_py() <= 1
