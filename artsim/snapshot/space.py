"""`Space`: one encoder's vectors over all works, with the statistics and the index that make them searchable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from artsim.embedding.embedded_works import SpaceVectors
from artsim.embedding.preprocessing import Preprocessing
from artsim.embedding.vector_columns import compact_column, density_column, region_column, stored_type, vector_columns
from artsim.encoders.presets import Presets, Weights, presets_of
from artsim.encoders.protocol import Aspect, Blocks
from artsim.encoders.region_vectors import Region
from artsim.index import CompactIndex, ExactIndex, MilvusIndex, Rows, VectorIndex, build_first_pass, laid_end_to_end
from artsim.snapshot.calibration import REFIT_UP_TO, Calibration
from artsim.snapshot.density import density_of, reference_rows
from artsim.snapshot.memo import Memo
from artsim.snapshot.region_index import IndexedRegions, RegionStatistics, index_regions
from artsim.snapshot.space_statistics import COMPACT_FROM, SpaceStatistics, fit_statistics

_CHUNK = 2_000  # works whose raw blocks are in memory at once
_REFIT_GROWTH = 1.25  # a space that is kept whole is fitted again once the collection has grown by a quarter
_PLAIN_CANDIDATES = 2_000  # works at least whose plain vectors are compared with a query


@dataclass(frozen=True)
class Space:
    """One encoder's vectors over all works.

    `subject` are the plain subject vectors; `density` (n, aspects): see `artsim.snapshot.density`; `wide`: the other raw
    blocks, half precision, of a space that is kept whole, empty for a compact one.
    """

    statistics: SpaceStatistics
    index: VectorIndex
    encoder: str
    revision: str
    subject: Rows = field(repr=False)
    density: Rows = field(repr=False)
    wide: Mapping[Aspect, Rows] = field(default_factory=dict, repr=False)
    regions: IndexedRegions | None = None
    """For detail search; None if the collection was built without regions."""
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    precision: str = "float32"
    """The number format that the encoder computed its vectors in."""
    calibration: Calibration | None = None
    """What scores are calibrated by; None where it is to be fitted again: see `artsim.search.calibration`."""
    memo: Memo = field(default_factory=Memo, init=False, repr=False)

    @property
    def name(self) -> str:
        return self.statistics.name

    def __len__(self) -> int:
        return len(self.density)

    @property
    def is_compact(self) -> bool:
        return self.statistics.bases is not None

    @property
    def presets(self) -> Presets:
        """The presets of this encoder's family."""
        return presets_of(self.encoder, self.revision)

    def weights_by_aspect(self, weights: Weights) -> Mapping[Aspect, float]:
        return self.presets[weights] if isinstance(weights, str) else weights

    def weigh(self, weights: Weights) -> np.ndarray:
        """(aspects,) float32 shares that sum to 1. Raises `QueryError` for unknown aspects, negative or all-zero weights."""
        return self.statistics.weigh(self.weights_by_aspect(weights))

    def likeness_among(self, rows: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """(r, r): weighted cosines of the works at `rows` to one another; aspects of weight 0 cost nothing."""
        if len(self) < COMPACT_FROM and not self.is_compact:
            return np.tensordot(shares, self._products, 1)[np.ix_(rows, rows)]
        blocks = self.statistics.split(self.index.vectors(rows))
        used = [(block, share) for block, share in zip(blocks.values(), shares, strict=True) if share > 0]
        return np.sum([share * (block @ block.T) for block, share in used], axis=0)

    @cached_property
    def _products(self) -> np.ndarray:
        """(aspects, n, n): the cosines of all works to one another, of a small collection."""
        blocks = self.statistics.split(self.index.vectors(np.arange(len(self))))
        return np.stack([block @ block.T for block in blocks.values()])

    def colors(self, rows: np.ndarray) -> np.ndarray:
        """(len(rows), d) float32: the raw `color` blocks; of a compact space, as nearly as its components give them."""
        if "color" in self.wide:
            return self.wide["color"].take(rows).astype(np.float32)
        return self.statistics.restored("color", self.statistics.split(self.index.vectors(rows))["color"])

    def raw_blocks(self) -> dict[Aspect, Rows]:
        """The raw blocks of all works, of a space that is kept whole."""
        return {"subject": self.subject, **self.wide}

    def plain(self, rows: np.ndarray) -> np.ndarray:
        """(len(rows), d) float32: plain subject vectors."""
        return self.subject.take(rows).astype(np.float32)

    def nearest_plain(
        self, vector: np.ndarray, k: int, allowed: np.ndarray | None = None, expression: str = ""
    ) -> tuple[np.ndarray, np.ndarray]:
        """Scores and rows of the `k` works whose plain subject vectors have the highest inner product with `vector` (d,).

        In a compact space, among those that the index finds nearest. `expression`: see `VectorIndex.search`.
        """
        if self.index.codes is not None:
            query, count = self.statistics.uncentred_subject(vector), max(_PLAIN_CANDIDATES, 10 * k)
            _, found = self.index.search(query[None], count, allowed=allowed, expression=expression)
            rows = np.sort(found[0])
        else:
            rows = np.arange(len(self)) if allowed is None else np.flatnonzero(allowed)
        scores = self.subject.products(rows, vector)
        best = np.argsort(-scores, kind="stable")[:k]
        return scores[best], rows[best]

    def appended(self, new: SpaceVectors) -> Space:
        """With the vectors of new works at the end.

        A space that is kept whole is fitted again once it has grown enough; the bases of a compact one stay.
        """
        if self.regions is not None:
            self.regions.check_boxes()
        return self._appended_compact(new) if self.is_compact else self._appended_whole(new)

    def _appended_whole(self, new: SpaceVectors) -> Space:
        blocks = {aspect: rows.appended(new.blocks[aspect]) for aspect, rows in self.raw_blocks().items()}
        regions = self.regions
        if regions is not None and new.regions is not None:
            regions = regions.appended(new.regions)
        n = len(blocks["subject"])
        if n >= COMPACT_FROM or n > _REFIT_GROWTH * self.statistics.fitted:
            raw_regions = None if regions is None else regions.vectors
            segments = self.statistics.segments
            space = make_space(self.name, self.encoder, self.revision, blocks, segments=segments, regions=raw_regions)
            return replace(space, preprocessing=self.preprocessing, precision=self.precision)
        vectors = self.statistics.index_vectors(_taken(blocks, np.arange(len(self), n)))
        everything = np.concatenate([self.index.vectors(np.arange(len(self))), vectors])
        density = density_of([vectors], everything, self.statistics.block_dims)
        return replace(
            self,
            index=ExactIndex(everything),
            subject=blocks.pop("subject"),
            density=self.density.appended(density),
            wide=blocks,
            regions=regions,
            calibration=None,
        )

    def _appended_compact(self, new: SpaceVectors) -> Space:
        index, bits = self.index, self.statistics.bits
        assert isinstance(index, CompactIndex | MilvusIndex) and bits is not None
        codes = new.codes if new.codes is not None else bits.encode(self.statistics.index_vectors(new.blocks))
        regions = self.regions
        if regions is not None:
            stored = new.region_codes
            if stored is None and new.regions is not None:
                stored = regions.statistics.stored(new.regions)
            assert stored is not None
            regions = regions.appended(stored)
        grown = index.appended(codes)
        reference = grown.vectors(reference_rows(len(grown)))
        density = density_of([bits.decode(codes)], reference, self.statistics.block_dims)
        return replace(
            self,
            index=grown,
            subject=self.subject.appended(new.blocks["subject"]),
            density=self.density.appended(density),
            regions=regions,
            calibration=self.calibration if len(grown) > REFIT_UP_TO else None,
        )

    def only(self, rows: np.ndarray) -> Space:
        """With only the works at `rows`. What was fitted stays; the vectors of the others are not copied, only left out."""
        return replace(
            self,
            index=self.index.only(rows),
            subject=self.subject.only(rows),
            density=self.density.only(rows),
            wide={aspect: block.only(rows) for aspect, block in self.wide.items()},
            regions=None if self.regions is None else self.regions.only(rows),
            calibration=None if self.calibration is None else self.calibration.only(rows, len(self)),
        )

    def touched(self, row: int) -> Space:
        """With other metadata of the work at `row`."""
        return replace(self, index=self.index.touched(row))

    def vectors_of(self, rows: np.ndarray) -> SpaceVectors:
        """The vectors of the works at `rows`, as `appended` takes them."""
        blocks = _taken(self.raw_blocks(), rows)
        regions = None if self.regions is None else self.regions.vectors.take(rows)
        if (codes := self.index.codes) is not None:
            return SpaceVectors(blocks, codes=codes.take(rows), region_codes=regions)
        return SpaceVectors(blocks, None if regions is None else regions.astype(np.float32))

    def columns(self) -> dict[str, Rows]:
        """All vectors, by the names of their columns in a saved collection; the plain subject vectors first."""
        names = vector_columns(self.name)
        columns = {names["subject"]: self.subject, density_column(self.name): self.density}
        columns |= {names[aspect]: block for aspect, block in self.wide.items()}
        if self.index.codes is not None:
            columns[compact_column(self.name)] = self.index.codes
        if self.regions is not None:
            columns[region_column(self.name)] = self.regions.vectors
        return columns


def make_space(
    name: str,
    encoder: str,
    revision: str,
    blocks: Mapping[Aspect, Rows],
    *,
    segments: Mapping[Aspect, tuple[int, ...]] | None = None,
    regions: Rows | None = None,
    whole: bool | None = None,
) -> Space:
    """Fit a space to raw blocks (n, d each) and index it. `segments`: the lengths of each block's segments.

    `regions`: the raw vectors (n, regions * d) of the regions of all works, for detail search. `whole`: whether the blocks
    are kept whole (default: below `COMPACT_FROM` works).
    """
    n = len(blocks["subject"])
    whole = n < COMPACT_FROM if whole is None else whole
    blocks = {aspect: _stored_block(aspect, block, whole=whole) for aspect, block in blocks.items()}
    statistics = fit_statistics(name, blocks, segments, compact=not whole)
    columns = {vector_columns(name)[aspect]: block for aspect, block in blocks.items()}
    if (bits := statistics.bits) is not None:
        codes = laid_end_to_end((bits.encode(vectors) for vectors in _index_vectors(statistics, blocks)), n)
        columns = {vector_columns(name)["subject"]: blocks["subject"], compact_column(name): Rows.of(codes)}
    indexed = None if regions is None else index_regions(regions, compact=bits is not None)
    return _with_density(statistics, encoder, revision, columns, indexed)


def refilled(space: Space, name: str, columns: Mapping[str, Rows]) -> Space:
    """A space of other works that keeps what was fitted to `space`, a compact one. `columns`: what is stored of them."""
    regions = None if space.regions is None else columns.get(region_column(name))
    indexed = None if regions is None or space.regions is None else replace(space.regions, vectors=regions)
    own = {column: columns[column] for column in (vector_columns(name)["subject"], compact_column(name))}
    new = _with_density(replace(space.statistics, name=name), space.encoder, space.revision, own, indexed)
    return replace(new, preprocessing=space.preprocessing, precision=space.precision)


def _with_density(
    statistics: SpaceStatistics, encoder: str, revision: str, columns: dict[str, Rows], regions: IndexedRegions | None
) -> Space:
    """A space of all columns but the density, which is computed."""
    index = _index(statistics, columns, None, scanned=True)
    n = len(index)
    reference = index.vectors(reference_rows(n))
    chunks = (index.vectors(np.arange(start, min(start + _CHUNK, n))) for start in range(0, n, _CHUNK))
    density = Rows.of(density_of(chunks, reference, statistics.block_dims))
    return _space(statistics, encoder, revision, {**columns, density_column(statistics.name): density}, index, regions)


def open_space(
    statistics: SpaceStatistics,
    encoder: str,
    revision: str,
    columns: Mapping[str, Rows],
    *,
    first_pass: Any = None,
    scanned: bool = True,
    regions: RegionStatistics | None = None,
    boxes: tuple[Region, ...] = (),
) -> Space:
    """A space from what `Space.columns` gave when it was saved.

    `first_pass`: FAISS's index of a compact space; it is made again if it is missing, unless nothing is to be `scanned` here.
    """
    vectors = None if regions is None else columns[region_column(statistics.name)]
    indexed = None if regions is None or vectors is None else IndexedRegions(boxes, regions, vectors)
    index = _index(statistics, columns, first_pass, scanned)
    return _space(statistics, encoder, revision, columns, index, indexed)


def _space(
    statistics: SpaceStatistics,
    encoder: str,
    revision: str,
    columns: Mapping[str, Rows],
    index: VectorIndex,
    regions: IndexedRegions | None,
) -> Space:
    names = vector_columns(statistics.name)
    wide: dict[Aspect, Rows] = {
        aspect: columns[names[aspect]]
        for aspect in statistics.aspects
        if aspect != "subject" and statistics.bits is None
    }
    density = columns[density_column(statistics.name)]
    return Space(statistics, index, encoder, revision, columns[names["subject"]], density, wide, regions)


def _index(statistics: SpaceStatistics, columns: Mapping[str, Rows], first_pass: Any, scanned: bool) -> VectorIndex:
    names = vector_columns(statistics.name)
    if statistics.bits is None:
        blocks = {aspect: columns[names[aspect]] for aspect in statistics.aspects}
        return ExactIndex(np.concatenate(list(_index_vectors(statistics, blocks))))
    codes = columns[compact_column(statistics.name)]
    if first_pass is None and scanned:
        first_pass = build_first_pass(codes, statistics.bits)
    return CompactIndex(codes, statistics.bits, statistics.block_dims, first_pass)


def _index_vectors(statistics: SpaceStatistics, blocks: Mapping[Aspect, Rows]) -> Iterator[np.ndarray]:
    """Index vectors (at most `_CHUNK`, dimension) of raw blocks, in chunks."""
    for start in range(0, len(blocks["subject"]), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(blocks["subject"])))
        yield statistics.index_vectors(_taken(blocks, rows))


def _taken(blocks: Mapping[Aspect, Rows], rows: np.ndarray) -> Blocks:
    return {aspect: block.take(rows).astype(np.float32) for aspect, block in blocks.items()}


def _stored_block(aspect: Aspect, block: Rows, *, whole: bool) -> Rows:
    """The block in the precision in which it is stored; one that is not stored stays as it is."""
    single = stored_type(aspect, block.dimension) == np.float32
    if single or (aspect != "subject" and not whole) or block.parts[0].dtype == np.float16:
        return block
    return Rows.of(np.concatenate([chunk.astype(np.float16) for _, chunk in block.chunks(_CHUNK)]))
