"""A collection: open it, search it, change it, save it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from artsim.analysis.duplicates import duplicates as _duplicates
from artsim.analysis.explain import explain as _explain
from artsim.analysis.influence import influence as _influence
from artsim.analysis.path import path as _path
from artsim.embedding.embed_works import Prepared
from artsim.encoders.presets import ranking_of, weights_of
from artsim.encoders.protocol import Aspect, Encoder
from artsim.errors import CollectionError, QueryError
from artsim.images.decode import ImageLike, load_image
from artsim.search.encoder_comparison import EncoderComparison, compare_encoders
from artsim.search.encoder_selection import AutoRule
from artsim.search.engine import Match, Part, Query, choose_space, parts_of, run_query, run_query_each
from artsim.search.fusion import FusionRule
from artsim.search.query_vectors import QueryEmbedding, load_encoder_of
from artsim.search.ranking import Ranking
from artsim.search.regions import run_detail
from artsim.snapshot.filters import Where
from artsim.snapshot.state import Contents
from artsim.snapshot.works_map import WorksMap, works_map
from artsim.storage.manifest import Manifest

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
        encoders: Mapping[str, Encoder] | None = None,
    ) -> None:
        self.manifest = manifest
        self.folder = folder
        self.origin = origin
        self._state = (contents, pictures)
        self._encoders: dict[str, Encoder] = dict(encoders or {})  # by id
        self._fingerprints: dict[str, np.ndarray] = {}
        self._map: tuple[Contents, WorksMap] | None = None
        self._embedding = QueryEmbedding(self.encoder, self.picture)
        self._loading = threading.Lock()
        self._changing = threading.Lock()
        self._mapping = threading.Lock()

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
        """The picture of one work, as the file it came as.

        `CollectionError` when pictures were left out, `ImageError` when that of this work is not there.
        """
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
            raise QueryError("There is no work {work!r} in this collection.", work=identity) from None

    def encoder(self, name: str | None = None) -> Encoder:
        """An encoder by its id or the name of its space, loaded on first use. `EncoderError` says what is missing."""
        indexed = choose_space(self.contents, name)
        with self._loading:
            if indexed.encoder not in self._encoders:
                self._encoders[indexed.encoder] = load_encoder_of(indexed)
            return self._encoders[indexed.encoder]

    def prefer(self, encoder: str) -> None:
        """Put an encoder first: from now on it answers where none is named. `QueryError` when there is none of that name."""
        with self._changing:
            contents, pictures = self._state
            first = choose_space(contents, encoder)
            rest = (indexed for indexed in contents.spaces if indexed is not first)
            self._state = replace(contents, spaces=(first, *rest)), pictures

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
        encoder: str | None = None,
        auto: AutoRule = "margin",
        fusion: FusionRule = "weighted",
        encoder_weights: Mapping[str, float] | None = None,
        detail: bool = False,
    ) -> list[Match]:
        """The `k` works most like a picture (path, PIL image or bytes), a text, a work of the collection, or `parts`.

        `aspects` weighs subject, style and color, or a `preset` does: balanced (the default), style, subject, color,
        same-work. `where` filters by metadata before the top k is taken. `ranking` is "tuned" (all of the above) or
        "cosine" (plain cosine of raw subject vectors). `region` is (left, top, right, bottom) of the picture, in 0..1.
        `other=["artist"]` leaves out works that share their artist with a work of the query; `at_most={"artist": 2}`
        keeps the answers varied.

        In a collection of several encoders, `encoder` names the one that answers (by default the first; for a text the
        first that reads words). "auto" takes, for each query, the one whose answers stand out most by the rule `auto`;
        "fusion" puts the answers of all together by the rule `fusion`, each counting by `encoder_weights`. See
        docs/encoders.md.

        `detail` looks for works that contain what the picture shows (a hand, a lute, a gold ground); each match says where
        (`match.region`). It needs a collection built with regions, and takes no text, aspects, preset or ranking. See
        docs/copies.md. Raises `QueryError`, `ImageError` or `EncoderError`.
        """
        if detail and (aspects is not None or preset is not None or ranking != "tuned"):
            raise QueryError("Details are looked for by regions alone; leave aspects, preset and ranking out.")
        query = Query(
            parts=(*parts_of(image, text, work, region), *parts),
            aspects=weights_of(aspects, preset),
            where=where,
            k=k,
            ranking=ranking_of(ranking, preset),
            encoder=encoder,
            auto=auto,
            fusion=fusion,
            encoder_weights=encoder_weights or {},
            other=tuple(other),
            at_most=at_most or {},
            detail=detail,
        )
        return self.run(query)

    def compare_encoders(
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
    ) -> EncoderComparison:
        """What each encoder answers, side by side, with statistics that need no labels. Everything else as in `search`."""
        query = Query(
            parts=parts_of(image, text, work, region),
            aspects=weights_of(aspects, preset),
            where=where,
            k=k,
            ranking=ranking_of(ranking, preset),
            encoder="auto",
        )
        return compare_encoders(self.contents, query, self._embedding)

    def run(self, query: Query) -> list[Match]:
        """Answer a `Query`: what `search` makes of its arguments."""
        return (run_detail if query.detail else run_query)(self.contents, query, self._embedding)

    def run_each(self, query: Query, *, by: str, most: int = 12) -> dict[Any, list[Match]]:
        """Conditional search: the best `query.k` works in each culture, century, medium or artist, side by side.

        `by` is a column, or "century" (from the column year); at most `most` values, those with the most works.
        """
        return run_query_each(self.contents, query, self._embedding, by, most)

    explain = _explain
    influence = _influence
    duplicates = _duplicates
    path = _path
    map = works_map

    def prepare(self, works: Sequence[Mapping[str, Any]]) -> Prepared:
        """Read and embed works that `add` is to be given: what takes long of adding them. Nothing is added yet."""
        from artsim.embedding.embed_works import prepare_works

        spaces = self.contents.spaces
        return prepare_works(works, spaces, {indexed.name: self.encoder(indexed.name) for indexed in spaces})

    def add(self, works: Sequence[Mapping[str, Any]] | Prepared) -> list[str]:
        """Add works, each a mapping with `image` (path, bytes or PIL) and any columns; returns their ids.

        Searches that run meanwhile see the collection as it was. Nothing is on disk until `save`. One picture that
        cannot be read raises `ImageError`, and nothing is added. Give what `prepare` returned to have them read before.
        """
        from artsim.snapshot.edits import with_works

        prepared = self.prepare(works) if isinstance(works, Sequence) else works
        with self._changing:
            self._state, ids = with_works(*self._state, prepared)
        return ids

    def edit(self, identity: str, values: Mapping[str, Any]) -> None:
        """Change metadata of a work: column -> new value, None to empty it. Other columns stay as they are.

        `QueryError` when there is no such work or column, a value does not fit its column, or it is the id. Nothing is
        on disk until `save`.
        """
        from artsim.snapshot.edits import with_values

        with self._changing:
            contents, pictures = self._state
            self._state = (with_values(contents, self._row(contents, identity), values), pictures)

    def remove(self, ids: Sequence[str]) -> None:
        """Take works out. `QueryError` when one of them is not there, and nothing is removed."""
        self.take_out(ids)

    def take_out(self, ids: Sequence[str]) -> Prepared:
        """Like `remove`, and returns what was taken out: until the next `save`, `add` puts it back (at the end)."""
        from artsim.embedding.embed_works import taken_from
        from artsim.snapshot.edits import without_works

        with self._changing:
            rows = [self._row(self.contents, identity) for identity in ids]
            before = self._state
            self._state = without_works(*before, rows)
        return taken_from(*before, rows)

    def describe(
        self,
        *,
        title: str | None = None,
        license: str | None = None,
        description: str | None = None,
        homepage: str | None = None,
    ) -> None:
        """Change what the collection says of itself, where given. `QueryError` for an empty title. On disk with `save`."""
        if title is not None and not title.strip():
            raise QueryError("A collection needs a title.")
        given = {"description": description, "homepage": homepage}
        with self._changing:
            self.manifest = replace(
                self.manifest,
                title=self.manifest.title if title is None else title.strip(),
                license=self.manifest.license if license is None else license,
                source={**self.manifest.source, **{key: value for key, value in given.items() if value is not None}},
            )

    def save(self, folder: str | Path | None = None) -> Path:
        """Write the collection to `folder`, by default where it was opened; the old one stays until the new is whole."""
        from artsim.snapshot.files import open_folder, save_collection

        if folder is None and self.origin is not None:
            raise CollectionError(
                "This collection was opened from the Hub ({origin}): give save() a folder.", origin=self.origin
            )
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
        from artsim.snapshot.files import load_dataset_with_indexes

        if self.folder is None:
            raise CollectionError("This collection is not saved yet: call save(folder) first.")
        return load_dataset_with_indexes(self.folder, self.manifest)
