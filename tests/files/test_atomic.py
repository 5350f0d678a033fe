"""Files that are the old or the new one, whatever fails while they are written."""

import os
from pathlib import Path

import pytest
from faults import every_fault, faulty

from artsim.errors import CollectionError
from artsim.files import disk
from artsim.files.atomic import new_file, remove_tree, write_atomically


def test_a_file_is_the_old_or_the_new_one_whatever_fails(tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.mkdir()
    (before / "name").write_text("old")
    count = every_fault(
        before,
        lambda folder: write_atomically(folder / "name", "new"),
        lambda folder: (folder / "name").read_text(),
        tmp_path,
    )
    assert count == 5  # create, write, sync, rename, sync the folder


def test_a_new_file_survives_a_power_failure_once_its_folder_is_synced(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with faulty(root) as watched:
        with new_file(root / "name") as file:
            file.write(b"content")
        watched.after_power_failure(tmp_path / "early", seed=0)
        disk.sync_folder(root)
        watched.after_power_failure(tmp_path / "late", seed=0)
    assert not (tmp_path / "early" / "name").exists()
    assert (tmp_path / "late" / "name").read_bytes() == b"content"


def test_a_sync_is_one_of_the_operating_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[os.stat_result] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor)))
    with disk.create(tmp_path / "name") as file:
        file.write(b"content")
        disk.sync(file)
    disk.sync_folder(tmp_path)
    assert [one.st_ino for one in synced] == [(tmp_path / "name").stat().st_ino, tmp_path.stat().st_ino]
    assert synced[0].st_size == len(b"content"), "nothing is left in a buffer"


def test_a_file_that_cannot_be_finished_is_removed(tmp_path: Path) -> None:
    with (
        faulty(tmp_path, "no space", at=1),
        pytest.raises(CollectionError, match=r"name cannot be written \(No space left"),
        new_file(tmp_path / "name") as file,
    ):
        file.write(b"content")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_removed_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "name").write_text("content")
    with faulty(tmp_path, "io error", at=0):
        remove_tree(tmp_path / "folder")
    assert (tmp_path / "folder" / "name").exists()
    remove_tree(tmp_path / "folder")
    assert not list(tmp_path.iterdir())
