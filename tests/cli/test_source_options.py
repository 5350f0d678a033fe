"""The options of a source, and what is printed of one before it is read."""

import argparse
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hub_server import HubServer

from artsim.building.inspection import inspect_source
from artsim.cli.inspect import as_text
from artsim.cli.source_options import add_source_arguments, open_given_source


def test_the_columns_of_a_dataset_are_printed_with_how_they_are_used(
    hub: HubServer, painting: bytes, tmp_path: Path
) -> None:
    picture = {"bytes": painting, "path": "a.jpg"}
    columns = {"photo": [picture], "back": [picture], "artist_name": ["Ada"], "e\x1b[31mvil": [{"x": {"y": 1}}]}
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")
    hub.add_repo("artist/works", "dataset", {"rows.parquet": tmp_path / "rows.parquet"})
    parser = argparse.ArgumentParser()
    add_source_arguments(parser)
    source = open_given_source(parser.parse_args(["--source", "hub:artist/works", "--image-column", "photo"]))
    said = as_text(inspect_source(source, open_pictures=False))
    assert "Pictures: column photo. --image-column takes another: back." in said
    assert "Columns: artist_name as artist (text, shown as the artist)." in said
    assert "Left out, as artsim keeps texts, numbers and lists of them: e\\x1b[31mvil.x (fields y)." in said
    assert next(source.works(0))["artist"] == "Ada"
