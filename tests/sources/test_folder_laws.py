"""A law of folders: whatever is in them, every file is a work, a table, or named among what is left out, once."""

import os
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from artsim.sources.folder_files import files_below, printable

_CONTENTS = (
    b"",
    b"\xff\xd8\xff\xe0",
    b"BM",
    b"II*\0",
    b"8BPS",
    b"<svg",
    b"text",
    b"\0\1\2",
    b"PK\3\4",
    b"P5\n1 1\n",
    b"RIFF",
)
_NAMES = st.one_of(
    st.sampled_from((".hidden", "Thumbs.db", "__MACOSX", "metadata.csv", "a.jpg", "A.JPG", "x.heic", "b.dng", "\n", "c.jpg\n")),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=12),
).filter(lambda name: name not in (".", ".."))  # fmt: skip
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_ENTRIES = st.lists(st.tuples(_PATHS, st.one_of(st.sampled_from(_CONTENTS), _PATHS)), max_size=12)
"""Path, and what the file holds, or where the link leads."""


def _write(folder: Path, entries: list[tuple[str, bytes | str]]) -> None:
    for name, content in entries:
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                path.symlink_to(folder / content)
            else:
                path.write_bytes(content)
        except (
            OSError,
            ValueError,
        ):  # a file where a folder is wanted, a link in the way, a name that the disk refuses
            continue


def _law(entries: list[tuple[str, bytes | str]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, entries)
        found = files_below(folder)
        left_out = [name for item in found.left_out for name in item.names]
        told = Counter([*map(printable, (*found.pictures, *found.tables)), *left_out])
        assert set(told.values()) <= {1}
        for root, folders, files in os.walk(folder):
            links = [name for name in folders if (Path(root) / name).is_symlink()]
            for file in (*files, *links):
                path = printable((Path(root) / file).relative_to(folder).as_posix())
                above = [str(parent) for parent in Path(path).parents]
                below = (Path(root) / file).is_dir() and any(name.startswith(f"{path}/") for name in told)
                empty = (Path(root) / file).is_dir()  # a link to a folder without files was followed
                assert path in told or below or empty or set(above) & set(left_out), path


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(_ENTRIES)
def test_every_file_is_told_once(entries: list[tuple[str, bytes | str]]) -> None:
    _law(entries)


@pytest.mark.sweep
@settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(_ENTRIES)
def test_every_file_is_told_once_in_many_folders(entries: list[tuple[str, bytes | str]]) -> None:
    _law(entries)
