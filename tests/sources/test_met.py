"""The embedded default: 174 public-domain paintings of The Met, with the museum's metadata."""

from typing import Any

from artsim.images.decode import load_image
from artsim.sources import open_source

Works = list[dict[str, Any]]


def test_there_are_174_works_each_with_its_own_id(met_works: Works) -> None:
    assert len(met_works) == open_source("met").size == 174
    assert len({work["id"] for work in met_works}) == 174
    assert all(work["id"].startswith("met-") and work["id"][4:].isdigit() for work in met_works)


def test_every_work_has_every_column_in_its_type(met_works: Works) -> None:
    import pyarrow as pa
    from datasets import Features

    features = open_source("met").features
    rows = [{key: value for key, value in work.items() if key != "image"} for work in met_works]
    assert all(set(row) == set(features) for row in rows)
    assert not [(row["id"], key) for row in rows for key, value in row.items() if value == ""]
    table = pa.Table.from_pylist(rows, schema=Features(features).arrow_schema)
    assert table.num_rows == 174
    assert {"title", "artist", "year", "date", "medium", "culture", "department", "tags", "url", "license"} <= set(
        features
    )


def test_essential_columns_are_never_empty(met_works: Works) -> None:
    for work in met_works:
        assert work["title"]
        assert work["artist"]
        assert isinstance(work["year"], int)
        assert work["license"] == "CC0-1.0"
        assert work["url"].startswith("https://www.metmuseum.org/art/collection/search/")


def test_tags_are_lists_of_words(met_works: Works) -> None:
    assert all(isinstance(work["tags"], list) for work in met_works)
    assert sum(bool(work["tags"]) for work in met_works) > 100
    assert all(isinstance(tag, str) and tag for work in met_works for tag in work["tags"])


def test_every_picture_can_be_read(met_works: Works) -> None:
    sides = [min(load_image(work["image"]["bytes"], short_side=64, name=work["id"]).size) for work in met_works]
    assert min(sides) >= 32


def test_works_can_start_at_any_row(met_works: Works) -> None:
    assert [work["id"] for work in open_source("met").works(170)] == [work["id"] for work in met_works[170:]]
    assert not list(open_source("met").works(174))
