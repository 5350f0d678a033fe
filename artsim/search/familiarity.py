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
    state: State,
    query: Query,
    space_queries: Sequence[SpaceQuery],
    embed: QueryEmbedding,
    rows: np.ndarray,
    allowed: np.ndarray | None,
) -> bool:
    """Whether something among the works found (at `rows`), or else among `allowed` (n,), is close to a picture of the query.

    True for a query with a text, which nothing can be said of.
    """
    if any(part.text is not None for part in query.parts):
        return True
    pictures = [part for part in query.parts if part.weight > 0]
    return any(_is_close(state, item, part, embed, rows, allowed) for part in pictures for item in space_queries)


def _is_close(
    state: State, query: SpaceQuery, part: Part, embed: QueryEmbedding, rows: np.ndarray, allowed: np.ndarray | None
) -> bool:
    """What costs least is compared first: the works found, the nearest works, then the pictures in the picture."""
    space, least = query.space, calibration_of(query.space).familiar
    is_work = part.work is not None and part.region is None
    row = np.array([state.rows[part.work or ""]]) if is_work else None
    whole = (space.plain(row) if row is not None else embed.images(space, [part])["subject"])[0]
    if uncentred_cosines(space, whole, rows).max(initial=-1) >= least or _nearest(space, whole, allowed) >= least:
        return True
    return not is_work and any(_nearest(space, view, allowed) >= least for view in embed.views(space, part))


def _nearest(space: Space, raw: np.ndarray, allowed: np.ndarray | None) -> float:
    rows = space.nearest_plain(raw, _NEAREST, allowed)[1]
    return float(uncentred_cosines(space, raw, rows).max(initial=-1))
