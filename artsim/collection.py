"""A collection: open it, search it, change it, save it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from artsim.contents import Contents, IndexedSpace
from artsim.duplicates import duplicates as _duplicates
from artsim.embedding import QueryEmbedding
from artsim.encoders.base import Aspect, Blocks, Encoder
from artsim.errors import CollectionError, EncoderError, QueryError
from artsim.explain import explain as _explain
from artsim.filters import Where
from artsim.images import ImageLike, load_image
from artsim.index import build_index
from artsim.influence import influence as _influence
from artsim.manifest import Manifest
from artsim.search import PRESET_RANKINGS, PRESETS, Match, Part, Query, Ranking, run_query, run_query_each
from artsim.space import fit_space

log = logging.getLogger(__name__)

Pictures = Callable[[int], bytes]
"""Row number -> bytes of its picture."""


@dataclass(frozen=True)
class Origin:
    """Where on the Hub a collection was opened from: the dataset repository and the exact commit."""

    repo_id: str
    commit: str

    def __str__(self) -> str:
        return f"{self.repo_id} at {self.commit[:12]}"


class Collection:
    """Works, their vectors, and what was measured of them.

    Made by `open_collection`; safe to search from several threads, also while works are added or removed.
    """

    def __init__(
        self,
        *,
        contents: Contents,
        pictures: Pictures,
        manifest: Manifest,
        folder: Path | None,
        origin: Origin | None = None,
    ) -> None:
        self.manifest = manifest
        self.folder = folder
        self.origin = origin
        self._state = (contents, pictures)
        self._encoders: dict[str, Encoder] = {}
        self._fingerprints: dict[str, np.ndarray] = {}
        self._embedding = QueryEmbedding(self.encoder, self.picture)
        self._loading = threading.Lock()
        self._changing = threading.Lock()

    def __len__(self) -> int:
        return len(self.contents)

    @property
    def contents(self) -> Contents:
        """What is searched now: a snapshot that never changes."""
        return self._state[0]

    @property
    def ids(self) -> list[str]:
        return self.contents.table.column("id").to_pylist()

    def work(self, identity: str) -> dict[str, Any]:
        """The metadata of one work. `QueryError` when there is none with that id."""
        contents = self.contents
        return contents.work(self._row(contents, identity))

    def picture(self, identity: str) -> bytes:
        """The picture of one work, as the file it came as. `CollectionError` when pictures were left out."""
        contents, pictures = self._state
        if self.manifest.images != "bytes":
            raise CollectionError("This collection holds no pictures, only their addresses (column image_url).")
        return pictures(self._row(contents, identity))

    def image(self, identity: str) -> Image.Image:
        """The picture of one work, decoded."""
        return load_image(self.picture(identity), name=identity)

    @staticmethod
    def _row(contents: Contents, identity: str) -> int:
        try:
            return contents.rows[identity]
        except KeyError:
            raise QueryError(f"There is no work {identity!r} in this collection.") from None

    def encoder(self, space: str | None = None) -> Encoder:
        """The encoder of a space, loaded on first use. `EncoderError` says what is missing."""
        indexed = next((item for item in self.contents.spaces if space in (None, item.name)), None)
        if indexed is None:
            raise QueryError(f"There is no space {space!r} in this collection.")
        with self._loading:
            if indexed.encoder not in self._encoders:
                self._encoders[indexed.encoder] = _load_encoder(indexed)
            return self._encoders[indexed.encoder]

    def search(
        self,
        image: ImageLike | None = None,
        text: str | None = None,
        work: str | None = None,
        *,
        k: int = 10,
        aspects: Mapping[Aspect, float] | None = None,
        preset: str | None = None,
        where: Where | None = None,
        ranking: Ranking = "tuned",
        region: tuple[float, float, float, float] | None = None,
        parts: Sequence[Part] = (),
        other: Sequence[str] = (),
        at_most: Mapping[str, int] | None = None,
        space: str | None = None,
    ) -> list[Match]:
        """The `k` works most like a picture (path, PIL image or bytes), a text, a work of the collection, or `parts`.

        `aspects` weighs subject, style and color, or a `preset` does: balanced (the default), style, subject, color,
        same-work. `where` filters by metadata before the top k is taken. `ranking` is "tuned" (all of the above) or
        "cosine" (plain cosine of raw subject vectors). `region` is (left, top, right, bottom) of the picture, in 0..1.
        `other=["artist"]` leaves out works that share their artist with a work of the query; `at_most={"artist": 2}`
        keeps the answers varied. Raises `QueryError`, `ImageError` or `EncoderError`.
        """
        asked = [Part(image=image, region=region)] if image is not None else []
        asked += [Part(work=work, region=region)] if work is not None else []
        asked += [Part(text=text)] if text is not None else []
        query = Query(
            parts=(*asked, *parts),
            aspects=weights_of(aspects, preset),
            where=where,
            k=k,
            ranking=PRESET_RANKINGS.get(preset or "", ranking) if ranking == "tuned" else ranking,
            space=space,
            other=tuple(other),
            at_most=at_most or {},
        )
        return self.run(query)

    def run(self, query: Query) -> list[Match]:
        """Answer a `Query`: what `search` makes of its arguments."""
        return run_query(self.contents, query, self._embedding)

    def run_each(self, query: Query, *, by: str, most: int = 12) -> dict[Any, list[Match]]:
        """Conditional search: the best `query.k` works in each culture, century, medium or artist, side by side.

        `by` is a column, or "century" (from the column year); at most `most` values, those with the most works.
        """
        return run_query_each(self.contents, query, self._embedding, by, most)

    explain = _explain
    influence = _influence
    duplicates = _duplicates

    def add(self, works: Sequence[Mapping[str, Any]]) -> list[str]:
        """Add works, each a mapping with `image` (path, bytes or PIL) and any columns; returns their ids.

        Searches that run meanwhile see the collection as it was. Nothing is on disk until `save`. One picture that
        cannot be read raises `ImageError`, and nothing is added.
        """
        from artsim.change import with_works

        with self._changing:
            encoders = {indexed.name: self.encoder(indexed.name) for indexed in self.contents.spaces}
            self._state, ids = with_works(*self._state, works, encoders)
        return ids

    def remove(self, ids: Sequence[str]) -> None:
        """Take works out. `QueryError` when one of them is not there, and nothing is removed."""
        from artsim.change import without_works

        with self._changing:
            rows = [self._row(self.contents, identity) for identity in ids]
            self._state = without_works(*self._state, rows)

    def save(self, folder: str | Path | None = None) -> Path:
        """Write the collection to `folder`, by default where it was opened; the old one stays until the new is whole."""
        from artsim.saving import open_folder, save_collection

        if folder is None and self.origin is not None:
            raise CollectionError(f"This collection was opened from the Hub ({self.origin}): give save() a folder.")
        target = Path(folder).expanduser().resolve() if folder is not None else self.folder
        if target is None:
            raise CollectionError("This collection was never saved: give save() a folder.")
        with self._changing:
            contents, pictures = self._state
            save_collection(contents, pictures, self.manifest, target)
            saved = open_folder(target)  # from here on, pictures and vectors are read from the new files
            self._state, self.manifest, self.folder = saved._state, saved.manifest, target
            self.origin = None
        return target

    def dataset(self) -> Any:
        """The saved collection as a `datasets.Dataset` with its FAISS indexes attached (one per space, by its name)."""
        from artsim.saving import load_dataset_with_indexes

        if self.folder is None:
            raise CollectionError("This collection is not saved yet: call save(folder) first.")
        return load_dataset_with_indexes(self.folder, self.manifest)


def weights_of(aspects: Mapping[Aspect, float] | None, preset: str | None) -> Mapping[Aspect, float]:
    """The aspect weights that `aspects` or `preset` stand for; `QueryError` when both are given, or no such preset."""
    if aspects is not None and preset is not None:
        raise QueryError("Give aspects or a preset, not both.")
    if aspects is not None:
        return aspects
    if preset is not None and preset not in PRESETS:
        raise QueryError(f"There is no preset {preset!r}; choose among {', '.join(PRESETS)}.")
    return PRESETS[preset or "balanced"]


def _load_encoder(indexed: IndexedSpace) -> Encoder:
    from artsim.encoders import load_encoder

    is_commit = len(indexed.revision) == 40 and not Path(indexed.encoder).is_dir()
    encoder = load_encoder(indexed.encoder, revision=indexed.revision if is_commit else None)
    expected = {aspect: lengths for aspect, lengths in indexed.space.parts.items() if aspect != "color"}
    if dict(encoder.parts) != expected or (encoder.revision != indexed.revision and indexed.revision != "unknown"):
        raise EncoderError(
            f"The encoder {indexed.encoder} is at revision {encoder.revision}, but this collection was made with "
            f"{indexed.revision}: their vectors cannot be compared. Build the collection again, or restore that revision."
        )
    return encoder


def make_space(
    name: str,
    encoder: str,
    revision: str,
    columns: Mapping[Aspect, str],
    blocks: Blocks,
    *,
    parts: Mapping[Aspect, tuple[int, ...]] | None = None,
    index_kind: str = "auto",
) -> IndexedSpace:
    """Fit a space to raw blocks (n, d each), put together from `parts` as the encoder says, and index it."""
    space = fit_space(name, blocks, parts)
    index = build_index(space.place(blocks), kind=index_kind)
    by_column = {columns[aspect]: block for aspect, block in blocks.items()}
    return IndexedSpace(space, index, encoder, revision, columns, by_column.__getitem__)


def metadata_table(rows: Sequence[Mapping[str, Any]], features: Mapping[str, Any]) -> pa.Table:
    """Metadata rows as a table with the columns of `features`; `QueryError` when a value does not fit its column."""
    from datasets import Features

    schema = Features(dict(features)).arrow_schema.remove_metadata()
    try:
        return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise QueryError(f"A value does not fit its column: {error}") from error
