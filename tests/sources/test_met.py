"""The embedded default: 174 public-domain paintings of The Met, with the museum's metadata."""

from typing import Any

from artsim.images.decode import load_image
from artsim.sources import open_source

Works = list[dict[str, Any]]


def test_there_are_174_works_each_with_its_own_id_and_reading_starts_at_any(met_works: Works) -> None:
    source = open_source("met")
    assert len(met_works) == source.size == len({work["id"] for work in met_works}) == 174
    assert all(work["id"].startswith("met-") and work["id"][4:].isdigit() for work in met_works)
    assert [work["id"] for work in source.works(170)] == [work["id"] for work in met_works[170:]]
    assert not list(source.works(174))


def test_every_work_has_every_column_in_its_type_and_the_essential_ones_filled(met_works: Works) -> None:
    import pyarrow as pa
    from datasets import Features

    features = open_source("met").features
    rows = [{key: value for key, value in work.items() if key != "image"} for work in met_works]
    assert all(set(row) == set(features) for row in rows)
    assert not [(row["id"], key) for row in rows for key, value in row.items() if value == ""]
    pa.Table.from_pylist(rows, schema=Features(features).arrow_schema)
    for work in met_works:
        assert work["title"] and work["artist"] and isinstance(work["year"], int), work["id"]
        assert all(isinstance(tag, str) and tag for tag in work["tags"])
        assert work["license"] == "CC0-1.0"
        assert work["url"].startswith("https://www.metmuseum.org/art/collection/search/")
    assert sum(bool(work["tags"]) for work in met_works) > 100


def test_every_picture_can_be_read(met_works: Works) -> None:
    sides = [min(load_image(work["image"]["bytes"], short_side=64, name=work["id"]).size) for work in met_works]
    assert min(sides) >= 32
