"""`open_source`: opens sources by name, and explains invalid names."""

from pathlib import Path

import pytest

from artsim.errors import SourceError
from artsim.sources import open_source


def test_sources_are_opened_by_name_and_folders_by_their_plain_path_too(paintings: Path) -> None:
    assert open_source("met").name == "met"
    assert open_source(f"folder:{paintings}").size == 40
    assert open_source(str(paintings)).fingerprint == open_source(f"folder:{paintings}").fingerprint


@pytest.mark.parametrize("name", ["", "met:2", "metropolitan", "s3:bucket", "no/such/folder"])
def test_an_unknown_source_lists_the_known_ones(name: str) -> None:
    with pytest.raises(SourceError, match=r"There is no folder or source .*; give met, folder:PATH"):
        open_source(name)


@pytest.mark.parametrize("name", ["folder:", "hub:", "nga:"])
def test_a_name_without_an_address_shows_an_example(name: str) -> None:
    with pytest.raises(SourceError, match=f"needs an address after the colon, for example {name}"):
        open_source(name)


def test_a_prepared_nga_folder_is_read_by_its_own_ids(tmp_path: Path, painting: bytes) -> None:
    with pytest.raises(SourceError, match="Prepare it first: python -m artsim prepare-nga"):
        open_source(f"nga:{tmp_path}")
    (tmp_path / "46626.jpg").write_bytes(painting)
    line = '{"file_name": "46626.jpg", "id": "nga-46626", "title": "Ginevra de\' Benci", "year": 1474}'
    (tmp_path / "metadata.jsonl").write_text(line, encoding="utf-8")
    source = open_source(f"nga:{tmp_path}")
    (work,) = source.works(0)
    assert (work["id"], work["title"], work["year"]) == ("nga-46626", "Ginevra de' Benci", 1474)
    assert source.license == "cc0-1.0"
