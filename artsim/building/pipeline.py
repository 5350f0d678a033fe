"""Source -> encoders -> collection: in batches, with progress, and going on where a killed run stopped.

Every batch of works ends up in a part file beside the collection, with its vectors. Only when the source is exhausted are
the spaces fitted and the collection written; it then takes the place of the old one in one step.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from artsim.building.checkpoint import BuildProgress, Checkpoint, build_lock
from artsim.building.known_vectors import known_vectors
from artsim.collection import Collection
from artsim.embedding.embed_works import KnownVectors, decode_side, embed_images
from artsim.embedding.vector_columns import (
    column_dims,
    columns_of,
    name_spaces,
    region_column,
    vector_columns,
    vector_dims,
)
from artsim.encoders import Blocks, Encoder
from artsim.encoders.region_vectors import REGIONS
from artsim.errors import CollectionError, ImageError, SourceError
from artsim.images.decode import load_image
from artsim.index.faiss import KINDS
from artsim.snapshot.files import check_target, save_collection
from artsim.snapshot.region_index import index_regions
from artsim.snapshot.space import Space, make_space
from artsim.snapshot.state import State
from artsim.sources import Source, Work, read_picture
from artsim.storage.manifest import Manifest, damaged_files
from artsim.storage.shards import (
    Shards,
    beside,
    clear_leftovers,
    column_vectors,
    dataset_schema,
    recover_folder,
    write_atomically,
)
from artsim.version import VERSION

log = logging.getLogger(__name__)

BATCH = 64  # works per part file: what a killed run loses at most
_DECODERS = 2

Progress = Callable[[int, int | None], None]
"""Called with the number of works done and the number to do (None when the source does not know)."""


@dataclass(frozen=True)
class _Build:
    """One build: what is embedded, with what, and where its part files are."""

    source: Source
    encoders: Mapping[str, Encoder]
    """By the names of their spaces."""
    known: KnownVectors
    renamed: Mapping[str, str]
    """The source's columns whose names are taken by pictures and vectors -> what they are called instead."""
    parts: Checkpoint
    regions: bool


def build_collection(
    source: Source,
    encoder: Encoder | Sequence[Encoder],
    out: str | Path,
    *,
    limit: int | None = None,
    images: str = "bytes",
    index_type: str = "auto",
    regions: bool = False,
    title: str | None = None,
    license: str | None = None,
    progress: Progress | None = None,
) -> Collection:
    """Embed every work of `source` with one encoder or several, and save the collection in `out`; returns it opened.

    Works whose picture cannot be read are left out, counted, and named in `OUT.report.json`. When `out` already holds
    exactly this collection it is opened as it is; when it holds another, that stays until the new one is whole. Run again
    after an interruption, it goes on. `regions` keeps the vectors of regions of every work as well, so that details can be
    looked for. Raises `SourceError`, `EncoderError` or `CollectionError`.
    """
    out = Path(out).expanduser().resolve()
    if limit is not None and limit < 1:
        raise SourceError(f"The limit must be at least 1; it is {limit}.")
    if index_type not in KINDS:
        raise CollectionError(f"There is no index type {index_type}; choose among {', '.join(KINDS)}.")
    if images == "urls" and not source.has_urls:
        raise SourceError(
            f"{source.name} gives no addresses of its pictures (a column image_url), so keep their bytes."
        )
    check_target(out)
    encoders = name_spaces(encoder if isinstance(encoder, Sequence) else [encoder])
    made_of = ["regions", repr(REGIONS)] if regions else []
    fingerprint = _fingerprint(
        source, encoders, limit, images, index_type, title or "", license or "", VERSION, *made_of
    )
    with build_lock(out):
        recover_folder(out)
        clear_leftovers(out)
        old = _open_old(out)
        build = _prepare(source, encoders, out, old, regions=regions)
        if old is not None and old.manifest.source.get("build") == fingerprint:
            build.parts.remove()
            if damaged_files(out, old.manifest):  # the index, then: anything else keeps it from being opened
                old.save()
            return old
        state = build.parts.state(_fingerprint(source, encoders, *made_of), limit=limit)
        _embed_all(build, state, limit, progress)
        _write_report(out, source, state)
        manifest = _manifest(source, fingerprint, images=images, title=title, license=license)
        save_collection(_assemble(build, state, index_type), manifest, out)
        build.parts.remove()
        return Collection.from_folder(out)


def report_path(out: Path) -> Path:
    """Where the report of a build into `out` lies."""
    out = Path(out).expanduser().resolve()
    return out.with_name(f"{out.name}.report.json")


def _fingerprint(source: Source, encoders: Mapping[str, Encoder], *more: Any) -> str:
    made_with = [part for encoder in encoders.values() for part in (encoder.id, encoder.revision)]
    dims = [str(length) for encoder in encoders.values() for length in vector_dims(encoder).values()]
    parts = [source.name, source.fingerprint, *made_with, *map(str, more), *dims]
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def _open_old(out: Path) -> Collection | None:
    """What `out` holds already; what is damaged is built again like what is absent."""
    try:
        return Collection.from_folder(out)
    except CollectionError as error:
        log.debug("There is no collection to go by: %s", error)
        return None


def _prepare(
    source: Source, encoders: Mapping[str, Encoder], out: Path, old: Collection | None, *, regions: bool
) -> _Build:
    from datasets import Value

    dims = column_dims(encoders, regions=regions)
    taken = ("image", "sha256", *dims)
    renamed = {key: f"source_{key}" for key in source.features if key in taken}
    features = {renamed.get(key, key): feature for key, feature in source.features.items()}
    schema = dataset_schema({**features, "sha256": Value("string")}, dims, images=True)
    known = known_vectors(None if old is None else old.state, encoders, regions=regions)
    return _Build(source, encoders, known, renamed, Checkpoint(beside(out, "parts"), schema), regions)


def _embed_all(build: _Build, state: BuildProgress, limit: int | None, progress: Progress | None) -> None:
    """Part files for all works up to `limit`, from where `state` stands."""
    total = (
        build.source.size if limit is None else limit if build.source.size is None else min(limit, build.source.size)
    )
    works = itertools.islice(
        build.source.works(state.consumed), None if limit is None else max(0, limit - state.consumed)
    )
    seen = build.parts.ids(state)
    short_side = decode_side(build.encoders)
    if progress is not None:
        progress(state.consumed, total)
    with closing(_opened_ahead(works, short_side)) as batches:
        for batch, opened in batches:
            _check_ids(build.source, batch, seen)
            good = [item for item in opened if isinstance(item, _Opened)]
            if good:
                rows = [_row(item, build.renamed) for item in good]
                build.parts.write(state, rows, [item.data for item in good], _vectors(build, good))
            state.consumed += len(batch)
            state.failed |= {
                work["id"]: str(item) for work, item in zip(batch, opened, strict=True) if isinstance(item, ImageError)
            }
            build.parts.save_state(state)
            if progress is not None:
                progress(state.consumed, total)


def _opened_ahead(
    works: Iterator[Work], short_side: int
) -> Generator[tuple[list[Work], list[_Opened | ImageError]], None, None]:
    """Works in batches, each with its pictures decoded; the next batch is read and decoded while one is embedded."""
    pool = ThreadPoolExecutor(_DECODERS)

    def read() -> tuple[list[Work], list[Future[_Opened | ImageError]]]:
        batch = list(itertools.islice(works, BATCH))
        return batch, [pool.submit(_open, work, short_side) for work in batch]

    try:
        batch, opening = read()
        while batch:
            ahead = pool.submit(read)
            yield batch, [future.result() for future in opening]
            batch, opening = ahead.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _check_ids(source: Source, batch: list[Work], seen: set[str]) -> None:
    for work in batch:
        if work["id"] in seen:
            raise SourceError(f"{source.name} has two works with the id {work['id']!r}; ids must be unique.")
        seen.add(work["id"])


@dataclass(frozen=True)
class _Opened:
    work: Work
    data: bytes
    sha256: str
    image: Image.Image


def _open(work: Work, short_side: int) -> _Opened | ImageError:
    """The picture of a work decoded, or the reason why not: one bad picture never stops a build."""
    try:
        data = read_picture(work)
        image = load_image(data, short_side=short_side, name=work["id"])
        return _Opened(work, data, hashlib.sha256(data).hexdigest(), image)
    except ImageError as error:
        return error


def _row(opened: _Opened, renamed: Mapping[str, str]) -> dict[str, Any]:
    """The metadata columns of a work, as they are stored."""
    columns = {renamed.get(key, key): value for key, value in opened.work.items() if key != "image"}
    return {**columns, "sha256": opened.sha256}


def _vectors(build: _Build, opened: Sequence[_Opened]) -> dict[str, np.ndarray]:
    """Embedding column -> (n, d)."""
    images, hashes = [item.image for item in opened], [item.sha256 for item in opened]
    regions = build.encoders if build.regions else ()
    return columns_of(embed_images(images, build.encoders, regions=regions, hashes=hashes, known=build.known))


def _assemble(build: _Build, state: BuildProgress, index_type: str) -> State:
    """The parts as state, with the spaces fitted. `SourceError` when no picture at all was usable."""
    from datasets import Features

    if not state.consumed:
        raise SourceError(f"{build.source.name} holds no works.")
    if not state.parts:
        reasons = " ".join(list(state.failed.values())[:3])
        raise SourceError(f"None of the {state.consumed} pictures of {build.source.name} can be used: {reasons}")
    shards = build.parts.shards(state)
    features = Features.from_arrow_schema(build.parts.schema)
    vectors = column_dims(build.encoders, regions=build.regions)
    names = [name for name in build.parts.schema.names if name not in vectors and name != "image"]
    spaces = tuple(
        _fit(name, encoder, shards, index_type, regions=build.regions) for name, encoder in build.encoders.items()
    )
    schema = {name: features[name] for name in names}
    return State(shards.columns(names), spaces, schema, shards.picture)


def _fit(name: str, encoder: Encoder, shards: Shards, index_type: str, *, regions: bool) -> Space:
    columns = vector_columns(name)
    blocks: Blocks = {aspect: column_vectors(shards.columns([c]).column(c)) for aspect, c in columns.items()}
    space = make_space(
        name, encoder.id, encoder.revision, columns, blocks, segments=encoder.segments, index_kind=index_type
    )
    if not regions:
        return space
    column = region_column(name)
    return replace(space, regions=index_regions(column, column_vectors(shards.columns([column]).column(column))))


def _manifest(source: Source, fingerprint: str, *, images: str, title: str | None, license: str | None) -> Manifest:
    return Manifest(
        title=title or source.title,
        rows=0,
        source={
            "name": source.name,
            "homepage": source.homepage,
            "description": source.description,
            "fingerprint": source.fingerprint,
            "build": fingerprint,
        },
        license=license or source.license,
        created="",
        images=images,
        spaces=(),
    )


def _write_report(out: Path, source: Source, state: BuildProgress) -> None:
    """What was read and what could not be used, beside the collection; also when no work at all is left."""
    report = {
        "source": source.name,
        "read": state.consumed,
        "embedded": state.consumed - len(state.failed),
        "failed": [{"id": identity, "reason": reason} for identity, reason in state.failed.items()],
    }
    write_atomically(report_path(out), json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    if state.failed:
        left_out, path = len(state.failed), report_path(out)
        log.warning("%d of %d pictures cannot be used and are left out; %s names them.", left_out, state.consumed, path)
