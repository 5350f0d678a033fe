"""Say what a collection holds: its works, columns, spaces, size, source and licence.

Of a collection on the Hub, only the manifest and the end of one data file are fetched.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from artsim.storage.manifest import Manifest

HELP = "say what a collection holds"


@dataclass(frozen=True)
class SpaceInfo:
    name: str
    encoder: str
    revision: str
    aspects: Mapping[str, int]
    """Aspect -> length of its vectors."""
    index_type: str
    regions: int
    """Regions of each work that details are found in; 0 without any."""


@dataclass(frozen=True)
class CollectionInfo:
    """What `--json` prints."""

    collection: str
    commit: str | None
    """Of a collection on the Hub."""
    title: str
    works: int
    images: str
    columns: Mapping[str, str]
    """Name -> type, without the columns of vectors."""
    spaces: tuple[SpaceInfo, ...]
    bytes: Mapping[str, int]
    """"data", "index", "other" and "total"."""
    license: str
    source: Mapping[str, str]
    created: str
    artsim_version: str
    format_version: int
    problems: Mapping[str, str]
    """File -> what is wrong with it. Files on the Hub are not looked at."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("collection", metavar="COLLECTION", help="folder or Hub id of a collection")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(arguments: argparse.Namespace) -> int:
    info = read_info(arguments.collection)
    print(json.dumps(asdict(info), indent=2, ensure_ascii=False) if arguments.json else as_text(info))
    return 1 if info.problems else 0


def read_info(name: str) -> CollectionInfo:
    """What the folder or the dataset `name` holds. Raises `CollectionError` or `HubError`."""
    from artsim.opening import folder_of
    from artsim.storage.manifest import damaged_files, read_manifest
    from artsim.storage.shards import Shards

    folder = folder_of(name)
    if folder is None:
        from artsim.hub.fetch import published_manifest_of, published_schema_of

        origin, manifest = published_manifest_of(name)
        return _info(name, manifest, published_schema_of(origin, manifest), commit=origin.commit, problems={})
    manifest = read_manifest(folder)
    problems = {file: str(problem) for file, problem in damaged_files(folder, manifest).items()}
    schema = Shards([folder / file for file in manifest.data_files]).schema
    return _info(str(folder), manifest, schema, commit=None, problems=problems)


def _info(
    name: str, manifest: Manifest, schema: pa.Schema, *, commit: str | None, problems: Mapping[str, str]
) -> CollectionInfo:
    vectors = {column for space in manifest.spaces for column in space.vector_columns}
    sizes = {"data": 0, "index": 0, "other": 0}
    for file, record in manifest.files.items():
        kind = file.partition("/")[0]
        sizes[kind if kind in sizes else "other"] += record.size
    return CollectionInfo(
        collection=name,
        commit=commit,
        title=manifest.title,
        works=manifest.rows,
        images=manifest.images,
        columns={field.name: _type_name(field) for field in schema if field.name not in vectors},
        spaces=tuple(
            SpaceInfo(
                name=space.name,
                encoder=space.encoder,
                revision=space.revision,
                aspects=dict(space.dims),
                index_type=space.index_type,
                regions=0 if space.regions is None else len(space.regions.boxes),
            )
            for space in manifest.spaces
        ),
        bytes={**sizes, "total": sum(sizes.values())},
        license=manifest.license,
        source=dict(manifest.source),
        created=manifest.created,
        artsim_version=manifest.artsim_version,
        format_version=manifest.format_version,
        problems=problems,
    )


def _type_name(field: Any) -> str:
    return "image" if field.name == "image" else str(field.type)


def as_text(info: CollectionInfo) -> str:
    """The lines that people read."""
    where = info.collection + (f" at {info.commit[:12]}" if info.commit else "")
    lines = [
        f"{info.title}: {info.works:,} works in {where}",
        f"Pictures  {'in the dataset' if info.images == 'bytes' else 'by their addresses'}",
        f"Columns   {', '.join(f'{name} ({kind})' for name, kind in info.columns.items())}",
    ]
    lines += [_space_line(space) for space in info.spaces]
    sizes = ", ".join(f"{kind} {megabytes(size)}" for kind, size in info.bytes.items() if kind != "total")
    source = " ".join(filter(None, (info.source.get("name"), info.source.get("homepage"))))
    lines += [
        f"Size      {megabytes(info.bytes['total'])} ({sizes})",
        f"Licence   {info.license or 'unknown'}",
        f"Source    {source or 'unknown'}",
        f"Created   {info.created} by artsim {info.artsim_version or '(unknown)'}, format {info.format_version}",
    ]
    lines += [f"Damaged   {file} {problem}" for file, problem in info.problems.items()]
    return "\n".join(lines)


def _space_line(space: SpaceInfo) -> str:
    revision = space.revision[:12] if re.fullmatch("[0-9a-f]{40}", space.revision) else space.revision
    aspects = ", ".join(f"{aspect} {dim}" for aspect, dim in space.aspects.items())
    regions = f", {space.regions} regions a work" if space.regions else ""
    return f"Space     {space.name}: {space.encoder} ({revision}), {aspects}{regions}, index {space.index_type}"


def megabytes(size: float) -> str:
    """A size in bytes for people."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
