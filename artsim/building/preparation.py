"""What a build embeds its works with: encoders, reusable vectors and the checkpoint, the same in every process of a build."""

from __future__ import annotations

import hashlib
import itertools
import logging
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from artsim.building.checkpoint import BuildCheckpoint
from artsim.building.embedded_batches import EmbeddedBatch, embedded_batches, slice_sizes
from artsim.building.known_vectors import keeps_fit, known_spaces, known_vectors
from artsim.building.vectors import vector_kinds
from artsim.collection import Collection
from artsim.embedding.decoded_works import DecodedWork, decode_side, decode_work
from artsim.embedding.embed_works import KnownVectors, Recogniser, embed_works
from artsim.embedding.preprocessing import Preprocessing
from artsim.embedding.vector_columns import reserved_columns, vector_dims
from artsim.encoders import Encoder, load_recognition_encoder, precision_of
from artsim.encoders.recognition_vectors import REVISION as RECOGNITION_REVISION
from artsim.encoders.region_vectors import REGIONS
from artsim.errors import CollectionError, ImageError, SourceError
from artsim.snapshot.files import read_collection
from artsim.snapshot.generations import CHECKPOINT
from artsim.snapshot.space import Space
from artsim.snapshot.years import dated_features
from artsim.sources import Source, Work, read_picture
from artsim.storage.manifest import Images
from artsim.storage.metadata import HIDDEN

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuildOptions:
    """What the owner decides about the content of a collection; see `build_collection`."""

    limit: int | None
    images: Images
    regions: bool
    whole: bool
    preprocessing: Preprocessing
    recognition: bool

    @property
    def stored(self) -> list[str]:
        """All that changes what is stored of a work."""
        options = [str(self.preprocessing), *(["regions", repr(REGIONS)] if self.regions else [])]
        options += ["whole"] if self.whole else []
        return options + (["recognition", RECOGNITION_REVISION] if self.recognition else [])


@dataclass(frozen=True)
class Build:
    """One build: source, encoders, reusable vectors and checkpoint."""

    source: Source
    encoders: Mapping[str, Encoder]
    """By the name of their space."""
    options: BuildOptions
    recogniser: Recogniser | None
    known: KnownVectors
    kept: Mapping[str, Space]
    """Compact spaces of the old collection whose statistics the new ones keep, by the names of those."""
    renamed: Mapping[str, str]
    """Source columns whose names are reserved for pictures and vectors -> their stored names."""
    checkpoint: BuildCheckpoint
    fingerprint: str
    """Changes with everything that a stored work depends on."""

    @property
    def total(self) -> int | None:
        """Number of works that are read; None if nobody knows."""
        return _total(self.source, self.options)

    def embedded(self, works: Iterator[Work], *, batch: int, workers: int) -> Generator[EmbeddedBatch]:
        """The `works`, embedded by so many `workers`, in batches of so many; see `embedded_batches`. Close it at the end."""
        embed = partial(
            embed_works,
            encoders=self.encoders,
            regions=self.encoders if self.options.regions else (),
            recogniser=self.recogniser,
            known=self.known,
        )
        slices = slice_sizes(self.encoders.values(), batch)
        return embedded_batches(works, self._decode, embed, slices=slices, workers=workers)

    def _decode(self, work: Work) -> DecodedWork | ImageError:
        """The decoded work, or the error: one bad picture never stops a build."""
        columns = {self.renamed.get(key, key): value for key, value in work.items() if key != "image"}
        side = decode_side(self.encoders.values(), recognition=self.recogniser is not None)
        preprocessing = self.options.preprocessing
        try:
            return decode_work(columns, read_picture(work), side=side, name=work["id"], preprocessing=preprocessing)
        except ImageError as error:
            return error


def prepare_build(
    source: Source, encoders: Mapping[str, Encoder], out: Path, old: Collection | None, options: BuildOptions
) -> Build:
    """A build of `source` into `out`, which reuses the vectors of `old`, the collection there, if any."""
    from datasets import Value

    recogniser = None
    if options.recognition:
        encoder = load_recognition_encoder(encoders.values())
        recogniser = Recogniser(encoder, features=options.images == "urls")
    reserved = {"image", "sha256", *HIDDEN, *reserved_columns(encoders)}
    renamed = {key: f"source_{key}" for key in source.features if key in reserved}
    features = {renamed.get(key, key): feature for key, feature in source.features.items()}
    features = {"id": Value("string"), **dated_features(features), "sha256": Value("string")}
    if old is not None and old.state.spaces[0].preprocessing != options.preprocessing:
        old = None  # its vectors show the pictures otherwise
    state, total, regions = None if old is None else old.state, _total(source, options), options.regions
    spaces = known_spaces(state, encoders, regions=regions)
    kept = {name: space for name, space in spaces.items() if not options.whole and keeps_fit(space, total)}
    known = known_vectors(state, spaces, kept, regions=regions, features=options.images == "urls")
    kinds = vector_kinds(encoders, kept, regions=regions, recogniser=recogniser)
    checkpoint = BuildCheckpoint(out / CHECKPOINT, features, kinds, keeps_pictures=options.images == "bytes")
    made_with = build_fingerprint(source, encoders, *options.stored, options.images, *_fitted(old, kept))
    return Build(source, encoders, options, recogniser, known, kept, renamed, checkpoint, made_with)


def open_old(out: Path) -> Collection | None:
    """The collection in `out`; None if there is none, or it is damaged, as it is built again then."""
    try:
        state, manifest = read_collection(out, on_milvus=False)
    except CollectionError as error:
        log.debug("No collection to reuse: %s", error)
        return None
    return Collection(state=state, manifest=manifest, folder=out)


def build_fingerprint(source: Source, encoders: Mapping[str, Encoder], *options: Any) -> str:
    """A hash that changes with the works of the source, the encoders and the `options`."""
    made_with = [part for encoder in encoders.values() for part in (encoder.id, encoder.revision)]
    made_with += [f"{encoder.id} in bf16" for encoder in encoders.values() if precision_of(encoder) == "bf16"]
    dims = [str(length) for encoder in encoders.values() for length in vector_dims(encoder).values()]
    parts = [source.name, source.fingerprint, *made_with, *map(str, options), *dims]
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def check_ids(source: Source, ids: Iterable[str], seen: set[str]) -> None:
    """Add `ids` to those that were `seen`. `SourceError` if one was seen already."""
    for identity in ids:
        if identity in seen:
            raise SourceError(f"{source.name} has two works with the id {identity!r}; ids must be unique.")
        seen.add(identity)


def works_of(source: Source, first: int, last: int | None) -> Iterator[Work]:
    """The works of rows `first` to `last`, without that one."""
    return itertools.islice(source.works(first), None if last is None else last - first)


def _total(source: Source, options: BuildOptions) -> int | None:
    return min((count for count in (options.limit, source.size) if count is not None), default=None)


def _fitted(old: Collection | None, kept: Mapping[str, Space]) -> list[str]:
    """The hashes of what was fitted to the spaces `kept` of `old`."""
    if old is None:
        return []
    records = {record.name: record for record in old.manifest.spaces}
    return [old.manifest.files[records[space.name].statistics].sha256 for space in kept.values()]
