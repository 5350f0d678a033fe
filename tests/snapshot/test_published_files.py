"""A collection in published layout: the same files hold all column groups."""

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from collections_on_disk import content, content_of, works
from datasets import Features, Image, List, Value

from artsim.collection import Collection
from artsim.snapshot import groups
from artsim.storage.manifest import Groups, PartRecord, record_file

pytestmark = pytest.mark.slow  # the file takes more than a few seconds


def published(folder: Path, out: Path) -> Path:
    """The collection in `folder` as it is published: all groups side by side in the same files."""
    collection = Collection.from_folder(folder)
    state, manifest = collection.state, collection.manifest
    (out / "data").mkdir(parents=True)
    features, columns = dict(state.schema), groups.columns_of(state)
    features |= {name: List(Value(rows.parts[0].dtype.name), length=rows.dimension) for name, rows in columns.items()}
    table = state.table.append_column("image", pa.array([{"bytes": state.pictures(row)} for row in range(len(state))]))
    for name, rows in columns.items():
        flat = pa.array(rows.all().reshape(-1))
        table = table.append_column(name, pa.FixedSizeListArray.from_arrays(flat, rows.dimension))
    schema = Features(features | {"image": Image()}).arrow_schema
    table = table.select(schema.names).cast(schema)
    parts = []
    for number, (start, stop) in enumerate([(0, 20), (20, len(state))]):
        parts.append(PartRecord(f"data/train-{number:05d}-of-00002.parquet", stop - start))
        pq.write_table(table.slice(start, stop - start), out / parts[-1].file, row_group_size=8)
    for name in manifest.files:
        if name.endswith((".safetensors", ".faiss")):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / name, out / name)
    names = [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]
    manifest = replace(
        manifest,
        groups=Groups(tuple(parts), tuple(parts), tuple(parts)),
        files={name: record_file(out / name) for name in names},
    )
    (out / "artsim.json").write_text(manifest.to_json())
    return out


def test_one_reader_reads_published_files_too_and_a_save_adds_to_them(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTSIM_CACHE", str(tmp_path / "cache"))
    out = published(folder, tmp_path / "out")
    expected = content_of(folder)
    assert content_of(out) == expected
    assert len(list((tmp_path / "cache" / "vectors").glob("*.arrow"))) == 2
    collection = Collection.from_folder(out)
    assert not any(rows.parts[0].flags.owndata for rows in groups.columns_of(collection.state).values())
    collection.add(works("new", spaces=2))
    expected = content(collection)
    collection.save()
    assert [part.file[:5] for part in collection.manifest.groups.pictures] == ["data/", "data/", "gener"]
    assert content_of(out) == content(collection) == expected
