"""How well arrangements of a collection keep like works side by side: the map's own, UMAP moved to a grid, and chance."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from artsim.collection import Collection
from artsim.snapshot.grid_layout import columns_for, place_on_grid, principal, sample_rows
from artsim.snapshot.works_map import weighted_vectors

_NEAR = 20
MOST = 20_000  # works: all likenesses between them are held in memory


def compare_maps(collection: Collection) -> str:
    """A Markdown table of the arrangements of the collection (of its first `MOST` works). UMAP only with umap-learn."""
    space = collection.state.spaces[0]
    vectors = weighted_vectors(space, np.arange(min(len(space.index), MOST)))
    columns = columns_for(len(vectors))
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    lines = ["| arrangement | likeness kept | near neighbours | processor time |", "| --- | --- | --- | --- |"]
    for name, arrange in _arrangements(vectors, columns).items():
        started = time.process_time()
        order = arrange()
        spent = time.process_time() - started
        kept, near = measure_map(likeness, order, columns)
        lines.append(f"| {name} | {kept:.3f} | {near:.3f} | {spent:.1f} s |")
    told = (
        f"{len(vectors)} works. Likeness kept: that of works side by side, from 0 (any two works) to 1 (each beside its four "
        f"likest). Near neighbours: how often one of two works side by side is among the {_NEAR} likest of the other."
    )
    return "\n".join([*lines, "", told])


def _arrangements(vectors: np.ndarray, columns: int) -> dict[str, Callable[[], np.ndarray]]:
    def of_the_map() -> np.ndarray:
        mean, basis = principal(vectors[sample_rows(len(vectors))])
        return place_on_grid((vectors - mean) @ basis, columns)

    found = {"chance": lambda: np.random.default_rng(0).permutation(len(vectors)), "this map": of_the_map}
    try:
        import umap
    except ImportError:
        return found

    def of_umap() -> np.ndarray:
        return moved_to_grid(umap.UMAP(metric="cosine", random_state=0, n_jobs=1).fit_transform(vectors), columns)

    return {**found, "UMAP, first run": of_umap, "UMAP, second run": of_umap}


def moved_to_grid(positions: np.ndarray, columns: int) -> np.ndarray:
    """Positions (n, 2) in the plane to cells: halved again and again by columns and rows, so that neighbours stay together."""
    n = len(positions)
    order = np.empty(n, int)

    def place(rows: np.ndarray, cells: np.ndarray) -> None:
        if len(cells) <= 1:
            order[cells] = rows
            return
        down, across = np.divmod(cells, columns)
        axis = 0 if np.ptp(across) >= np.ptp(down) else 1
        along = (across, down)[axis]
        first = along <= (along.min() + along.max()) // 2
        sorted_rows = rows[np.argsort(positions[rows, axis], kind="stable")]
        place(sorted_rows[: first.sum()], cells[first])
        place(sorted_rows[first.sum() :], cells[~first])

    place(np.arange(n), np.arange(n))
    return order


def measure_map(likeness: np.ndarray, order: np.ndarray, columns: int) -> tuple[float, float]:
    """Likeness kept and near neighbours, as the table explains them. `likeness` (n, n) has -inf on its diagonal."""
    n = len(order)
    cells = np.arange(n)
    right = cells[(cells % columns < columns - 1) & (cells < n - 1)]
    below = cells[: max(0, n - columns)]
    pairs = np.concatenate([np.stack([right, right + 1]), np.stack([below, below + columns])], axis=1)
    first, second = order[pairs[0]], order[pairs[1]]
    ranked = np.sort(likeness, axis=1)[:, ::-1]
    near = likeness[first, second] >= np.minimum(ranked[first, min(_NEAR, n) - 1], ranked[second, min(_NEAR, n) - 1])
    chance, best = likeness[np.isfinite(likeness)].mean(), ranked[:, : min(4, n - 1)].mean()
    return float((likeness[first, second].mean() - chance) / (best - chance)), float(near.mean())
