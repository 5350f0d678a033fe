"""Density: how near a work is to its nearest works, per aspect.

It corrects hubness by CSLS (Conneau et al. 2018, "Word translation without parallel data"): a work that is near to everything
must be nearer still to rank as near to a query.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from artsim.encoders.protocol import unit_rows
from artsim.index import sample_rows

NEIGHBOURS = 10  # of CSLS
MAX_REFERENCE = 10_000  # works that density is measured against at most: a million take minutes so
_SAME = 0.9999  # cosine from which on two rows are the same work, or the same picture


def density_of(chunks: Iterable[np.ndarray], reference: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """(n, aspects) float32: mean cosine of each work to its `NEIGHBOURS` nearest in `reference`, itself (cosine 1) excluded.

    `chunks` of index vectors (m, d), together n; `reference` (r, d), at most `MAX_REFERENCE`; `widths` of the blocks.
    """
    ends = np.cumsum(widths)[:-1]
    others = [unit_rows(block) for block in np.split(reference, ends, axis=1)]  # unit rows again, as 8 bits round
    return np.concatenate([_density(np.split(chunk, ends, axis=1), others) for chunk in chunks])


def _density(blocks: Sequence[np.ndarray], reference: Sequence[np.ndarray]) -> np.ndarray:
    import faiss

    k = min(NEIGHBOURS + 1, len(reference[0]))
    columns = []
    for block, others in zip(blocks, reference, strict=True):
        scores, _ = faiss.knn(unit_rows(block), others, k, metric=faiss.METRIC_INNER_PRODUCT)
        if k > 1:
            itself = scores[:, 0] > _SAME
            scores = np.where(itself[:, None], scores[:, 1:], scores[:, :-1])
        columns.append(scores.mean(axis=1) if k > 1 else np.zeros(len(block), np.float32))
    return np.stack(columns, axis=1).astype(np.float32)


def reference_rows(n: int) -> np.ndarray:
    """The rows of `n` works that density is measured against: all, or `MAX_REFERENCE` at random, always the same."""
    return sample_rows(n, MAX_REFERENCE)
