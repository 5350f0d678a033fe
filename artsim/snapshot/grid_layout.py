"""Works hung on a wall so that likeness decides who hangs beside whom: every picture has a cell of its own, none hides.

A self-sorting map: works sit on a grid, the grid is smoothed, and pairs of works swap places where both together then
fit the smoothed grid better; the smoothing gets finer step by step. (Strong and Gong 2014, "Self-Sorting Map"; the
falling radius as in Barthel, Hezel, Jung and Schall 2023, "Improved Evaluation and Generation of Grid Layouts using
Distance Preservation Quality and Linear Assignment Sorting".) UMAP followed by a move to grid cells keeps fewer
neighbours side by side and needs a compiler at run time: `scripts/compare_maps.py` measures both.
"""

from __future__ import annotations

import numpy as np

_RATIO = 1.5  # columns by rows: between a wide screen and an upright one
_COMPONENTS = 48
_MAX_FIT = 5_000  # principal components are found on at most so many works
_FALL = 0.95  # of the radius, from one smoothing to the next
_FIRST = 0.35  # the first radius, as a share of the longer side


def columns_for(n: int) -> int:
    """How many cells a row has for `n` works: near `_RATIO` times as many as rows, with few cells left over."""
    ideal = max(1.0, (n * _RATIO) ** 0.5)
    near = range(max(1, round(ideal * 0.92)), min(n, round(ideal * 1.08)) + 1)
    return min(
        near or (1,), key=lambda columns: (-n % columns / max(n, 1) ** 0.5 + abs(columns - ideal) / ideal, columns)
    )


def principal(vectors: np.ndarray, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and basis (d, at most 48) float32: the directions in which rows differ most, by randomised SVD.

    (Halko, Martinsson and Tropp 2011.) `vectors` (n, d) is a sample, or everything.
    """
    mean = vectors.mean(axis=0)
    centred = vectors - mean
    count = max(1, min(_COMPONENTS, len(vectors) - 1, vectors.shape[1]))
    wide = min(count + 10, vectors.shape[1])
    basis = np.random.default_rng(seed).normal(size=(vectors.shape[1], wide)).astype(np.float32)
    for _ in range(4):
        basis, _ = np.linalg.qr(centred.T @ (centred @ basis))
    _, _, directions = np.linalg.svd(centred @ basis, full_matrices=False)
    return mean.astype(np.float32), np.ascontiguousarray(basis @ directions.T[:, :count], np.float32)


def sample_rows(n: int, *, seed: int = 0) -> np.ndarray:
    """Row numbers of up to 5,000 works, in order: what `principal` is fitted on."""
    return np.arange(n) if n <= _MAX_FIT else np.sort(np.random.default_rng(seed).choice(n, _MAX_FIT, replace=False))


def place_on_grid(vectors: np.ndarray, columns: int, *, start: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    """(n,) int32: the row of `vectors` (n, d) in each cell, cells counted along the rows of a wall of `columns` cells.

    The last row of the wall may be short. With `start`, an arrangement of all rows, only neighbourhoods are sorted anew.
    The same input gives the same wall.
    """
    n = len(vectors)
    at = _by_components(vectors, columns) if start is None else start.astype(np.int32)
    rounds = int(np.clip(150_000 / max(n, 1), 16, 60))
    radius = _FIRST * max(columns, -(-n // columns)) if start is None else 3.0
    rng = np.random.default_rng(seed)
    while n > 1:
        _swap(vectors, at, columns, max(1, round(radius)), rounds, rng)
        if radius <= 1:
            break
        radius = max(1.0, radius * _FALL)
    return at


def _by_components(vectors: np.ndarray, columns: int) -> np.ndarray:
    """Rows of the wall by the second component, places within a row by the first."""
    down = vectors[:, min(1, vectors.shape[1] - 1)]
    order = np.argsort(down, kind="stable")
    for first in range(0, len(order), columns):
        row = order[first : first + columns]
        order[first : first + columns] = row[np.argsort(vectors[row, 0], kind="stable")]
    return order.astype(np.int32)


def _swap(
    vectors: np.ndarray, at: np.ndarray, columns: int, radius: int, rounds: int, rng: np.random.Generator
) -> None:
    """Exchange works in `at` that fit better at each other's place, by the wall smoothed over `radius`."""
    smoothed = _smoothed(vectors[at], columns, radius)
    y, x = np.divmod(np.arange(len(at)), columns)
    for _ in range(rounds):
        right, down = rng.integers(-2 * radius, 2 * radius + 1, 2)
        if right == down == 0:
            continue
        stripe = x // abs(right) if abs(right) >= abs(down) else y // abs(down)
        inside = (stripe % 2 == rng.integers(2)) & (x + right >= 0) & (x + right < columns) & (y + down >= 0)
        first = np.flatnonzero(inside)  # a cell of these stripes and its partner in the others: no cell is in two pairs
        second = first + down * columns + right
        first, second = first[second < len(at)], second[second < len(at)]
        gain = np.einsum("nd,nd->n", vectors[at[first]] - vectors[at[second]], smoothed[second] - smoothed[first])
        first, second = first[gain > 0], second[gain > 0]
        at[first], at[second] = at[second], at[first]


def _smoothed(hung: np.ndarray, columns: int, radius: int) -> np.ndarray:
    """(n, d): the mean of the works in the square of `radius` cells around each cell."""
    n, d = hung.shape
    rows = -(-n // columns)
    grid = np.zeros((rows * columns, d + 1), np.float32)
    grid[:n, :d], grid[:n, d] = hung, 1
    grid = grid.reshape(rows, columns, d + 1)
    for axis in (0, 1):
        length = grid.shape[axis]
        sums = np.cumsum(grid, axis=axis, dtype=np.float64)
        sums = np.concatenate([np.zeros_like(np.take(sums, [0], axis)), sums], axis=axis)
        places = np.arange(length)
        high, low = np.minimum(places + radius + 1, length), np.maximum(places - radius, 0)
        grid = (np.take(sums, high, axis) - np.take(sums, low, axis)).astype(np.float32)
    flat = grid.reshape(-1, d + 1)[:n]
    return flat[:, :d] / flat[:, d:]
