"""Build pipeline: source -> encoders -> collection, in batches, with progress, resuming where a killed run stopped.

Every batch of works is written to a part file beside the collection, with its vectors. When the source is exhausted, the
spaces are fitted and the collection is written; it then replaces the old one in one step.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from artsim.building.checkpoint import BuildCheckpoint, BuildProgress
from artsim.building.known_vectors import known_vectors
from artsim.collection import Collection
from artsim.embedding.decoded_works import DecodedWork, decode_side, decode_work
from artsim.embedding.embed_works import KnownVectors, embed_works
from artsim.embedding.vector_columns import column_dims, name_spaces, region_column, vector_columns, vector_dims
from artsim.encoders import Blocks, Encoder
from artsim.encoders.region_vectors import REGIONS
from artsim.errors import CollectionError, ImageError, SourceError
from artsim.files.atomic import beside, clear_leftovers, recover_folder, write_atomically
from artsim.files.lock import build_lock
from artsim.index.faiss import KINDS
from artsim.messages.progress import Progress
from artsim.snapshot.files import check_target, save_collection
from artsim.snapshot.region_index import index_regions
from artsim.snapshot.space import Space, make_space
from artsim.snapshot.state import State
from artsim.sources import Source, Work, read_picture
from artsim.storage.manifest import Images, Manifest, damaged_files
from artsim.storage.shards import Shards, dataset_schema, metadata_features
from artsim.version import VERSION

log = logging.getLogger(__name__)

BATCH = 64  # works per part file: the most that a killed run loses
_DECODERS = 2


@dataclass(frozen=True)
class _Build:
    """One build: source, encoders, reusable vectors and checkpoint."""

    source: Source
    encoders: Mapping[str, Encoder]
    """By the name of their space."""
    regions: bool
    known: KnownVectors
    renamed: Mapping[str, str]
    """Source columns whose names are reserved for pictures and vectors -> their stored names."""
    checkpoint: BuildCheckpoint


def build_collection(
    source: Source,
    encoder: Encoder | Sequence[Encoder],
    out: str | Path,
    *,
    limit: int | None = None,
    images: Images = "bytes",
    index_type: str = "auto",
    regions: bool = False,
    title: str | None = None,
    license: str | None = None,
    progress: Progress | None = None,
) -> Collection:
    """Embed every work of `source` with one encoder or several, save the collection in `out`, and return it opened.

    Works whose picture cannot be read are left out, counted, and named in `OUT.report.json`. If `out` already holds
    exactly this collection, it is opened as it is; another one stays until the new one is complete. An interrupted build
    resumes when it is run again. `regions` also stores vectors of regions of every work, for detail search. Raises
    `SourceError`, `EncoderError` or `CollectionError`.
    """
    out = Path(out).expanduser().resolve()
    check_limit(limit)
    if index_type not in KINDS:
        raise CollectionError(f"There is no index type {index_type}; choose among {', '.join(KINDS)}.")
    if images == "urls" and not source.has_urls:
        raise SourceError(
            f"{source.name} gives no addresses of its pictures (a column image_url), so keep their bytes."
        )
    check_target(out)
    encoders = name_spaces(encoder if isinstance(encoder, Sequence) else [encoder])
    region_options = ["regions", repr(REGIONS)] if regions else []
    fingerprint = _fingerprint(
        source, encoders, limit, images, index_type, title or "", license or "", VERSION, *region_options
    )
    with build_lock(out):
        recover_folder(out)
        clear_leftovers(out)
        old = _open_old(out)
        build = _prepare(source, encoders, out, old, regions=regions)
        if old is not None and old.manifest.source.get("build") == fingerprint:
            build.checkpoint.remove()
            if damaged_files(out, old.manifest):  # only an index can be: any other damage prevents opening
                old.save()
            return old
        done = build.checkpoint.resume(_fingerprint(source, encoders, *region_options), limit=limit)
        _embed_all(build, done, limit, progress)
        _write_report(out, source, done)
        manifest = Manifest(
            title=title or source.title,
            source={
                "name": source.name,
                "homepage": source.homepage,
                "description": source.description,
                "fingerprint": source.fingerprint,
                "build": fingerprint,
            },
            license=license or source.license,
            images=images,
        )
        save_collection(_fit(build, done, index_type), manifest, out)
        build.checkpoint.remove()
        return Collection.from_folder(out)


def check_limit(limit: int | None) -> None:
    """`SourceError` unless `limit` leaves works to build."""
    if limit is not None and limit < 1:
        raise SourceError(f"The limit must be at least 1; it is {limit}.")


def report_path(out: Path) -> Path:
    """The path of the report of a build into `out`."""
    out = Path(out).expanduser().resolve()
    return out.with_name(f"{out.name}.report.json")


def _fingerprint(source: Source, encoders: Mapping[str, Encoder], *options: Any) -> str:
    made_with = [part for encoder in encoders.values() for part in (encoder.id, encoder.revision)]
    dims = [str(length) for encoder in encoders.values() for length in vector_dims(encoder).values()]
    parts = [source.name, source.fingerprint, *made_with, *map(str, options), *dims]
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def _open_old(out: Path) -> Collection | None:
    """The collection in `out`; None if there is none, or it is damaged, as it is built again then."""
    try:
        return Collection.from_folder(out)
    except CollectionError as error:
        log.debug("No collection to reuse: %s", error)
        return None


def _prepare(
    source: Source, encoders: Mapping[str, Encoder], out: Path, old: Collection | None, *, regions: bool
) -> _Build:
    from datasets import Value

    dims = column_dims(encoders, regions=regions)
    reserved = ("image", "sha256", *dims)
    renamed = {key: f"source_{key}" for key in source.features if key in reserved}
    features = {renamed.get(key, key): feature for key, feature in source.features.items()}
    schema = dataset_schema({**features, "sha256": Value("string")}, dims, images=True)
    known = known_vectors(None if old is None else old.state, encoders, regions=regions)
    return _Build(source, encoders, regions, known, renamed, BuildCheckpoint(beside(out, "parts"), schema))


def _embed_all(build: _Build, done: BuildProgress, limit: int | None, progress: Progress | None) -> None:
    """Write part files for all works up to `limit`, resuming after `done`."""
    total = min((count for count in (limit, build.source.size) if count is not None), default=None)
    left = None if limit is None else limit - done.consumed
    works = itertools.islice(build.source.works(done.consumed), left)
    seen = build.checkpoint.ids(done)
    if progress is not None:
        progress(done.consumed, total)
    with closing(_decode_ahead(build, works)) as batches:
        for batch, decoded in batches:
            _check_ids(build.source, batch, seen)
            good = [item for item in decoded if isinstance(item, DecodedWork)]
            if good:
                regions = build.encoders if build.regions else ()
                build.checkpoint.write(done, embed_works(good, build.encoders, regions=regions, known=build.known))
            done.consumed += len(batch)
            done.failed |= {
                work["id"]: str(item) for work, item in zip(batch, decoded, strict=True) if isinstance(item, ImageError)
            }
            build.checkpoint.save(done)
            if progress is not None:
                progress(done.consumed, total)


def _decode_ahead(
    build: _Build, works: Iterator[Work]
) -> Generator[tuple[list[Work], list[DecodedWork | ImageError]], None, None]:
    """Batches of works with their decoded pictures; the next batch is read and decoded while one is embedded."""
    pool, side = ThreadPoolExecutor(_DECODERS), decode_side(build.encoders.values())

    def decode(work: Work) -> DecodedWork | ImageError:
        """The decoded work, or the error: one bad picture never stops a build."""
        columns = {build.renamed.get(key, key): value for key, value in work.items() if key != "image"}
        try:
            return decode_work(columns, read_picture(work), side=side, name=work["id"])
        except ImageError as error:
            return error

    def read() -> tuple[list[Work], list[Future[DecodedWork | ImageError]]]:
        batch = list(itertools.islice(works, BATCH))
        return batch, [pool.submit(decode, work) for work in batch]

    try:
        batch, decoding = read()
        while batch:
            ahead = pool.submit(read)
            yield batch, [future.result() for future in decoding]
            batch, decoding = ahead.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _check_ids(source: Source, batch: list[Work], seen: set[str]) -> None:
    for work in batch:
        if work["id"] in seen:
            raise SourceError(f"{source.name} has two works with the id {work['id']!r}; ids must be unique.")
        seen.add(work["id"])


def _fit(build: _Build, done: BuildProgress, index_type: str) -> State:
    """The checkpoint as a state, with fitted spaces. Raises `SourceError` if no picture is usable."""
    if not done.consumed:
        raise SourceError(f"{build.source.name} holds no works.")
    if not done.parts:
        reasons = " ".join(list(done.failed.values())[:3])
        raise SourceError(f"None of the {done.consumed} pictures of {build.source.name} can be used: {reasons}")
    shards = build.checkpoint.shards(done)
    features = metadata_features(build.checkpoint.schema, column_dims(build.encoders, regions=build.regions))
    spaces = tuple(
        _fit_space(name, encoder, shards, index_type, regions=build.regions) for name, encoder in build.encoders.items()
    )
    return State(shards.columns(list(features)), spaces, features, shards.picture)


def _fit_space(name: str, encoder: Encoder, shards: Shards, index_type: str, *, regions: bool) -> Space:
    columns = vector_columns(name)
    blocks: Blocks = {aspect: shards.vectors(column) for aspect, column in columns.items()}
    space = make_space(
        name, encoder.id, encoder.revision, columns, blocks, segments=encoder.segments, index_kind=index_type
    )
    if not regions:
        return space
    column = region_column(name)
    return replace(space, regions=index_regions(column, shards.vectors(column)))


def _write_report(out: Path, source: Source, done: BuildProgress) -> None:
    """Write which works were read and which cannot be used, beside the collection, even if no work is left."""
    report = {
        "source": source.name,
        "read": done.consumed,
        "embedded": done.consumed - len(done.failed),
        "failed": [{"id": identity, "reason": reason} for identity, reason in done.failed.items()],
    }
    write_atomically(report_path(out), json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    if done.failed:
        left_out, path = len(done.failed), report_path(out)
        log.warning("%d of %d pictures cannot be used and are left out; %s names them.", left_out, done.consumed, path)
