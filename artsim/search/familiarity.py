"""Whether anything in a collection is close to a picture at all: a page of text has nearest works, too.

The best uncentred subject cosine of the picture, or of what a quadrilateral in it shows, is compared with the 1 % quantile of
how near the works of the collection are to their fifth-nearest: their nearest four may be by the same hand, which a picture
from elsewhere cannot expect. Scores cannot tell: they are differences from the mean of the collection, which any picture has.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from artsim.search.calibration import calibration_of
from artsim.search.calibration_fit import uncentred_cosines
from artsim.search.query import Part, Query
from artsim.search.query_vectors import QueryEmbedding
from artsim.search.ranking import SpaceQuery
from artsim.snapshot.space import Space
from artsim.snapshot.state import State

_NEAREST = 32  # works by raw cosine, among which the nearest by uncentred cosine is


def is_familiar(
    state: State, query: Query, space_queries: Sequence[SpaceQuery], embed: QueryEmbedding, rows: np.ndarray
) -> bool:
    """Whether something in the collection, the works of the query left out, is close to a picture of the query.

    `rows`: the works found, which are compared first. Filters do not matter: two works are as similar with them as without.
    True for a query with a text, which nothing can be said of.
    """
    if any(part.text is not None for part in query.parts):
        return True
    pictures = [part for part in query.parts if part.weight > 0]
    alone = len(query.parts) == 1
    return any(_is_close(state, item, part, embed, rows, alone=alone) for part in pictures for item in space_queries)


def is_near_some(space: Space, raw: np.ndarray, rows: np.ndarray, *, own: int | None = None) -> bool:
    """Whether a work, that at the row `own` left out, is close to a raw subject vector (d,). `rows` are compared first."""
    least = calibration_of(space).familiar
    if any(uncentred_cosines(space, raw, some).max(initial=-1) >= least for some in (rows[:1], rows[1:])):
        return True
    nearest = space.nearest_plain(raw, _NEAREST)[1]
    return bool(uncentred_cosines(space, raw, nearest[nearest != own]).max(initial=-1) >= least)


def _is_close(
    state: State, query: SpaceQuery, part: Part, embed: QueryEmbedding, rows: np.ndarray, *, alone: bool
) -> bool:
    """What costs least is compared first: the works found, the nearest works, then the pictures in the picture.

    `alone`: whether the picture is all of the query, whose vector is known then.
    """
    space, own = query.space, None if part.work is None else state.rows[part.work]
    if own is not None and part.region is None:
        return _is_near_others(space, own, rows)
    whole = query.reference if alone else embed.images(space, [part])["subject"][0]
    if is_near_some(space, whole, rows, own=own):
        return True
    return any(is_near_some(space, view, rows, own=own) for view in embed.views(space, part))


def _is_near_others(space: Space, row: int, rows: np.ndarray) -> bool:
    """`is_near_some` for a work of the collection, kept for the next search by it."""
    known = space.memo.kept("familiar", lambda: np.full(len(space), -1, np.int8), lasting=True)
    if known[row] < 0:
        known[row] = is_near_some(space, space.plain(np.array([row]))[0], rows, own=row)
    return bool(known[row])
