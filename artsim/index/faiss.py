"""FAISS on one machine: exact, exact with half the memory, or an HNSW graph, by the number of works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from artsim.errors import CollectionError

FLAT_UP_TO = 50_000
FP16_UP_TO = 1_000_000
KINDS = ("auto", "flat", "fp16", "hnsw")
_HNSW_LINKS, _HNSW_BUILD, _HNSW_SEARCH = 32, 80, 128
_EXACT_BELOW = 0.1  # share of allowed rows below which exact search replaces the graph
_CHUNK = 20_000


class FaissIndex:
    """See `artsim.index.protocol.VectorIndex`. `faiss_index` is the plain FAISS object, for its other operations."""

    def __init__(self, faiss_index: Any) -> None:
        self.faiss_index = faiss_index
        self.dimension: int = faiss_index.d
        self.kind = _kind_of(faiss_index)

    def __len__(self) -> int:
        return self.faiss_index.ntotal

    def search(
        self, queries: np.ndarray, k: int, *, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        import faiss

        queries = np.ascontiguousarray(queries, np.float32)
        k = min(k, len(self)) if allowed is None else min(k, int(allowed.sum()))
        if k == 0:
            return np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64)
        bits = None if allowed is None else np.packbits(allowed, bitorder="little")
        selector = None if bits is None else faiss.IDSelectorBitmap(len(self), faiss.swig_ptr(bits))
        if self.kind == "hnsw" and allowed is not None and allowed.mean() < _EXACT_BELOW:
            return self._search_among(queries, k, np.flatnonzero(allowed))
        if self.kind == "hnsw":
            options = faiss.SearchParametersHNSW(sel=selector, efSearch=max(_HNSW_SEARCH, 2 * k))
        else:
            options = faiss.SearchParameters(sel=selector)
        return self.faiss_index.search(queries, k, params=options)

    def _search_among(self, queries: np.ndarray, k: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Exact search over few rows: the graph only traverses allowed rows, and may reach none."""
        import faiss

        best = np.full((len(queries), k), -np.inf, np.float32), np.full((len(queries), k), -1, np.int64)
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            scores, positions = faiss.knn(
                queries, self.vectors(chunk), min(k, len(chunk)), metric=faiss.METRIC_INNER_PRODUCT
            )
            scores, nearest = np.hstack([best[0], scores]), np.hstack([best[1], chunk[positions]])
            order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
            best = np.take_along_axis(scores, order, 1), np.take_along_axis(nearest, order, 1)
        return best

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        return self.faiss_index.reconstruct_batch(np.asarray(rows, np.int64))

    def save(self, path: Path) -> None:
        import faiss

        faiss.write_index(self.faiss_index, str(path))


def build_index(vectors: np.ndarray, *, kind: str = "auto") -> FaissIndex:
    """Build an inner-product index over `vectors` (n, d) float32; row i of the index is row i of `vectors`."""
    import faiss

    n, d = vectors.shape
    if kind == "auto":
        kind = "flat" if n <= FLAT_UP_TO else "fp16" if n <= FP16_UP_TO else "hnsw"
    metric = faiss.METRIC_INNER_PRODUCT
    if kind == "flat":
        index = faiss.IndexFlatIP(d)
    elif kind == "fp16":
        index = faiss.IndexScalarQuantizer(d, faiss.ScalarQuantizer.QT_fp16, metric)
    elif kind == "hnsw":
        index = faiss.IndexHNSWSQ(d, faiss.ScalarQuantizer.QT_fp16, _HNSW_LINKS, metric)
        index.hnsw.efConstruction = _HNSW_BUILD
    else:
        raise CollectionError(f"There is no index type {kind}; choose among {', '.join(KINDS)}.")
    vectors = np.ascontiguousarray(vectors, np.float32)
    if not index.is_trained:
        index.train(vectors[:1000])
    index.add(vectors)
    return FaissIndex(index)


def load_index(path: Path) -> FaissIndex:
    """Read a FAISS file. `CollectionError` when it is not one, or its metric is not the inner product."""
    import faiss

    try:
        index = faiss.read_index(str(path))
    except RuntimeError as error:
        raise CollectionError(f"{path} is not a FAISS index ({str(error).splitlines()[-1]}).") from error
    if index.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise CollectionError(f"{path} does not compare by inner product; build the collection again.")
    return FaissIndex(index)


def _kind_of(index: Any) -> str:
    import faiss

    index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexHNSW):
        return "hnsw"
    return "fp16" if isinstance(index, faiss.IndexScalarQuantizer) else "flat"
