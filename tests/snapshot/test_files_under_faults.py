"""A collection is the old or the new one, whatever fails while it is changed: the injector over add, edit, remove and save."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from collections_on_disk import compact_from, content, content_of, works
from faults import every_fault
from synthetic import make_collection

from artsim.collection import Collection
from artsim.errors import CollectionError

TESTS = Path(__file__).parents[1]


def edit(collection: Collection) -> None:
    collection.edit("work-1-1", {"title": "Another"})


def add(collection: Collection) -> None:
    collection.add(works("new", "newer"))


def remove(collection: Collection) -> None:
    collection.remove(["work-1-1"])


def compact(collection: Collection) -> None:
    """So many works go that all parts are written anew."""
    collection.remove(collection.ids[4:])


CHANGES = {change.__name__: change for change in (edit, add, remove, compact)}


def try_faults(change: Callable[[Collection], None], tmp_path: Path, *, steps: int | None) -> None:
    before = tmp_path / "before"
    make_collection(artists=4).save(before / "collection")
    changed = Collection.from_folder(before / "collection")
    change(changed)
    known = {"old": content_of(before / "collection"), "new": content(changed)}

    def operation(folder: Path) -> None:
        collection = Collection.from_folder(folder / "collection")
        change(collection)
        collection.save()

    every_fault(
        before, operation, lambda folder: name_of(content_of(folder / "collection"), known), tmp_path, steps=steps
    )


def try_faults_of_a_new_folder(tmp_path: Path, *, steps: int | None) -> None:
    (tmp_path / "before").mkdir()
    made = make_collection(artists=4)
    made.save(tmp_path / "made")
    known = {"new": content(made)}

    def state_of(folder: Path) -> str:
        if not (folder / "collection" / "artsim.json").exists():
            return "old"  # none
        return name_of(content_of(folder / "collection"), known)

    def operation(folder: Path) -> None:
        Collection.from_folder(tmp_path / "made").save(folder / "collection")

    every_fault(tmp_path / "before", operation, state_of, tmp_path, steps=steps)


def name_of(found: object, known: dict[str, list[object]]) -> str:
    return next((name for name, expected in known.items() if found == expected), "half")


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_there_or_not_whatever_fails(change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compact_from(20, monkeypatch)
    try_faults(CHANGES[change], tmp_path, steps=3)


@pytest.mark.slow
def test_a_new_folder_holds_a_collection_or_none_whatever_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compact_from(20, monkeypatch)
    try_faults_of_a_new_folder(tmp_path, steps=3)


@pytest.mark.sweep
@pytest.mark.parametrize("kind", ["exact", "compact"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_there_or_not_wherever_it_fails(
    change: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "compact":
        compact_from(20, monkeypatch)
    try_faults(CHANGES[change], tmp_path, steps=None)


@pytest.mark.sweep
def test_a_new_folder_holds_a_collection_or_none_wherever_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compact_from(20, monkeypatch)
    try_faults_of_a_new_folder(tmp_path, steps=None)


# --- Processes ----------------------------------------------------------------------------------------------------------

SAVE = """
import sys, time
from pathlib import Path
sys.path[:0] = [sys.argv[1], str(Path(sys.argv[1]).parent)]
from artsim.collection import Collection
from artsim.errors import CollectionError
folder, name, rounds = Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
print("ready", flush=True)
sys.stdin.readline()
saved = 0
for number in range(rounds):
    collection = Collection.from_folder(folder)
    tags = collection.work("work-0-0")["tags"]
    collection.edit("work-0-0", {"tags": [*tags, f"{name} {number}"]})
    try:
        collection.save()
        print(f"saved {name} {number}", flush=True)
    except CollectionError as error:
        print(f"refused {error}", flush=True)
"""


@pytest.mark.slow
def test_two_processes_that_save_one_folder_lose_nothing_that_they_acknowledged_and_readers_always_open_it(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "collection"
    make_collection(artists=2).save(folder)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", SAVE, str(TESTS), str(folder), name, "5"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("first", "second")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    read = 0
    while any(writer.poll() is None for writer in writers):
        assert len(Collection.from_folder(folder).picture("work-0-0")) > 50
        read += 1
        time.sleep(0.02)  # the writers have work to do
    lines = [line for writer in writers for line in writer.communicate()[0].splitlines()]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert read
    saved = {line.removeprefix("saved ") for line in lines if line.startswith("saved ")}
    refused = [line for line in lines if line.startswith("refused ")]
    assert len(saved) + len(refused) == 10
    assert all("was saved by another process since it was opened here" in line for line in refused)
    tags = Collection.from_folder(folder).work("work-0-0")["tags"]
    assert saved == {tag for tag in tags if tag.startswith(("first", "second"))}


def test_a_process_that_was_killed_while_it_saved_leaves_no_lock_behind(tmp_path: Path) -> None:
    folder = tmp_path / "collection"
    make_collection(artists=2).save(folder)
    hold = "import sys; from pathlib import Path; from artsim.files.lock import collection_lock\n"
    hold += "with collection_lock(Path(sys.argv[1]), 'saving it'): print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", hold, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=TESTS.parent
    )
    assert process.stdout is not None
    process.stdout.readline()
    collection = Collection.from_folder(folder)
    edit(collection)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("artsim.snapshot.files._WAIT", 0.1)
        with pytest.raises(CollectionError, match=f"process {process.pid} on .* has been saving it since"):
            collection.save()
    process.kill()
    process.wait()
    collection.save()
    assert content_of(folder) == content(collection)
