"""Classification: the label of a picture, such as its style, from the works of the collection that have one."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from artsim.analysis.classifier import Classifier, fit_classifier
from artsim.columns import column_of, label_columns
from artsim.encoders.finetuned import FinetunedEncoder
from artsim.encoders.label_probabilities import SURE, HeadCalibration, Reliability
from artsim.encoders.protocol import Aspect
from artsim.errors import QueryError
from artsim.images.decode import ImageLike
from artsim.search.engine import make_space_query
from artsim.search.familiarity import is_familiar
from artsim.search.query import Part, Query, check_query
from artsim.search.query_vectors import SearchedCollection
from artsim.search.timing import timed
from artsim.snapshot.labels import Labels, read_labels
from artsim.snapshot.space import Space
from artsim.snapshot.state import State

_WEIGHTS: dict[Aspect, float] = {"subject": 0.5, "style": 0.5}
_MOST_WORKS = 2_000  # that a classifier is fitted to, drawn at random from more
_FEWEST_WORKS = 20
_SHOWN = 6  # works that an answer rests on


@dataclass(frozen=True)
class Classification:
    """What a picture is, by a column: its labels with their probabilities, most probable first."""

    probabilities: list[tuple[Hashable, float]]
    works: tuple[str, ...]
    """Ids of the works with the first label that look most like the picture, nearest first."""


@dataclass(frozen=True)
class _Labelled:
    """A classifier of one column, with the works at `rows` (n,) that it was fitted to."""

    rows: np.ndarray
    names: tuple[Hashable, ...]
    labels: Labels
    classifier: Classifier


def classify(
    collection: SearchedCollection, image: ImageLike, by: str = "style"
) -> list[tuple[Hashable, float]] | None:
    """The labels of a picture in the column `by` with their probabilities (sum 1), most probable first; None if unsure.

    They rest on the works of the collection with a label, or, for the label that its encoder was fine-tuned for, on the head of
    that. It is unsure where the best probability is below one half, where no work of the collection is close to the picture, or
    where the probabilities of this column do not hold what they say: see `reliability`. Of an "artist", only those of the
    collection are known. Raises `QueryError` for a column without at least two labels and 20 labelled works, `ImageError`.
    """
    found = classify_with_works(collection, image, by)
    return None if found is None else found.probabilities


def classify_with_works(collection: SearchedCollection, image: ImageLike, by: str) -> Classification | None:
    """`classify`, with the works that the answer rests on."""
    with timed("search", "classify"):
        state, space = collection.state, collection.state.spaces[0]
        if not reliability(collection, by).holds:
            return None
        query = Query(parts=(Part(image=image),), aspects=_WEIGHTS)
        check_query(query, state)
        embed = collection.query_embedding
        asked = make_space_query(state, space, query, embed)
        labelled = _labelled(state, by)
        products = space.index.vectors(labelled.rows) @ asked.weighted_vector
        names: tuple[Hashable, ...] = labelled.names
        if (head := _head(collection, by)) is None:
            probabilities = labelled.classifier.probabilities(products)
        else:
            encoder, calibration = head
            names = encoder.classes
            probabilities = encoder.class_probabilities(embed.images(space, query.parts)["style"], calibration)
        order = np.argsort(-probabilities, kind="stable")
        nearest = np.argsort(-products, kind="stable")
        if probabilities[order[0]] < SURE or not is_familiar(state, query, [asked], embed, labelled.rows[nearest[:10]]):
            return None
        best = names[order[0]]
        resting = [
            row for row in labelled.rows[nearest].tolist() if best in map(type(best), labelled.labels.values[row])
        ]
        return Classification(
            [(names[number], float(probabilities[number])) for number in order],
            tuple(state.table.column("id").take(resting[:_SHOWN]).to_pylist()),
        )


def reliability(collection: SearchedCollection, by: str) -> Reliability:
    """What the probabilities of a column are worth, measured on works that had no part in them.

    On the collection's own; of the label that its encoder was fine-tuned for, on those held out then. Raises `QueryError`.
    """
    head = _head(collection, by)
    return _labelled(collection.state, by).classifier.reliability if head is None else head[1].reliability


def _head(collection: SearchedCollection, by: str) -> tuple[FinetunedEncoder, HeadCalibration] | None:
    """The first encoder, if it was fine-tuned for this label: the works that it has seen say nothing of new ones."""
    space = collection.state.spaces[0]
    encoder = collection.encoder(space.name) if space.revision.startswith("finetuned-") else None
    if not isinstance(encoder, FinetunedEncoder) or encoder.label != by:
        return None
    if encoder.calibration is None:
        raise QueryError(
            "The encoder {encoder} was fine-tuned by an older version of artsim, which kept no probabilities. Train it again.",
            encoder=encoder.id,
        )
    return encoder, encoder.calibration


def _labelled(state: State, by: str) -> _Labelled:
    """The classifier of a column, fitted on first use: seconds for thousands of works."""
    return state.memo.kept(("classifier", by), lambda: _fit(state, state.spaces[0], by))


def _fit(state: State, space: Space, by: str) -> _Labelled:
    labels = read_labels(state.table, by)
    rows = np.flatnonzero(labels.present)
    names = tuple(labels.rows)
    if len(names) < 2 or len(rows) < _FEWEST_WORKS:
        raise QueryError(
            "Pictures cannot be classified by {column}: it has {labels} labels on {works} works, and at least 2 on"
            " {fewest} are needed.",
            column=by,
            labels=len(names),
            works=len(rows),
            fewest=_FEWEST_WORKS,
        )
    if len(rows) > _MOST_WORKS:
        rows = np.sort(np.random.default_rng(0).choice(rows, _MOST_WORKS, replace=False))
    places = {name: number for number, name in enumerate(names)}
    of_works = np.zeros((len(rows), len(names)), bool)
    for number, row in enumerate(rows.tolist()):
        of_works[number, [places[name] for name in labels.values[row]]] = True
    used = np.flatnonzero(of_works.any(axis=0))
    names = tuple(names[number] for number in used)
    groups = _groups(state, labels)[rows]
    if len(np.unique(groups)) < 2:
        raise QueryError(
            "Pictures cannot be classified by {column}: all works with a label are by one artist, so nothing says how often it"
            " would be right for another.",
            column=by,
        )
    products = space.likeness_among(rows, space.weigh(_WEIGHTS))
    return _Labelled(rows, names, labels, fit_classifier(products, of_works[:, used], groups))


def _groups(state: State, labels: Labels) -> np.ndarray:
    """(n,): works that are predicted without one another: those of an artist; for artists, each work alone."""
    if column_of(labels.column).label != "artist":
        for column in label_columns("artist"):
            if column in state.table.column_names:
                return read_labels(state.table, column).groups()
    return np.arange(len(state))
