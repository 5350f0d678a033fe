"""A copy that is made while the collection is being saved: whole, or seen not to be."""

import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from synthetic import make_collection

from artsim.cli.info import read_info
from artsim.collection import Collection
from artsim.errors import CollectionError

TRIES = 50


@pytest.mark.skipif(shutil.which("cp") is None, reason="needs cp with -al, as on Linux")
def test_a_copy_by_hard_links_is_checked_by_info_and_holds_what_was_saved_then(tmp_path: Path) -> None:
    folder = make_collection().save(tmp_path / "works")
    collection, over = Collection.from_folder(folder), threading.Event()

    def save_again_and_again() -> None:
        for number in range(10_000):
            collection.edit(collection.ids[0], {"title": f"Study {number}"})
            if number % 3 == 0 and len(collection) > 5:
                collection.remove([collection.ids[-1]])
            collection.save(compact=number % 5 == 0)
            if over.is_set():
                return

    saving = threading.Thread(target=save_again_and_again)
    saving.start()
    try:
        for number in range(TRIES):
            copy = tmp_path / f"copy-{number}"
            copied = subprocess.run(["cp", "-al", str(folder), str(copy)], capture_output=True, check=False)
            try:
                if copied.returncode == 0 and not read_info(str(copy)).problems:
                    break
            except CollectionError:  # as a file of the manifest is missing
                continue
        else:
            raise AssertionError(f"none of {TRIES} copies was whole")
    finally:
        over.set()
        saving.join()
    restored = Collection.from_folder(copy, thorough=True)
    assert str(restored.work(restored.ids[0])["title"]).startswith("Study")
    assert len(restored.search(work=restored.ids[0], k=3)) == 3
    restored.edit(restored.ids[0], {"title": "In the copy"})
    restored.save(compact=True)
    assert Collection.from_folder(folder, thorough=True).work(restored.ids[0])["title"] != "In the copy"


def test_a_copy_that_lacks_a_file_is_seen(tmp_path: Path) -> None:
    folder = make_collection().save(tmp_path / "works")
    shutil.copytree(folder, tmp_path / "copy")
    for path in (tmp_path / "copy").rglob("vectors-*.arrow"):
        path.unlink()
    assert any("vectors" in name for name in read_info(str(tmp_path / "copy")).problems)
    with pytest.raises(CollectionError, match="vectors"):
        Collection.from_folder(tmp_path / "copy")
