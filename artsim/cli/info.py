"""Say what a collection holds: its works, columns, spaces, size, source and licence.

Of a collection on the Hub, only the manifest and the end of one data file are fetched.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from artsim.analysis.duplicates import DuplicateGroup
    from artsim.storage.manifest import Manifest, SpaceRecord

HELP = "say what a collection holds"


_INDEXES = {
    "exact": "index exact (the vectors are kept whole, and all are compared)",
    "compact": "index compact (principal components in 8 bits, found by a scan of 4 bits, as there are many works)",
}


@dataclass(frozen=True)
class CollectionInfo:
    """A collection, by its manifest and what that does not say."""

    name: str
    """Its folder, or its id on the Hub."""
    commit: str | None
    """Of a collection on the Hub."""
    manifest: Manifest
    columns: Mapping[str, str]
    """Name -> type, without the columns of vectors."""
    problems: Mapping[str, str]
    """File -> what is wrong with it. Files on the Hub are not looked at."""
    outgrown: Mapping[str, int]
    """Space that is better fitted again -> the number of works it was fitted to. Not known of a collection on the Hub."""

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of "data", "index" and "other" files, and in "total"."""
        from artsim.storage.manifest import SUBJECT_INDEX

        sizes = {"data": 0, "index": 0, "other": 0, "total": 0}
        data = {part.file for part in self.manifest.groups.parts}
        index = {SUBJECT_INDEX, *(name for space in self.manifest.spaces for name in space.files)}
        for file, record in self.manifest.files.items():
            sizes["data" if file in data else "index" if file in index else "other"] += record.size
            sizes["total"] += record.size
        return sizes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("collection", metavar="COLLECTION", help="folder or Hub id of a collection")
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.add_argument(
        "--duplicates",
        action="store_true",
        help="also list works that show one work: reads every picture, minutes for tens of thousands of works",
    )


def run(arguments: argparse.Namespace) -> int:
    info = read_info(arguments.collection)
    groups = read_duplicates(arguments.collection) if arguments.duplicates and not info.problems else None
    if arguments.json:
        found = {} if groups is None else {"duplicates": [asdict(group) for group in groups]}
        print(json.dumps(as_json(info) | found, indent=2, ensure_ascii=False))
    else:
        print("\n".join([as_text(info), *([] if groups is None else duplicate_lines(groups))]))
    return 1 if info.problems else 0


def read_duplicates(name: str) -> list[DuplicateGroup]:
    """The groups of works of a collection that show one work. Raises `CollectionError` or `HubError`."""
    from artsim.building.progress_bar import ProgressBar
    from artsim.opening import open_collection

    collection, bar = open_collection(name), ProgressBar("Reading pictures")
    try:
        return collection.duplicates(progress=bar)
    finally:
        bar.close()


def duplicate_lines(groups: Sequence[DuplicateGroup]) -> list[str]:
    """One line a group, and one for each work beside the best."""
    works = sum(len(group.pairs) for group in groups)
    lines = [f"Doubles   {works:,} beside the best ones of {len(groups):,} groups"]
    for group in groups:
        lines.append(f"          {group.best} (best)")
        lines += [f"            {pair.second}: {pair.relation}" for pair in group.pairs]
    return lines


def read_info(name: str) -> CollectionInfo:
    """What the folder or the dataset `name` holds. Raises `CollectionError` or `HubError`."""
    from artsim.errors import CollectionError
    from artsim.opening import folder_of
    from artsim.storage.manifest import damaged_files, leads_out, read_manifest
    from artsim.storage.metadata import read_metadata

    folder = folder_of(name)
    if folder is None:
        from artsim.hub.fetch import published_manifest_of, published_schema_of

        origin, manifest = published_manifest_of(name)
        columns = _columns(published_schema_of(origin, manifest), manifest)
        return CollectionInfo(name, origin.commit, manifest, columns, problems={}, outgrown={})
    manifest = read_manifest(folder)
    problems = {file: str(problem) for file, problem in damaged_files(folder, manifest).items()}
    for part in manifest.groups.metadata:
        if leads_out(folder, part.file):
            raise CollectionError(f"{folder / part.file} {problems[part.file]}.")
    metadata = read_metadata([folder / part.file for part in manifest.groups.metadata], without=manifest.vector_columns)
    columns = _columns(metadata.table.schema, manifest)
    return CollectionInfo(str(folder), None, manifest, columns, problems, _outgrown(folder, manifest, problems))


def _outgrown(folder: Path, manifest: Manifest, problems: Mapping[str, str]) -> dict[str, int]:
    from artsim.snapshot.statistics_file import load_statistics

    readable = [space for space in manifest.spaces if space.statistics not in problems]
    fitted = {space.name: load_statistics(folder / space.statistics) for space in readable}
    return {name: statistics.fitted for name, statistics in fitted.items() if statistics.outgrown_by(manifest.rows)}


def _columns(schema: pa.Schema, manifest: Manifest) -> dict[str, str]:
    columns = {"id": "string"} | ({"image": "image"} if manifest.embeds_pictures else {})
    left_out = {*columns, *manifest.vector_columns}
    return columns | {field.name: str(field.type) for field in schema if field.name not in left_out}


def as_json(info: CollectionInfo) -> dict[str, Any]:
    """What `--json` prints."""
    manifest = info.manifest
    return {
        "collection": info.name,
        "commit": info.commit,
        "title": manifest.title,
        "works": manifest.rows,
        "images": manifest.images,
        "columns": info.columns,
        "spaces": [
            {
                "name": space.name,
                "encoder": space.encoder,
                "revision": space.revision,
                "aspects": space.dims,
                "index_type": space.index_type,
                "milvus": None if space.milvus is None else space.milvus.uri,
                "preprocessing": space.preprocessing,
                "precision": space.precision or "float32",
                "regions": _regions(space),
            }
            for space in manifest.spaces
        ],
        "bytes": info.sizes,
        "license": manifest.license,
        "source": manifest.source,
        "created": manifest.created,
        "artsim_version": manifest.artsim_version,
        "format_version": manifest.format_version,
        "problems": info.problems,
        "outgrown": info.outgrown,
    }


def as_text(info: CollectionInfo) -> str:
    """The lines that people read."""
    manifest, sizes = info.manifest, info.sizes
    where = info.name + (f" at {info.commit[:12]}" if info.commit else "")
    by_kind = ", ".join(f"{kind} {_size(size)}" for kind, size in sizes.items() if kind != "total")
    source = " ".join(filter(None, (manifest.source.get("name"), manifest.source.get("homepage"))))
    made_by = f"artsim {manifest.artsim_version or '(unknown)'}, format {manifest.format_version}"
    lines = [
        f"{manifest.title}: {manifest.rows:,} {'work' if manifest.rows == 1 else 'works'} in {where}",
        f"Pictures  {'in the dataset' if manifest.embeds_pictures else 'by their addresses'}",
        f"Columns   {', '.join(f'{name} ({kind})' for name, kind in info.columns.items())}",
        *map(_space_line, manifest.spaces),
        f"Size      {_size(sizes['total'])} ({by_kind})",
        f"Licence   {manifest.license or 'unknown'}",
        f"Source    {source or 'unknown'}",
        f"Created   {manifest.created} by {made_by}",
        *(
            f"Advice    build it again: {name} was fitted to {works:,} works, and there are {manifest.rows:,} now"
            for name, works in info.outgrown.items()
        ),
        *(f"Damaged   {file} {problem}" for file, problem in info.problems.items()),
    ]
    return "\n".join(lines)


def _space_line(space: SpaceRecord) -> str:
    revision = space.revision[:12] if re.fullmatch("[0-9a-f]{40}", space.revision) else space.revision
    aspects = ", ".join(f"{aspect} {dim}" for aspect, dim in space.dims.items())
    regions = f", {_regions(space)} regions a work" if space.regions else ""
    milvus = space.milvus
    index = f"index on Milvus at {milvus.uri}, in {milvus.collection}" if milvus else _INDEXES[space.index_type]
    return f"Space     {space.name}: {space.encoder} ({revision}), {aspects}{regions}, {index}"


def _regions(space: SpaceRecord) -> int:
    """Regions of each work that details are found in; 0 without any."""
    return 0 if space.regions is None else len(space.regions.boxes)


def _size(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
