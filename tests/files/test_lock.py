"""One build into a folder at a time."""

from pathlib import Path

import pytest

from artsim.errors import CollectionError
from artsim.files.lock import build_lock


def test_a_second_build_into_the_same_folder_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with build_lock(out), pytest.raises(CollectionError, match="Another process is building"), build_lock(out):
        pass
    with build_lock(out):
        pass


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write to, root included")
def test_a_folder_that_cannot_be_written_is_not_taken_for_a_locked_one() -> None:
    with pytest.raises(CollectionError, match="/proc/out cannot be written"), build_lock(Path("/proc/out")):
        pass
