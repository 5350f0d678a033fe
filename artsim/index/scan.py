"""Scan: FAISS compares a query with every vector, stored in 8 or 16 bits a number."""

from __future__ import annotations

from typing import Any

import numpy as np

from artsim.index.eight_bits import EightBits


class ScanIndex:
    """Exact inner-product search over stored vectors (n, d): float16, or uint8 codes of `bits`."""

    def __init__(self, stored: np.ndarray, bits: EightBits | None) -> None:
        import faiss

        kind = faiss.ScalarQuantizer.QT_fp16 if bits is None else faiss.ScalarQuantizer.QT_8bit
        self._index = faiss.IndexScalarQuantizer(stored.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
        if bits is not None:  # FAISS decodes code c as low + (c + 1/2) / 255 * range
            faiss.copy_array_to_vector(
                np.concatenate([bits.low - bits.step / 2, 255 * bits.step]), self._index.sq.trained
            )
        self._index.is_trained = True
        self._index.add_sa_codes(np.ascontiguousarray(stored).view(np.uint8))

    def __len__(self) -> int:
        return self._index.ntotal

    def search(
        self, queries: np.ndarray, k: int, *, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Scores and rows (q, k) of the best rows per query (q, d), best first; among `allowed` (n,) bool only."""
        import faiss

        k = min(k, len(self) if allowed is None else int(np.count_nonzero(allowed)))
        if k == 0:
            return np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64)
        bitmap = None if allowed is None else np.packbits(allowed, bitorder="little")
        selector = None if bitmap is None else faiss.IDSelectorBitmap(len(self), faiss.swig_ptr(bitmap))
        parameters: Any = faiss.SearchParameters  # its Python constructor takes `sel` and keeps it alive
        return self._index.search(np.ascontiguousarray(queries, np.float32), k, params=parameters(sel=selector))
