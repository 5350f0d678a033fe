"""`open_source`: opens sources by name, and explains invalid names."""

from pathlib import Path
from typing import Any

import pytest

from artsim.errors import SourceError
from artsim.sources import open_source


def test_sources_are_opened_by_name(paintings: Path) -> None:
    assert open_source("met").name == "met"
    assert open_source(f"folder:{paintings}").size == 40


def test_the_plain_path_of_a_folder_is_a_source(paintings: Path) -> None:
    assert open_source(str(paintings)).fingerprint == open_source(f"folder:{paintings}").fingerprint


@pytest.mark.parametrize("name", ["", "louvre", "met:2", "metropolitan", "s3:bucket", ":", "no/such/folder"])
def test_an_unknown_source_lists_the_known_ones(name: str) -> None:
    with pytest.raises(SourceError, match=r"There is no source .*; give met, folder:PATH"):
        open_source(name)


@pytest.mark.parametrize("name", ["folder:", "hub:", "nga:"])
def test_a_name_without_an_address_shows_an_example(name: str) -> None:
    with pytest.raises(SourceError, match=f"needs an address after the colon, for example {name}"):
        open_source(name)


def test_an_unprepared_nga_folder_is_an_error_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Prepare it first: python -m artsim prepare-nga"):
        open_source(f"nga:{tmp_path}")


def test_a_prepared_nga_folder_is_read_by_its_own_ids(tmp_path: Path, painting: bytes) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "46626.jpg").write_bytes(painting)
    line = '{"file_name": "images/46626.jpg", "id": "nga-46626", "title": "Ginevra de\' Benci", "year": 1474}'
    (tmp_path / "metadata.jsonl").write_text(line, encoding="utf-8")
    source = open_source(f"nga:{tmp_path}")
    works: list[dict[str, Any]] = list(source.works(0))
    assert [(work["id"], work["title"], work["year"]) for work in works] == [("nga-46626", "Ginevra de' Benci", 1474)]
    assert source.license == "cc0-1.0"
