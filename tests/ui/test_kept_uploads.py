"""Uploads on disk: limits per visitor and in total, how long they are kept, and none that is left behind."""

import subprocess
import sys
from pathlib import Path

import pytest

from artsim.ui import kept_uploads as module
from artsim.ui.kept_uploads import KeptUploads, own_folder, visitor


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OF_ONE", 300)
    monkeypatch.setattr(module, "MOST", 500)


def upload(kept: KeptUploads, who: str, folder: Path, size: int = 100) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "a.jpg").write_bytes(bytes(size))
    visitor.set(who)
    kept.note(folder, size)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.usefixtures("limits")
def test_a_visitor_who_uploads_too_much_loses_the_oldest_and_nobody_else_does(tmp_path: Path) -> None:
    kept = KeptUploads()
    upload(kept, "ada", tmp_path / "1")
    for name in ("2", "3", "4", "5"):
        upload(kept, "bob", tmp_path / name)
    assert names(tmp_path) == {"1", "3", "4", "5"}
    upload(kept, "bob", tmp_path / "3")  # again: it is the newest now
    upload(kept, "bob", tmp_path / "6")
    assert names(tmp_path) == {"1", "3", "5", "6"}


@pytest.mark.usefixtures("limits")
def test_all_together_have_a_limit_and_a_shared_picture_stays_as_long_as_one_visitor_has_it(tmp_path: Path) -> None:
    kept = KeptUploads()
    for number in range(9):
        upload(kept, f"visitor {number}", tmp_path / ("shared" if number in (0, 8) else str(number)))
    assert names(tmp_path) == {"4", "5", "6", "7", "shared"}


def test_an_upload_is_kept_for_an_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    kept = KeptUploads()
    upload(kept, "ada", tmp_path / "1")
    now += 3599
    kept.remove_old()
    assert names(tmp_path) == {"1"}
    now += 1
    kept.remove_old()
    assert names(tmp_path) == set()


def test_a_stop_leaves_nothing_and_a_start_removes_what_a_killed_run_left(tmp_path: Path) -> None:
    code = "import os, sys; from pathlib import Path; from artsim.ui.kept_uploads import own_folder\n"
    code += f"with own_folder(Path({str(tmp_path)!r})) as folder:\n (folder / 'left.jpg').touch(); "
    killed = subprocess.run([sys.executable, "-c", f"{code}os._exit(9)"], check=False, timeout=60)
    assert killed.returncode == 9 and list(tmp_path.rglob("left.jpg"))
    with own_folder(tmp_path) as first:
        assert not list(tmp_path.rglob("left.jpg"))
        (first / "mine.jpg").touch()
        with own_folder(tmp_path) as second:  # another app with the same cache
            assert first != second
        assert (first / "mine.jpg").exists() and not second.exists()
    assert names(tmp_path) <= {".lock"}
