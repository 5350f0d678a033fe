"""Search on Milvus: it finds candidates, and their own vectors, in the collection's files, decide.

So an answer is that of comparing all works, as far as Milvus finds the candidates. Works that are not in Milvus yet, added or
edited since the last save, are always among these.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from artsim.errors import BusyError, CollectionError
from artsim.index.compact import CompactIndex, top
from artsim.index.exact import ExactIndex
from artsim.index.milvus_collection import MOST_HITS, MilvusCollection
from artsim.index.protocol import IndexKind

log = logging.getLogger(__name__)

_MORE, _MORE_SHARE = 50, 1.1  # candidates beyond those that are wanted
_FEW = 10_000  # a filter that leaves no more is answered without Milvus, from the vectors themselves
_DEEPER = 4
_ROUNDING = 1e-5  # between the products of Milvus and of this process


class MilvusIndex:
    """See `artsim.index.protocol.VectorIndex`.

    `local` has the vectors; row i of it is at `places[i]` of the stored ones (None: at i), which the entities of `remote`
    point to. `fields`: the fields of `remote` -> the columns of metadata that they hold. `unwritten`: the places (m,) of
    works that `remote` does not have, or not as they are now.
    """

    def __init__(
        self,
        local: CompactIndex | ExactIndex,
        remote: MilvusCollection,
        places: np.ndarray | None,
        fields: Mapping[str, str],
        unwritten: np.ndarray | None = None,
    ) -> None:
        self.local, self.remote, self.fields = local, remote, fields
        self.unwritten = np.zeros(0, np.int64) if unwritten is None else unwritten
        self._places = places
        self.codes = local.codes
        self.kind: IndexKind = local.kind
        self.dimension: int = local.dimension

    def __len__(self) -> int:
        return len(self.local)

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        return self.local.vectors(rows)

    def places(self, rows: np.ndarray) -> np.ndarray:
        """(len(rows),): where the vectors of `rows` lie among the stored ones."""
        return rows if self._places is None else self._places[rows]

    def search(
        self, queries: np.ndarray, k: int, *, allowed: np.ndarray | None = None, expression: str = ""
    ) -> tuple[np.ndarray, np.ndarray]:
        available = len(self) if allowed is None else int(np.count_nonzero(allowed))
        k = min(k, available)
        wanted = int(_MORE_SHARE * k) + _MORE + len(self.unwritten)
        few = 2 * available < len(self) and available <= _FEW
        if k == 0 or not len(queries) or few or wanted > MOST_HITS:
            return self.local.search(queries, k, allowed=allowed)
        share = 1.0 if expression else available / len(self)
        try:
            answers = self._answers(queries, k, min(MOST_HITS, int(wanted / share)), allowed, expression)
        except CollectionError as error:
            log.warning("%s", error)
            raise BusyError(
                "The Milvus server that this collection is searched on does not answer; try again in a minute."
            ) from error
        return np.stack([scores for scores, _ in answers]), np.stack([rows for _, rows in answers])

    def appended(self, codes: np.ndarray) -> MilvusIndex:
        """With the codes (m, d) of new works at the end, of a compact index."""
        assert isinstance(self.local, CompactIndex)
        grown = self.local.appended(codes)
        new = grown.codes.positions(np.arange(len(self), len(grown)))
        return MilvusIndex(grown, self.remote, grown.codes.physical, self.fields, np.union1d(self.unwritten, new))

    def only(self, rows: np.ndarray) -> MilvusIndex | ExactIndex:
        """With only `rows`. Milvus goes on finding the others, and they are left out.

        A small collection, whose vectors are kept whole, is compared by them until it is saved.
        """
        kept = self.local.only(rows)
        if isinstance(kept, ExactIndex):
            return kept
        unwritten = np.intersect1d(self.unwritten, self.places(rows))
        return MilvusIndex(kept, self.remote, kept.codes.physical, self.fields, unwritten)

    def touched(self, row: int) -> MilvusIndex | ExactIndex:
        if isinstance(self.local, ExactIndex):
            return self.local
        unwritten = np.union1d(self.unwritten, self.places(np.array([row])))
        return MilvusIndex(self.local, self.remote, self._places, self.fields, unwritten)

    def _answers(
        self, queries: np.ndarray, k: int, limit: int, allowed: np.ndarray | None, expression: str
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Scores and rows of the `k` best for each query, from the `limit` nearest entities, or more."""
        found = self.remote.nearest(queries, limit, expression)
        answers = []
        for query, (places, products) in zip(queries, found, strict=True):
            scores, rows = self._best(query, k, places, allowed)
            depth = limit
            # entities that lead nowhere, or to rows that are not allowed, or have changed, may have taken the first ranks
            while len(places) == depth and (len(rows) < k or scores[-1] < products[-1] - _ROUNDING):
                if depth == MOST_HITS:
                    rows = rows[:0]
                    break
                depth = min(MOST_HITS, _DEEPER * depth)
                places, products = self.remote.nearest(query[None], depth, expression)[0]
                scores, rows = self._best(query, k, places, allowed)
            answers.append((scores, rows) if len(rows) == k else self._compared(query, k, allowed))
        return answers

    def _best(
        self, query: np.ndarray, k: int, places: np.ndarray, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Scores and rows of the `k` best at `places`, or not yet in Milvus."""
        rows = self._rows_at(np.union1d(places, self.unwritten), allowed)
        likeness = self.local.compare(query, rows)
        best = top(likeness, k)
        return likeness[best], rows[best]

    def _compared(self, query: np.ndarray, k: int, allowed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Scores and rows of the `k` best of all."""
        scores, rows = self.local.search(query[None], k, allowed=allowed)
        return scores[0], rows[0]

    def _rows_at(self, places: np.ndarray, allowed: np.ndarray | None) -> np.ndarray:
        """The distinct rows, ascending, of `places`, without those of removed works and those that are not allowed."""
        rows = self._row_at[places[places < len(self._row_at)]]
        rows = np.unique(rows[rows >= 0])
        return rows if allowed is None else rows[allowed[rows]]

    @cached_property
    def _row_at(self) -> np.ndarray:
        """The row of each stored vector; -1 for those of removed works."""
        places = self.places(np.arange(len(self)))
        rows = np.full(1 + int(places.max(initial=-1)), -1, np.int64)
        rows[places] = np.arange(len(self))
        return rows
