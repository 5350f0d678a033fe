"""Source -> encoder -> collection: in batches, with progress, and going on where a killed run stopped.

Every batch of works ends up in a part file beside the collection, with its vectors. Only when the source is exhausted are
the spaces fitted and the collection written; it then takes the place of the old one in one step.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from artsim.collection import Collection, make_space, metadata_table
from artsim.contents import Contents
from artsim.encoders import ASPECTS, Aspect, Blocks, Encoder, embed
from artsim.errors import ArtsimError, CollectionError, ImageError, SourceError
from artsim.images import load_image
from artsim.manifest import Manifest
from artsim.saving import check_target, open_folder, save_collection
from artsim.sources import Source, Work
from artsim.storage import Shards, column_vectors, dataset_schema, recover_folder, vector_column, write_atomically

log = logging.getLogger(__name__)

BATCH = 64  # works per part file: what a killed run loses at most
_DECODERS = 2

Progress = Callable[[int, int | None], None]
"""Called with the number of works done and the number to do (None when the source does not know)."""


@dataclass
class BuildState:
    """How far a build came: `progress.json` among the part files, written after each."""

    fingerprint: str
    consumed: int = 0
    """Works read from the source, those that failed included."""
    parts: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Id -> why its picture could not be used."""


@dataclass(frozen=True)
class _Job:
    """One build: what is embedded, with what, and where its part files are."""

    source: Source
    encoder: Encoder
    space: str
    columns: Mapping[Aspect, str]
    schema: pa.Schema
    folder: Path
    known: Mapping[str, dict[str, np.ndarray]]


def build_collection(
    source: Source,
    encoder: Encoder,
    out: str | Path,
    *,
    limit: int | None = None,
    images: str = "bytes",
    index_type: str = "auto",
    title: str | None = None,
    license: str | None = None,
    progress: Progress | None = None,
) -> Collection:
    """Embed every work of `source` and save the collection in `out`; returns it opened.

    Works whose picture cannot be read are left out, counted, and named in `OUT.report.json`. When `out` already holds
    exactly this collection it is opened as it is; when it holds another, that stays until the new one is whole. Run again
    after an interruption, it goes on. Raises `SourceError`, `EncoderError` or `CollectionError`.
    """
    out = Path(out).expanduser()
    if limit is not None and limit < 1:
        raise SourceError(f"The limit must be at least 1; it is {limit}.")
    if images == "urls" and not source.has_urls:
        raise SourceError(
            f"{source.name} gives no addresses of its pictures (a column image_url), so keep their bytes."
        )
    recover_folder(out)
    check_target(out)
    fingerprint = _fingerprint(source, encoder, limit, images, index_type, title or "", license or "")
    if (collection := _already_built(out, fingerprint)) is not None:
        return collection
    job = _prepare(source, encoder, out)
    state = _read_state(job.folder, _fingerprint(source, encoder))
    _embed_all(job, state, limit, progress)
    manifest = _manifest(source, fingerprint, images=images, title=title, license=license)
    save_collection(*_assemble(job, state, index_type), manifest, out)
    _write_report(out, source, state)
    shutil.rmtree(job.folder)
    return open_folder(out)


def report_path(out: Path) -> Path:
    """Where the report of a build into `out` lies."""
    return out.with_name(f"{out.name}.report.json")


def space_name(encoder_id: str) -> str:
    """A short name for files and columns: `openai/clip-vit-base-patch16` -> `clip-vit-base-patch16`."""
    name = encoder_id.rstrip("/").split("/")[-1].lower()
    return "".join(character if character.isalnum() else "-" for character in name).strip("-") or "encoder"


def vector_columns(space: str) -> dict[Aspect, str]:
    """The name of each aspect's embedding column; `color` does not depend on the encoder."""
    prefix = space.replace("-", "_")
    return {aspect: "palette_color" if aspect == "color" else f"{prefix}_{aspect}" for aspect in ASPECTS}


def _fingerprint(source: Source, encoder: Encoder, *more: Any) -> str:
    parts = [source.name, source.fingerprint, encoder.id, encoder.revision, *map(str, more)]
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def _already_built(out: Path, fingerprint: str) -> Collection | None:
    with contextlib.suppress(CollectionError):  # what is damaged or absent is built (again)
        collection = open_folder(out)
        if collection.manifest.source.get("build") == fingerprint:
            return collection
    return None


def _prepare(source: Source, encoder: Encoder, out: Path) -> _Job:
    space = space_name(encoder.id)
    columns = vector_columns(space)
    features = {
        ("image_" if key in ("image", *columns.values()) else "") + key: value for key, value in source.features.items()
    }
    from datasets import Value

    features["sha256"] = Value("string")
    from artsim.encoders.color import DIMS

    dims = {columns[aspect]: dimension for aspect, dimension in {**encoder.dims, "color": DIMS}.items()}
    folder = out.with_name(f".{out.name}.parts")
    schema = dataset_schema(features, dims, images=True)
    return _Job(source, encoder, space, columns, schema, folder, _known_vectors(out, encoder, columns))


def _known_vectors(out: Path, encoder: Encoder, columns: Mapping[Aspect, str]) -> Mapping[str, dict[str, np.ndarray]]:
    """Vectors of the collection that `out` holds, by picture hash, if the same encoder made them: embedded once is enough."""
    try:
        old = open_folder(out).contents
    except CollectionError:
        return {}
    space = old.spaces[0]
    if (space.encoder, space.revision) != (encoder.id, encoder.revision) or "sha256" not in old.schema:
        return {}
    blocks = space.raw_blocks()
    hashes = old.table.column("sha256").to_pylist()
    return {sha: {columns[aspect]: blocks[aspect][row] for aspect in columns} for row, sha in enumerate(hashes) if sha}


def _read_state(folder: Path, fingerprint: str) -> BuildState:
    """How far the last run came, or a fresh start when it was of another source or encoder."""
    try:
        state = BuildState(**json.loads((folder / "progress.json").read_text(encoding="utf-8")))
        if state.fingerprint == fingerprint:
            log.info("Going on after %d works that are done already.", state.consumed)
            return state
    except (FileNotFoundError, ValueError, TypeError):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return BuildState(fingerprint)


def _embed_all(job: _Job, state: BuildState, limit: int | None, progress: Progress | None) -> None:
    """Part files for all works up to `limit`, from where `state` stands."""
    total = job.source.size if limit is None else limit if job.source.size is None else min(limit, job.source.size)
    works = itertools.islice(
        job.source.works(state.consumed), None if limit is None else max(0, limit - state.consumed)
    )
    seen: set[str] = set()
    with ThreadPoolExecutor(_DECODERS) as pool:
        for batch in _batches(works):
            for work in batch:
                if work["id"] in seen:
                    raise SourceError(
                        f"{job.source.name} has two works with the id {work['id']!r}; ids must be unique."
                    )
                seen.add(work["id"])
            opened = list(pool.map(lambda work: _open(work, job.encoder), batch))
            good = [item for item in opened if not isinstance(item, ArtsimError)]
            failed = {
                w["id"]: str(item) for w, item in zip(batch, opened, strict=True) if isinstance(item, ArtsimError)
            }
            if good:
                _write_part(job, state.parts, good)
            state.consumed += len(batch)
            state.parts += bool(good)
            state.failed |= failed
            write_atomically(job.folder / "progress.json", json.dumps(dataclasses.asdict(state)))
            if progress is not None:
                progress(state.consumed, total)


@dataclass(frozen=True)
class _Opened:
    work: Work
    data: bytes
    sha256: str
    image: Image.Image


def _open(work: Work, encoder: Encoder) -> _Opened | ImageError:
    """The picture of a work decoded, or the reason why not: one bad picture never stops a build."""
    picture = work["image"] or {}
    try:
        data = picture.get("bytes") or _read_bytes(picture.get("path"), work["id"])
        image = load_image(data, short_side=2 * encoder.short_side, name=work["id"])
        return _Opened(work, data, hashlib.sha256(data).hexdigest(), image)
    except ImageError as error:
        return error


def _read_bytes(path: str | None, identity: str) -> bytes:
    if not path:
        raise ImageError(f"{identity} has no picture.")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f"{identity} cannot be read ({error.strerror}).") from error


def _batches(works: Iterator[Work]) -> Iterator[list[Work]]:
    while batch := list(itertools.islice(works, BATCH)):
        yield batch


def _write_part(job: _Job, number: int, opened: list[_Opened]) -> None:
    """One parquet file of works with their vectors, put in place in one step."""
    vectors = _vectors(job, opened)
    names = [name for name in job.schema.names if name not in vectors and name != "image"]
    plain = {job.schema.names[0]: None}
    rows = [{**plain, **item.work, "sha256": item.sha256} for item in opened]
    from datasets import Features

    features = Features.from_arrow_schema(job.schema)
    table = metadata_table(rows, {name: features[name] for name in names})
    pictures = [{"bytes": item.data, "path": Path(item.work["id"]).name} for item in opened]
    table = table.append_column("image", pa.array(pictures, job.schema.field("image").type))
    for name, block in vectors.items():
        table = table.append_column(name, vector_column(block))
    path = job.folder / f"part-{number:06d}.parquet"
    pq.write_table(table.select(job.schema.names).cast(job.schema), path.with_suffix(".tmp"), row_group_size=BATCH)
    path.with_suffix(".tmp").rename(path)


def _vectors(job: _Job, opened: list[_Opened]) -> dict[str, np.ndarray]:
    """Column -> (n, d); pictures whose hash is known from the old collection are not embedded again."""
    fresh = [number for number, item in enumerate(opened) if item.sha256 not in job.known]
    blocks = embed(job.encoder, [opened[number].image for number in fresh]) if fresh else {}
    result = {}
    for aspect, column in job.columns.items():
        rows: list[np.ndarray] = [np.empty(0)] * len(opened)
        for position, number in enumerate(fresh):
            rows[number] = blocks[aspect][position]
        for number, item in enumerate(opened):
            if item.sha256 in job.known:
                rows[number] = job.known[item.sha256][column]
        result[column] = np.stack(rows).astype(np.float32)
    return result


def _assemble(job: _Job, state: BuildState, index_type: str) -> tuple[Contents, Callable[[int], bytes]]:
    """The parts as contents, with the space fitted. `SourceError` when no picture at all was usable."""
    if not state.parts:
        reasons = "; ".join(list(state.failed.values())[:3])
        raise SourceError(f"None of the {state.consumed} pictures of {job.source.name} can be used: {reasons}")
    shards = Shards([job.folder / f"part-{number:06d}.parquet" for number in range(state.parts)])
    from datasets import Features

    features = Features.from_arrow_schema(job.schema)
    names = [name for name in job.schema.names if name not in job.columns.values() and name != "image"]
    blocks: Blocks = {aspect: column_vectors(shards.columns([c]).column(c)) for aspect, c in job.columns.items()}
    indexed = make_space(job.space, job.encoder.id, job.encoder.revision, job.columns, blocks, index_kind=index_type)
    return Contents(shards.columns(names), (indexed,), {name: features[name] for name in names}), shards.picture


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


def _write_report(out: Path, source: Source, state: BuildState) -> None:
    report = {
        "source": source.name,
        "read": state.consumed,
        "embedded": state.consumed - len(state.failed),
        "failed": [{"id": identity, "reason": reason} for identity, reason in state.failed.items()],
    }
    write_atomically(report_path(out), json.dumps(report, indent=2, ensure_ascii=False) + "\n")
