"""One process at a time works in the folder of a collection."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from artsim.errors import CollectionError
from artsim.files.lock import build_lock, collection_lock

HOLD = """
import sys
from pathlib import Path
from artsim.files.lock import collection_lock
with collection_lock(Path(sys.argv[1]), "building it"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_who_finds_a_lock_held_learns_by_whom_and_since_when_and_it_ends_with_its_process(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "collection"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    held = rf"process {process.pid} on \S+ has been building it since 20\d\d-"
    with pytest.raises(CollectionError, match=held), collection_lock(folder, "saving it"):
        pass
    process.kill()
    process.wait()
    with collection_lock(folder, "saving it", wait=5.0):
        assert f'"pid": {os.getpid()}' in (folder / ".lock.json").read_text()
    with collection_lock(folder, "saving it"):
        pass


def test_a_lock_is_waited_for_no_longer_than_asked(tmp_path: Path) -> None:
    with (
        collection_lock(tmp_path, "saving it"),
        pytest.raises(CollectionError),
        collection_lock(tmp_path, "x", wait=0.1),
    ):
        pass


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write to, root included")
def test_a_folder_that_cannot_be_written_is_not_taken_for_a_locked_one() -> None:
    with pytest.raises(CollectionError, match="/proc/out cannot be written"), collection_lock(Path("/proc/out"), "x"):
        pass


def test_a_second_build_into_the_same_folder_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with build_lock(out), pytest.raises(CollectionError, match="Another process is building"), build_lock(out):
        pass
    with build_lock(out):
        pass
