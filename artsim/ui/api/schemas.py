"""Response models of the HTTP API. Their fields and field docstrings form its JSON schema: see docs/http.md."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from artsim.analysis.classification import Classification
from artsim.collection import Collection
from artsim.encoders.presets import RANKINGS
from artsim.errors import CollectionError, ImageError
from artsim.images.decode import picture_size
from artsim.images.thumbnails import LARGE, SMALL
from artsim.search.label_index import Suggestion
from artsim.search.match import Match
from artsim.snapshot.facets import Facet
from artsim.snapshot.filters import as_plain
from artsim.storage.provenance import license_of
from artsim.ui.addresses import picture_address
from artsim.ui.labels import label_of, safe_link
from artsim.version import VERSION

_LISTED_VALUES = 20  # per column, the most frequent ones


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class MatchAnswer(_Answer):
    """One match of a search."""

    rank: int
    """Rank among the matches, from 1."""
    id: str
    """Id of the work in this collection, as search_by_work and describe_work take it."""
    title: str
    """Title of the work; its id if it has no title."""
    artist: str
    """Artist; empty if unknown."""
    year: str
    """Date as the collection writes it, such as "ca. 1650"; empty if unknown."""
    found_by: Literal["label", "likeness"]
    """"label": the work has the words of a text alone in its title, artist, tags or other metadata. Such matches come first;
    their score, cosine, angular_distance, percentile, close and word are null. "likeness": its picture is like the query."""
    score: float | None
    """From 0 for what has nothing in common to 1 for one and the same picture; never increasing from the first match by
    likeness to the last."""
    cosine: float | None
    """Cosine of the plain subject vectors of the query and the work, from -1 to 1."""
    angular_distance: float | None
    """sqrt(2 (1 - cosine)), from 0 to 2."""
    percentile: float | None
    """Percentage of random pairs of works that are less alike than the query and this work.

    For a text alone: percentage of the collection's works that fit the text less well."""
    aspects: dict[str, float]
    """The same percentage for each aspect: subject, style, color, layout. For a text alone: subject."""
    close: bool | None
    """Whether the score is at least 0.1; where nothing in this collection is close to the picture, all scores are lower."""
    word: str | None
    """The score in words: "very similar" (from 0.6), "similar" (from 0.3) or "loosely similar"."""
    license: str
    """Licence of the work, otherwise of the collection; empty if unknown."""
    url: str | None
    """Web page of the work; null if it has none."""
    thumbnail: str
    """Address of a WebP picture with 400 pixels on its longer side, relative to the address of the app."""


class SuggestionAnswer(_Answer):
    """What someone who is typing may search for."""

    text: str
    """A value of a metadata column, such as the name of an artist."""
    column: str
    """The column."""
    works: int
    """Number of works with this value."""


class RecognitionAnswer(_Answer):
    """The work that a picture shows."""

    recognized: bool
    """Whether the picture shows a work of this collection. If not, all that follows is null, false or empty."""
    id: str | None
    """Id of the work in this collection."""
    title: str
    """Title of the work; its id if it has no title."""
    artist: str
    """Artist; empty if unknown."""
    year: str
    """Date as the collection writes it; empty if unknown."""
    version: bool
    """Whether it may be another version of what the picture shows: another work agrees too, or the agreement is partial."""
    places: int
    """In how many places the picture and the work agree."""
    corners: list[tuple[float, float]]
    """The work's upper left, upper right, lower right and lower left corner in the picture: fractions of its width and height.

    Below 0 or above 1 where the picture shows only part of the work."""
    license: str
    """Licence of the work, otherwise of the collection; empty if unknown."""
    url: str | None
    """Web page of the work; null if it has none."""
    thumbnail: str | None
    """Address of a WebP picture with 400 pixels on its longer side, relative to the address of the app."""


class LabelAnswer(_Answer):
    """A label that a picture may have."""

    label: str
    """A value of the column."""
    probability: float
    """Its probability, from 0 to 1."""


class ClassificationAnswer(_Answer):
    """What a picture is, by a column of the collection's metadata."""

    by: str
    """The column."""
    sure: bool
    """Whether one label is more probable than all others together. If not, the lists are empty."""
    labels: list[LabelAnswer]
    """The most probable labels, at most 20, most probable first."""
    works: list[str]
    """Ids of the works with the first label that look most like the picture."""


class WorkAnswer(_Answer):
    """The description of one work."""

    id: str
    """Id of the work in this collection."""
    title: str
    """Title of the work; its id if it has no title."""
    artist: str
    """Artist; empty if unknown."""
    year: str
    """Date as the collection writes it; empty if unknown."""
    license: str
    """Licence of the work, otherwise of the collection; empty if unknown."""
    url: str | None
    """Web page of the work; null if it has none."""
    thumbnail: str
    """Address of a WebP picture with 400 pixels on its longer side, relative to the address of the app."""
    picture: str
    """Address of a WebP picture with up to 1200 pixels on its longer side, relative to the address of the app."""
    width: int | None
    """Width in pixels of the collection's picture, upright; null if the collection holds only addresses of pictures."""
    height: int | None
    """Height in pixels; see width."""
    metadata: dict[str, Any]
    """Every metadata column of the collection, with the value of this work."""


class ColumnAnswer(_Answer):
    """One column to filter by."""

    column: str
    """Name of the column: a key of the parameter where of search_combined."""
    kind: str
    """"values": give one of its values or a list of them; "range": give {"from": ..., "to": ...}."""
    values: dict[str, int]
    """The most frequent values, at most 20, with the number of works for each; empty for a range."""
    low: float | None
    """The smallest number of the column; null unless kind is range."""
    high: float | None
    """The greatest number of the column; null unless kind is range."""


class CollectionAnswer(_Answer):
    """The description of the collection and of its search options."""

    title: str
    """Title of the collection."""
    works: int
    """Number of works."""
    source: str
    """Source of the works."""
    license: str
    """Licence of the works, unless a work has its own."""
    encoder: str
    """The model that embeds the works."""
    reads_text: bool | None
    """Whether search_by_text also finds works that look like a text: some encoders embed pictures only. Null while the encoder
    is being loaded."""
    aspects: list[str]
    """The aspects that can be weighted."""
    presets: dict[str, dict[str, float]]
    """Named weights of the aspects."""
    rankings: list[str]
    """Ways to rank the matches."""
    columns: list[ColumnAnswer]
    """Columns worth filtering by. Every other column of a work's metadata can be filtered by too."""
    version: str
    """Version of artsim."""


def match_answer(match: Match, collection: Collection) -> MatchAnswer:
    return MatchAnswer(
        **_description(match.work, collection),
        rank=match.rank,
        found_by=match.found_by,
        score=_rounded(match.score, 6),
        cosine=_rounded(match.cosine, 6),
        angular_distance=_rounded(match.angular_distance, 6),
        percentile=_rounded(match.percentile, 4),
        aspects={aspect: round(share, 4) for aspect, share in match.aspect_percentiles.items() if math.isfinite(share)},
        close=match.close,
        word=match.word,
    )


def _rounded(figure: float | None, digits: int) -> float | None:
    """None for a percentile among too few works, which is nan."""
    return None if figure is None or not math.isfinite(figure) else round(figure, digits)


def suggestion_answer(suggestion: Suggestion) -> SuggestionAnswer:
    return SuggestionAnswer(text=suggestion.text, column=suggestion.column, works=suggestion.works)


def recognition_answer(match: Match | None, collection: Collection) -> RecognitionAnswer:
    nothing = {"id": None, "title": "", "artist": "", "year": "", "license": "", "url": None, "thumbnail": None}
    return RecognitionAnswer(
        **(nothing if match is None else _description(match.work, collection)),
        recognized=match is not None,
        version=match is not None and match.version,
        places=0 if match is None else match.places or 0,
        corners=[] if match is None else [(round(x, 4), round(y, 4)) for x, y in match.corners or ()],
    )


def classification_answer(found: Classification | None, by: str) -> ClassificationAnswer:
    return ClassificationAnswer(
        by=by,
        sure=found is not None,
        labels=[]
        if found is None
        else [
            LabelAnswer(label=str(label), probability=round(probability, 4))
            for label, probability in found.probabilities[:_LISTED_VALUES]
        ],
        works=[] if found is None else list(found.works),
    )


def work_answer(work: Mapping[str, Any], collection: Collection) -> WorkAnswer:
    width, height = _picture_size(str(work["id"]), collection)
    return WorkAnswer(
        **_description(work, collection),
        picture=picture_address(work, LARGE),
        width=width,
        height=height,
        metadata={column: as_plain(value) for column, value in work.items()},
    )


def _description(work: Mapping[str, Any], collection: Collection) -> dict[str, Any]:
    """What both answers say of a work."""
    label, link = label_of(work, longest=None), safe_link(work)
    return {
        "id": str(work["id"]),
        "title": label.title,
        "artist": label.artist,
        "year": label.year,
        "license": license_of(work, collection.manifest),
        "url": link[0] if link else None,
        "thumbnail": picture_address(work, SMALL),
    }


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
            name: {str(aspect): weight for aspect, weight in weights.items()} for name, weights in space.presets.items()
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
        values=dict(facet.values[:_LISTED_VALUES]),
        low=facet.low if is_range else None,
        high=facet.high if is_range else None,
    )


def _picture_size(identity: str, collection: Collection) -> tuple[int | None, int | None]:
    """(width, height) of the upright picture, from the file's header; (None, None) without a readable picture."""
    try:
        return picture_size(collection.picture(identity), name=identity)
    except (CollectionError, ImageError):  # no picture, or damaged
        return None, None
