"""A varied sample of a collection: the works that the app shows before the first search."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from artsim.snapshot.state import State


def varied_works(state: State, count: int = 12) -> list[str]:
    """Ids of up to `count` works that represent different parts of the collection; deterministic.

    Greedy facility location over the index vectors of 2,000 to 4,000 evenly spaced works (of all, if there are fewer):
    each step selects the work that brings the others nearest to a selected one.
    """
    step = max(1, len(state) // 2000)
    rows = np.arange(0, len(state), step)
    vectors = state.spaces[0].index.vectors(rows)
    likeness = vectors @ vectors.T
    nearest = np.full(len(rows), likeness.min())
    chosen: list[int] = []
    for _ in range(min(count, len(rows))):
        gain = np.maximum(likeness - nearest[:, None], 0).sum(axis=0)
        gain[chosen] = -1
        best = int(gain.argmax())
        chosen.append(best)
        nearest = np.maximum(nearest, likeness[:, best])
    return state.table.column("id").take(pa.array(rows[chosen])).to_pylist()
