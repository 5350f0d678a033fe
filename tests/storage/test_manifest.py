"""The manifest `artsim.json`."""

import dataclasses
import json
from typing import Any

import pytest

from artsim.errors import CollectionError
from artsim.storage.manifest import (
    SUBJECT_INDEX,
    ColumnRecord,
    FileRecord,
    Groups,
    Manifest,
    PartRecord,
    RegionsRecord,
    SpaceRecord,
    parse_manifest,
)

SPACE = SpaceRecord(
    name="clip",
    encoder="openai/clip",
    revision="1",
    dims={"subject": 512},
    columns={
        "subject": ColumnRecord("clip_subject", "float32", 512),
        "compact": ColumnRecord("clip_compact", "uint8", 704),
    },
    statistics="generations/000001/clip.safetensors",
    index_type="compact",
    index="generations/000001/clip.faiss",
    map="generations/000001/clip.map.safetensors",
    regions=RegionsRecord(
        ColumnRecord("clip_regions", "uint8", 64),
        ((0.0, 0.0, 0.5, 0.5),),
        64,
        "generations/000001/clip.regions.safetensors",
    ),
)
MANIFEST = Manifest(
    title="Works",
    rows=2,
    source={"name": "met"},
    license="cc0-1.0",
    groups=Groups(
        metadata=(PartRecord("generations/000001/metadata.parquet", 2),),
        vectors=(PartRecord("generations/000001/vectors-000.arrow", 3),),
    ),
    spaces=(SPACE,),
    generation=1,
)
NAMES = [*(part.file for part in MANIFEST.groups.parts), *SPACE.files]
MANIFEST = dataclasses.replace(MANIFEST, files={name: FileRecord(1, "0") for name in NAMES})


def test_what_is_written_is_read() -> None:
    assert parse_manifest(MANIFEST.to_json(), "artsim.json") == MANIFEST
    assert MANIFEST.rebuildable == {SPACE.index, SPACE.map, SUBJECT_INDEX}
    assert MANIFEST.vector_columns == {"clip_subject", "clip_compact", "clip_regions"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"format_version": 2}, "^artsim.json was made by an older artsim, in another format; build it again.$"),
        ({"format_version": 4}, "has format version 4; this artsim reads up to 3. Update artsim.$"),
        ({"spaces": []}, "it has no spaces"),
        ({"groups": {}}, "it names no files of metadata or vectors"),
        ({"files": {"../other": {"size": 1, "sha256": ""}}}, "../other is not a path within the collection"),
        ({"files": {NAMES[0]: {"size": 1, "sha256": ""}}}, "vectors-000.arrow is not among its files"),
        ({"rows": "many"}, "artsim.json is damaged"),
    ],
)
def test_other_manifests_are_refused(change: dict[str, Any], problem: str) -> None:
    text = json.dumps(json.loads(MANIFEST.to_json()) | change)
    with pytest.raises(CollectionError, match=problem):
        parse_manifest(text, "artsim.json")
