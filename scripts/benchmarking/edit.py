"""Seconds and bytes of a change of a saved collection, beside writing all of it again."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import ImageOps

from artsim.collection import Collection
from artsim.images.decode import load_image
from artsim.opening import open_collection
from benchmarking.large import large_collection
from benchmarking.page import met_collection


def measure_edits(collection: str | None, *, works: int | None, repeats: int) -> dict[str, Any]:
    """Change `collection` (default: the paintings of The Met), or `works` variants of its works, and save, in a copy.

    A copy shares the files that do not change. Instead: `datasets` writes all its files again, and FAISS the plain index.
    """
    base = open_collection(collection) if collection else met_collection()
    folder = large_collection(base, works) if works else base.folder
    assert folder is not None  # an opened collection has a folder
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        copy = Path(scratch) / "collection"
        shutil.copytree(folder, copy, copy_function=os.link)
        changed = open_collection(copy)
        changes = _changes(changed)
        measured = {name: [_saved(changed, change) for _ in range(repeats)] for name, change in changes.items()}
        instead = _written_again(open_collection(copy), Path(scratch) / "instead")
    results = {
        name: {"s": round(statistics.median(seconds for seconds, _ in runs), 3), "mb": round(runs[-1][1] / 1e6, 3)}
        for name, runs in measured.items()
    }
    print(f"{len(changed):,} works, each change with save():")
    for name, figures in {**results, "instead": instead}.items():
        print(f"  {figures['s']:8.2f} s  {figures['mb']:9.2f} MB written  {name}")
    return {"works": works or len(base), "repeats": repeats, "changes": results, "instead": instead}


def _changes(collection: Collection) -> dict[str, Callable[[], object]]:
    """What each does is of another work each time."""
    ids = iter(collection.ids[::3])
    collection.encoder()  # loaded before anything is timed

    def add() -> None:
        image = ImageOps.mirror(load_image(collection.picture(collection.ids[0]), short_side=320))
        collection.add([{"image": image, "title": "Another"}])

    return {
        "edit a title": lambda: collection.edit(next(ids), {"title": "Another"}),
        "add a work, embedded": add,
        "remove a work": lambda: collection.remove([next(ids)]),
    }


def _saved(collection: Collection, change: Callable[[], object]) -> tuple[float, int]:
    """Seconds of a change with its save, and bytes of the files that it wrote."""
    assert collection.folder is not None
    before = _files(collection.folder)
    started = time.perf_counter()
    change()
    collection.save()
    seconds = time.perf_counter() - started
    after = _files(collection.folder)
    return seconds, sum(size for file, size in after.items() if file not in before)


def _files(folder: Path) -> dict[int, int]:
    """Sizes of the files below `folder`, by inode: a file that got a second name was not written."""
    states = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return {state.st_ino: state.st_size for state in states}


def _written_again(collection: Collection, folder: Path) -> dict[str, float]:
    """What a change costs without artsim: `save_to_disk` of the dataset, and the FAISS index of its vectors."""
    import faiss

    started = time.perf_counter()
    dataset = collection.dataset()
    (name,) = dataset.list_indexes()[:1]
    index = dataset.get_index(name).faiss_index
    dataset.drop_index(name)
    dataset.save_to_disk(folder)
    faiss.write_index(index, str(folder / "index.faiss"))
    return {"s": round(time.perf_counter() - started, 3), "mb": round(sum(_files(folder).values()) / 1e6, 3)}
