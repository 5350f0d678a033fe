"""What the works of a collection are recognised by: a column group beside its spaces, independent of their encoders."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from artsim.embedding.embedded_works import RecognitionVectors
from artsim.embedding.vector_columns import FEATURES_COLUMN, RECOGNITION_COLUMN
from artsim.encoders.recognition_vectors import REVISION, likeness
from artsim.index import Rows
from artsim.storage.manifest import ColumnRecord, RecognitionRecord

_CHUNK = 8_192  # works that are compared at once
_THREADS = 2
_NEXT = 10  # works after the best one of a view, whose mean says what is usual for it


@dataclass(frozen=True, eq=False)
class Recognition:
    """`codes` (n, 256) uint8 find candidates; `features` (n, 14,406) uint8: local features where no pictures are kept."""

    codes: Rows
    features: Rows | None = None

    @classmethod
    def of(cls, vectors: RecognitionVectors) -> Recognition:
        return cls(Rows.of(vectors.codes), None if vectors.features is None else Rows.of(vectors.features))

    @classmethod
    def of_columns(cls, columns: Mapping[str, Rows]) -> Recognition | None:
        """From what `columns` gave; None if they are not among `columns`."""
        codes = columns.get(RECOGNITION_COLUMN)
        return None if codes is None else cls(codes, columns.get(FEATURES_COLUMN))

    def columns(self) -> dict[str, Rows]:
        """All vectors, by the names of their columns in a saved collection."""
        return {RECOGNITION_COLUMN: self.codes} | ({} if self.features is None else {FEATURES_COLUMN: self.features})

    def appended(self, new: RecognitionVectors) -> Recognition:
        """With the vectors of new works at the end."""
        if self.features is None:
            return Recognition(self.codes.appended(new.codes))
        assert new.features is not None  # embedded where they are kept
        return Recognition(self.codes.appended(new.codes), self.features.appended(new.features))

    def only(self, rows: np.ndarray) -> Recognition:
        """Of only these works."""
        return Recognition(self.codes.only(rows), None if self.features is None else self.features.only(rows))

    def vectors_of(self, rows: np.ndarray) -> RecognitionVectors:
        """The vectors of the works at `rows`, as `appended` takes them."""
        return RecognitionVectors(self.codes.take(rows), None if self.features is None else self.features.take(rows))

    def candidates(self, views: np.ndarray, k: int) -> np.ndarray:
        """The rows of the `k` works that views (v, 256) of a photograph may show, likeliest first.

        A view counts by how much more it resembles a work than the ten next ones, so that a blurred or empty view, which
        resembles many, counts little. The best view of a work counts.
        """
        n = len(self.codes)
        cosines = np.empty((len(views), n), np.float32)

        def compare(start: int) -> None:
            stop = min(start + _CHUNK, n)
            cosines[:, start:stop] = likeness(self.codes.take(np.arange(start, stop)), views)

        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(compare, range(0, n, _CHUNK)))
        if n > 1:
            usual = np.sort(np.partition(cosines, max(0, n - _NEXT - 1), axis=1)[:, max(0, n - _NEXT - 1) :], axis=1)
            cosines -= usual[:, :-1].mean(axis=1, keepdims=True)
        best = cosines.max(axis=0)
        found = np.argpartition(-best, min(k, n) - 1)[:k]
        return found[np.argsort(-best[found], kind="stable")]


def record_of(recognition: Recognition | None) -> RecognitionRecord | None:
    """The entry of the manifest."""
    if recognition is None:
        return None
    columns = {name: ColumnRecord(name, "uint8", rows.dimension) for name, rows in recognition.columns().items()}
    return RecognitionRecord(tuple(columns.values()), REVISION)
