"""Principal directions of rows."""

from __future__ import annotations

import numpy as np

WIDTH_STEP = 8  # widths are multiples of this, filled up with zeros: FAISS is slow otherwise


def principal_directions(rows: np.ndarray, count: int) -> np.ndarray:
    """(d, `count` or fewer) float32: the right singular vectors of rows (n, d), largest first.

    Unlike principal components they are not centred, so the projection keeps inner products as well as it can.
    """
    count = min(count, *rows.shape)
    if rows.shape[0] > rows.shape[1]:
        _, vectors = np.linalg.eigh(rows.T @ rows)
        directions = vectors[:, ::-1][:, :count]
    else:
        directions = np.linalg.svd(rows, full_matrices=False)[2][:count].T
    return np.ascontiguousarray(directions, np.float32)


def projection(rows: np.ndarray, width: int) -> np.ndarray:
    """(d, `width` or fewer): `principal_directions`, filled up with zeros to a multiple of 8 and rotated at random.

    The rotation spreads the variance over all columns alike, so that 8 bits a number lose less of an inner product.
    """
    directions = principal_directions(rows, width)
    directions = np.pad(directions, ((0, 0), (0, -directions.shape[1] % WIDTH_STEP)))
    rotation, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((directions.shape[1],) * 2))
    return directions @ rotation.astype(np.float32)
