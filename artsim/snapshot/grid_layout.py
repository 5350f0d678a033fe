"""Grid layout: place works on a grid, one per cell, so that similar works are neighbours.

A self-sorting map: works sit on a grid, the grid is smoothed, and pairs of works swap cells where both together then
fit the smoothed grid better; the smoothing radius shrinks step by step. (Strong and Gong 2014, "Self-Sorting Map"; the
shrinking radius as in Barthel, Hezel, Jung and Schall 2023, "Improved Evaluation and Generation of Grid Layouts using
Distance Preservation Quality and Linear Assignment Sorting".)
"""

from __future__ import annotations

import numpy as np

_RATIO = 1.5  # columns to rows: between landscape and portrait screens
_COMPONENTS = 48
MAX_FIT = 5_000  # works that principal components are fitted on at most
_RADIUS_DECAY = 0.95  # from one smoothing to the next
_START_RADIUS = 0.35  # as a share of the longer side


def columns_for(n: int) -> int:
    """The number of columns for `n` works: near `_RATIO` times the number of rows, with few empty cells."""
    ideal = max(1.0, (n * _RATIO) ** 0.5)
    near = range(max(1, round(ideal * 0.92)), min(n, round(ideal * 1.08)) + 1)
    return min(
        near or (1,), key=lambda columns: (-n % columns / max(n, 1) ** 0.5 + abs(columns - ideal) / ideal, columns)
    )


def principal(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and principal directions (d, at most 48), float32, by randomised SVD.

    (Halko, Martinsson and Tropp 2011.) `vectors` (n, d) is a sample, or all vectors.
    """
    mean = vectors.mean(axis=0)
    centred = vectors - mean
    count = max(1, min(_COMPONENTS, len(vectors) - 1, vectors.shape[1]))
    wide = min(count + 10, vectors.shape[1])
    basis = np.random.default_rng(0).normal(size=(vectors.shape[1], wide)).astype(np.float32)
    for _ in range(4):
        basis, _ = np.linalg.qr(centred.T @ (centred @ basis))
    _, _, directions = np.linalg.svd(centred @ basis, full_matrices=False)
    return mean.astype(np.float32), np.ascontiguousarray(basis @ directions.T[:, :count], np.float32)


def place_on_grid(vectors: np.ndarray, columns: int, *, start: np.ndarray | None = None) -> np.ndarray:
    """(n,) int32: the row of `vectors` (n, d) in each cell of a grid of `columns` columns, cells counted row by row.

    The last row of the grid may be short. With `start`, an order of all rows, only neighbourhoods are sorted again.
    The same input gives the same layout.
    """
    n = len(vectors)
    order = _initial_order(vectors, columns) if start is None else start.astype(np.int32)
    rounds = int(np.clip(150_000 / max(n, 1), 16, 60))
    radius = _START_RADIUS * max(columns, -(-n // columns)) if start is None else 3.0
    rng = np.random.default_rng(0)
    while n > 1:
        _swap(vectors, order, columns, max(1, round(radius)), rounds, rng)
        if radius <= 1:
            break
        radius = max(1.0, radius * _RADIUS_DECAY)
    return order


def _initial_order(vectors: np.ndarray, columns: int) -> np.ndarray:
    """Initial order: rows of the grid by the second component, cells within a row by the first."""
    down = vectors[:, min(1, vectors.shape[1] - 1)]
    order = np.argsort(down, kind="stable")
    for first in range(0, len(order), columns):
        row = order[first : first + columns]
        order[first : first + columns] = row[np.argsort(vectors[row, 0], kind="stable")]
    return order.astype(np.int32)


def _swap(
    vectors: np.ndarray, order: np.ndarray, columns: int, radius: int, rounds: int, rng: np.random.Generator
) -> None:
    """Swap works in `order` that fit better in each other's cell of the grid smoothed over `radius`."""
    smoothed = _smoothed(vectors[order], columns, radius)
    y, x = np.divmod(np.arange(len(order)), columns)
    for _ in range(rounds):
        right, down = rng.integers(-2 * radius, 2 * radius + 1, 2)
        if right == down == 0:
            continue
        stripe = x // abs(right) if abs(right) >= abs(down) else y // abs(down)
        inside = (stripe % 2 == rng.integers(2)) & (x + right >= 0) & (x + right < columns) & (y + down >= 0)
        first = np.flatnonzero(inside)  # pair cells of these stripes with cells of the others: no cell is in two pairs
        second = first + down * columns + right
        first, second = first[second < len(order)], second[second < len(order)]
        gain = np.einsum("nd,nd->n", vectors[order[first]] - vectors[order[second]], smoothed[second] - smoothed[first])
        first, second = first[gain > 0], second[gain > 0]
        order[first], order[second] = order[second], order[first]


def _smoothed(vectors: np.ndarray, columns: int, radius: int) -> np.ndarray:
    """(n, d): the mean of the vectors in the square of `radius` cells around each cell."""
    n, d = vectors.shape
    rows = -(-n // columns)
    grid = np.zeros((rows * columns, d + 1), np.float32)
    grid[:n, :d], grid[:n, d] = vectors, 1
    grid = grid.reshape(rows, columns, d + 1)
    for axis in (0, 1):
        length = grid.shape[axis]
        sums = np.cumsum(grid, axis=axis, dtype=np.float64)
        sums = np.concatenate([np.zeros_like(np.take(sums, [0], axis)), sums], axis=axis)
        positions = np.arange(length)
        high, low = np.minimum(positions + radius + 1, length), np.maximum(positions - radius, 0)
        grid = (np.take(sums, high, axis) - np.take(sums, low, axis)).astype(np.float32)
    flat = grid.reshape(-1, d + 1)[:n]
    return flat[:, :d] / flat[:, d:]
