"""`Collection`: the facade to search, analyse, change and save a collection."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from artsim.analysis.classification import classify as _classify
from artsim.analysis.duplicates import DuplicateGroup, find_duplicates
from artsim.analysis.echoes import echoes as _echoes
from artsim.analysis.explain import explain as _explain
from artsim.analysis.influence import influence as _influence
from artsim.analysis.path import path as _path
from artsim.analysis.picture_features import PictureFeatures
from artsim.embedding.decoded_works import decode_side, decode_works
from artsim.embedding.embed_works import embed_works
from artsim.embedding.embedded_works import EmbeddedWorks
from artsim.encoders.presets import Ranking, ranking_of, weights_of
from artsim.encoders.protocol import Aspect, Encoder
from artsim.errors import CollectionError, QueryError
from artsim.images.decode import ImageLike, load_image
from artsim.messages.progress import Progress
from artsim.search import encoder_comparison, many, recognition, text_search
from artsim.search.calibration import calibrated
from artsim.search.encoder_selection import AutoRule
from artsim.search.fusion import FusionRule
from artsim.search.label_index import LabelIndexes
from artsim.search.match import Match
from artsim.search.query import Part, Query, TextMode, parts_of
from artsim.search.query_vectors import QueryEmbedding
from artsim.search.run import run, run_each
from artsim.search.space_encoders import SpaceEncoders
from artsim.snapshot.edits import before_others, embedded_works_of, with_values, with_works, without_works
from artsim.snapshot.files import read_collection, save_collection
from artsim.snapshot.filters import Where
from artsim.snapshot.plain_dataset import load_plain_dataset
from artsim.snapshot.state import State, find_space, with_first, with_only
from artsim.snapshot.works_map import MapCache, WorksMap
from artsim.storage.manifest import Manifest, Origin


class Collection:
    """Works with their embeddings, indexes and statistics; `open_collection` opens one.

    Searches are thread-safe, also while works are added or removed.
    """

    def __init__(
        self,
        *,
        state: State,
        manifest: Manifest,
        folder: Path | None,
        origin: Origin | None = None,
        encoders: Mapping[str, Encoder] | None = None,
    ) -> None:
        self.manifest = manifest
        self.folder = folder
        self.origin = origin
        self.state = state
        """The current immutable snapshot. Every change replaces it by a new one."""
        self.preferred: str | None = None
        """The space that `prefer` put first, whichever is first on disk."""
        self.encoders = SpaceEncoders(encoders)
        self.known_features: dict[str, PictureFeatures] = {}
        """Cache of features for `duplicates`, by the sha256 of the picture file."""
        self.label_indexes = LabelIndexes()
        """What is written about the works, for `suggest` and texts; made on first use."""
        self._map_cache = MapCache()
        self.query_embedding = QueryEmbedding(self.encoder, self.picture)
        self._change_lock = threading.Lock()

    @classmethod
    def from_folder(cls, folder: Path, *, thorough: bool = False) -> Collection:
        """Open and verify the collection in `folder`; `thorough` also hashes large files. `CollectionError` if damaged."""
        state, manifest = read_collection(folder, thorough=thorough)
        return cls(state=state, manifest=manifest, folder=folder)

    def __len__(self) -> int:
        return len(self.state)

    @property
    def ids(self) -> list[str]:
        return self.state.table.column("id").to_pylist()

    def work(self, identity: str) -> dict[str, Any]:
        """The metadata of one work. Raises `QueryError` if there is no such work."""
        state = self.state
        return state.work(state.row_of(identity))

    def picture(self, identity: str) -> bytes:
        """The original picture file of one work. `CollectionError` if none are stored, `ImageError` if this is missing."""
        state = self.state
        if not self.manifest.embeds_pictures:
            raise CollectionError("This collection holds no pictures, only their addresses (column image_url).")
        return state.pictures(state.row_of(identity))

    def image(self, identity: str) -> Image.Image:
        """The picture of one work, decoded."""
        return load_image(self.picture(identity), name=identity)

    def encoder(self, name: str | None = None) -> Encoder:
        """An encoder by its id or the name of its space, loaded on first use. Raises `EncoderError` if it cannot be loaded."""
        return self.encoders.of(find_space(self.state, name))

    def prefer(self, encoder: str) -> None:
        """Make an encoder the default for queries that name none, and for the map. `save` does not keep it.

        Raises `QueryError` for an unknown name.
        """
        with self._change_lock:
            self.preferred = find_space(self.state, encoder).name
            self.state = with_first(self.state, [self.preferred])

    def keep_encoders(self, names: Sequence[str]) -> None:
        """Keep only these encoders, in this order: the first one answers queries that name none. Nothing is on disk until `save`.

        Raises `QueryError` for an unknown name, one that is given twice, or none.
        """
        with self._change_lock:
            self.state, self.preferred = with_only(self.state, names), None
            self.manifest = self.manifest.with_only([space.name for space in self.state.spaces])

    def search(
        self,
        image: ImageLike | None = None,
        text: str | None = None,
        work: str | None = None,
        *,
        text_mode: TextMode = "auto",
        k: int = 10,
        min_score: float = 0.0,
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
        """The `k` works most similar to an image (path, PIL image or bytes), a text, a work of the collection, or `parts`.

        `aspects` weights subject, style, color and layout, or a `preset` does: balanced (the default), style, subject,
        color, same-work. `where` filters by metadata before the top k are taken. `ranking` is "tuned", "likeness"
        (without the corrections of tuned) or "cosine" (plain cosine of raw subject vectors). `region` is (left, top,
        right, bottom) of the picture, in 0..1. `min_score` leaves out matches with a lower score (0..1).
        `other=["artist"]` excludes works that share their artist with a work of the query; `at_most={"artist": 2}`
        limits how many matches share an artist.

        A text alone first finds works by their title, artist, tags and other metadata; these matches have `found_by` "label"
        and no likeness: see `Match`. Below them come works that look like the text, if the encoder embeds texts (CLIP,
        SigLIP). `text_mode` "metadata" finds the former only, "meaning" the latter. Together with an image, a work or
        `parts`, a text has its meaning.

        With several encoders, `encoder` selects one (default: the first; for a text, the first with a text encoder).
        "auto" selects, for each query, the encoder whose matches stand out most by the rule `auto`; "fusion" merges the
        matches of all encoders by the rule `fusion`, weighted by `encoder_weights`. See docs/encoders.md.

        `detail` finds works that contain what the picture shows (a hand, a lute, a gold ground) and locates it in
        `match.region`. It requires a collection built with regions, and excludes text, aspects, preset and ranking. See
        docs/copies.md. Raises `QueryError`, `ImageError` or `EncoderError`.
        """
        if detail and (aspects is not None or preset is not None or ranking != "tuned"):
            raise QueryError("A search for details compares regions only; leave aspects, preset and ranking out.")
        query = Query(
            parts=(*parts_of(image, text, work, region), *parts),
            aspects=weights_of(aspects, preset),
            where=where,
            k=k,
            min_score=min_score,
            ranking=ranking_of(ranking, preset),
            encoder=encoder,
            auto=auto,
            fusion=fusion,
            encoder_weights=encoder_weights or {},
            other=tuple(other),
            at_most=at_most or {},
            detail=detail,
            text_mode=text_mode,
        )
        return self.run(query)

    def run(self, query: Query) -> list[Match]:
        """Run a `Query`, which `search` builds from its arguments."""
        return run(self.state, query, self.query_embedding, self.label_indexes)

    def run_each(self, query: Query, *, by: str, most: int = 12) -> dict[Any, list[Match]]:
        """Conditional search: the best `query.k` works for each culture, century, medium or artist.

        `by` is a column, or "century" (from the column year). Only the `most` values with the most works are searched.
        """
        return run_each(self.state, query, self.query_embedding, self.label_indexes, by, most)

    suggest = text_search.suggest
    recognize = recognition.recognize
    recogniser = recognition.recogniser
    search_many = many.search_many
    compare_encoders = encoder_comparison.compare_encoders
    classify = _classify
    echoes = _echoes
    explain = _explain
    influence = _influence
    path = _path

    def duplicates(self, *, progress: Progress | None = None) -> list[DuplicateGroup]:
        """See `find_duplicates`. Raises `CollectionError` if the collection stores no pictures."""
        if self.manifest.embeds_pictures:
            return find_duplicates(self.state, known=self.known_features, progress=progress)
        raise CollectionError("This collection holds no pictures, only their addresses: duplicates cannot be found.")

    def map(self) -> WorksMap:
        """The 2-D map of all works, similar works side by side at balanced weights; computed once, then cached.

        A collection is saved with its map. Without one it is computed now: in a second for a few hundred works, in a
        minute or two for 80,000. Works added since are placed beside the most similar work.
        """
        return self._map_cache.get(self.state, self._map_file())

    @property
    def has_map(self) -> bool:
        """Whether `map` returns within a few seconds: a map exists, or the collection is small."""
        return self._map_cache.is_quick(self.state, self._map_file())

    def _map_file(self) -> Path | None:
        """The file of the saved map, if there is one."""
        name = self.manifest.map_of(self.state.spaces[0].name)
        return self.folder / name if self.folder is not None and name is not None else None

    def prepare(self, works: Sequence[Mapping[str, Any]]) -> EmbeddedWorks:
        """Read and embed works for `add`: the slow part of adding. Nothing is added yet."""
        spaces, recogniser = self.state.spaces, self.recogniser()
        encoders = {space.name: self.encoder(space.name) for space in spaces}
        side = decode_side(encoders.values(), recognition=recogniser is not None)
        decoded = decode_works(works, side=side, preprocessing=spaces[0].preprocessing)
        regions = {space.name for space in spaces if space.regions is not None}
        return embed_works(decoded, encoders, regions=regions, recogniser=recogniser)

    def add(self, works: Sequence[Mapping[str, Any]] | EmbeddedWorks) -> list[str]:
        """Add works, each a mapping with `image` (path, bytes or PIL) and any columns, and return their ids.

        Running searches keep the state they started with. Nothing is on disk until `save`. If a picture cannot be read,
        `ImageError` is raised and nothing is added. Also takes the result of `prepare`. The description and the licence of
        the collection go on to apply to the works that it had: see `storage.provenance`.
        """
        prepared = self.prepare(works) if isinstance(works, Sequence) else works
        with self._change_lock:
            if prepared.removed_from is not self:  # else they are its own, and back
                self.state, self.manifest = before_others(self.state, self.manifest)
            self.state, ids = with_works(self.state, prepared)
            self.label_indexes.follow(self.state.table)
        return ids

    def edit(self, identity: str, values: Mapping[str, Any]) -> None:
        """Change metadata of a work: column -> new value, None to clear it. Other columns keep their values.

        Raises `QueryError` for an unknown work or column, a value that does not fit its column, or the column id.
        Nothing is on disk until `save`.
        """
        with self._change_lock:
            self.state = with_values(self.state, self.state.row_of(identity), values)
            self.label_indexes.follow(self.state.table)

    def remove(self, ids: Sequence[str]) -> EmbeddedWorks:
        """Remove works and return them: until the next `save`, `add` restores them (at the end).

        If one of them does not exist, raises `QueryError` and removes nothing.
        """
        with self._change_lock:
            before = self.state
            rows = [before.row_of(identity) for identity in ids]
            self.state = without_works(before, rows)
            self.label_indexes.follow(self.state.table)
        return replace(embedded_works_of(before, rows), removed_from=self)

    def describe(
        self,
        *,
        title: str | None = None,
        license: str | None = None,
        description: str | None = None,
        homepage: str | None = None,
    ) -> None:
        """Change the given fields of the manifest; `save` writes them. Raises `QueryError` for an empty title."""
        if title is not None and not title.strip():
            raise QueryError("A collection needs a title.")
        source = {"description": description, "homepage": homepage}
        with self._change_lock:
            self.manifest = replace(
                self.manifest,
                title=self.manifest.title if title is None else title.strip(),
                license=self.manifest.license if license is None else license,
                source={**self.manifest.source, **{key: value for key, value in source.items() if value is not None}},
            )

    def save(self, folder: str | Path | None = None, *, compact: bool = False) -> Path:
        """Write the collection to `folder`; by default where it was opened, and then only what has changed.

        The vectors and pictures of removed works stay in its files until it pays to write these anew; with `compact`, they are
        written anew now, and nothing of these works is left in the folder. Raises `CollectionError` if another process has
        saved there since it was opened: the changes stay, and can be saved in another folder.
        """
        if folder is None and self.origin is not None:
            raise CollectionError(
                "This collection was opened from the Hub ({origin}): give save() a folder.", origin=self.origin
            )
        target = Path(folder).expanduser().resolve() if folder is not None else self.folder
        if target is None:
            raise CollectionError("This collection was never saved: give save() a folder.")
        with self._change_lock:
            self.state, self.manifest = save_collection(calibrated(self.state), self.manifest, target, compact=compact)
            self.folder = target
            self.origin = None
        return target

    def dataset(self) -> Any:
        """The saved collection as a `datasets.Dataset` with a FAISS index over each plain subject column, by its name."""
        if self.folder is None:
            raise CollectionError("This collection is not saved yet: call save(folder) first.")
        return load_plain_dataset(self.folder, self.manifest)
