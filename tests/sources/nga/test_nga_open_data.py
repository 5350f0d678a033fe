"""The museum's tables: reading and joining them, and errors for malformed ones."""

from collections.abc import Callable
from pathlib import Path

import pytest
from museum import OLD_IMAGE_COLUMNS, painting, term, view, write_museum, write_paintings

from artsim.errors import SourceError
from artsim.sources.nga.open_data import read_works


def ids(folder: Path, **options: object) -> list[str]:
    return [work.id for work in read_works(folder, **options)[0]]  # type: ignore[arg-type]


def test_keeps_paintings_that_have_a_primary_open_access_view_and_the_first_one_of_several(tmp_path: Path) -> None:
    write_museum(
        tmp_path,
        objects=[
            painting(6, classification="PAINTINGS"),
            *map(painting, (1, 3, 4, 5)),
            painting(2, classification="Print"),
        ],
        images=[
            *map(view, (1, 2, 6, 99)),
            view(3, viewtype="alternate"),
            view(4, openaccess=0),
            view(1, name="no-object", depictstmsobjectid=""),
            *(view(6, name=name, sequence=number) for name, number in (("b", 2), ("a", -1), ("c", 10))),
        ],
    )
    works, without_picture, _ = read_works(tmp_path)
    assert [work.id for work in works] == ["nga-1", "nga-6"]
    assert works[1].iiif_url == "https://api.nga.gov/iiif/a"
    assert without_picture == 3
    assert ids(tmp_path, classification="print") == ["nga-2"]
    assert (ids(tmp_path, limit=1), ids(tmp_path, limit=2)) == (["nga-1"], ["nga-1", "nga-6"])


def test_in_the_old_table_of_images_a_fair_use_limit_means_closed(tmp_path: Path) -> None:
    limits = {1: "", 2: 640, 3: 4096, 4: 0}
    write_museum(
        tmp_path,
        objects=[painting(number) for number in limits],
        images=[view(number, maxpixels=limit) for number, limit in limits.items()],
        image_columns=OLD_IMAGE_COLUMNS,
    )
    assert ids(tmp_path) == ["nga-1", "nga-3", "nga-4"]


def test_all_columns_of_a_work(tmp_path: Path) -> None:
    row = painting(
        46114,
        title='The "_Great_ Mill",\n at <i>Dusk</i>',
        dimensions="overall: 1 x 2 cm\r\nframed: 3 x 4 cm",
        provenancetext='sold, "in haste"\r\n\r\n[1] to a cousin',
    )
    said = [
        ("Style", "Baroque"),
        ("Theme", "Themes"),
        ("Theme", "landscape"),
        ("Theme", "windmill"),
        ("Theme", "landscape"),
    ]
    said += [("School", "Dutch"), ("Technique", "painted surface"), ("Keyword", "mill"), ("Place Executed", "Leiden")]
    said += [("Systematic Catalogue Volume", "Dutch Paintings")]
    terms = [*(term(46114, kind, text) for kind, text in said), term(5, "Style", "Cubist")]
    write_museum(tmp_path, objects=[row], images=[view(46114)], terms=terms)
    assert read_works(tmp_path)[0][0].columns == {
        "id": "nga-46114",
        "title": 'The "Great Mill", at Dusk',
        "artist": "Jan van Goyen",
        "year": 1648,
        "end_year": 1652,
        "date": "c. 1650",
        "medium": "oil on canvas",
        "classification": "Painting",
        "dimensions": "overall: 1 x 2 cm; framed: 3 x 4 cm",
        "credit_line": "Andrew W. Mellon Collection",
        "style": ["Baroque"],
        "theme": ["landscape", "windmill"],
        "school": ["Dutch"],
        "technique": ["painted surface"],
        "keyword": ["mill"],
        "place_executed": ["Leiden"],
        "accession": "1937.1.46114",
        "url": "https://www.nga.gov/artworks/46114",
        "license": "CC0-1.0",
        "alt": "A river under a wide sky, number 46114.",
    }


def test_a_work_without_terms_and_texts_has_the_same_columns(tmp_path: Path) -> None:
    bare = dict.fromkeys(("title", "displaydate", "beginyear", "endyear", "medium", "creditline", "attribution"), "")
    write_museum(tmp_path, objects=[painting(1, **bare), painting(2)], images=[view(1, assistivetext=""), view(2)])
    empty, full = (work.columns for work in read_works(tmp_path)[0])
    assert empty.keys() == full.keys()
    assert (empty["title"], empty["year"], empty["style"], empty["alt"]) == (None, None, [], None)


def test_life_dates_of_an_artist_are_not_years_of_a_work(tmp_path: Path) -> None:
    years = {"beginyear": 1859, "endyear": 1923}
    objects = [painting(1, displaydate="", **years), painting(2, displaydate="1859/1923", **years)]
    write_museum(tmp_path, objects=objects, images=[view(1), view(2)])
    found = [(work.columns["year"], work.columns["end_year"]) for work in read_works(tmp_path)[0]]
    assert found == [(None, None), (1859, 1923)]


def test_reads_a_table_that_a_spreadsheet_saved_again(tmp_path: Path) -> None:
    write_paintings(tmp_path, [1])
    for path in tmp_path.iterdir():
        text = path.read_text().replace("objectid", "objectID").replace("\n", "\r\n")
        path.write_bytes(b"\xef\xbb\xbf" + text.encode() + b"\r\n")
    assert ids(tmp_path) == ["nga-1"]


def drop_column(name: str) -> Callable[[str], str]:
    return lambda text: text.replace(name, "x", 1)


@pytest.mark.parametrize(
    ("table", "change", "reason"),
    [
        ("objects.csv", drop_column("objectid"), "no column 'objectid'"),
        ("published_images.csv", drop_column("iiifurl"), "no column 'iiifurl'"),
        ("objects_terms.csv", drop_column("termtype"), "no column 'termtype'"),
        ("objects.csv", lambda text: "<!doctype html><title>Not found</title>", "<!doctype html>"),
        (
            "objects.csv",
            lambda text: text.replace(",Jan", ",,,"),
            "2 of 2 rows are malformed, such as objects.csv, line 2: 33",
        ),
    ],
)
def test_a_table_that_is_not_the_museums_or_malformed_for_the_most_part_is_named(
    tmp_path: Path, table: str, change: Callable[[str], str], reason: str
) -> None:
    write_museum(tmp_path, objects=[painting(1), painting(2)], images=[view(1), view(2)], terms=[term(1, "Style", "x")])
    path = tmp_path / table
    path.write_text(change(path.read_text()))
    with pytest.raises(SourceError) as caught:
        read_works(tmp_path)
    assert table in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("Landscape 2", "Landscape, 2"), "32 fields where the header has 31"),
        (lambda text: text.replace("Landscape 2", '"Landscape 2'), "not CSV ("),
        (lambda text: text.replace("Landscape 2", '"a\n\nb" c'), "not CSV ("),
        (lambda text: text.replace("\n2,", "\ntwo,"), "column 'objectid': 'two' is not the number of a work"),
        (lambda text: text.replace("Landscape 2", "G\udcf6yen"), "not UTF-8 text"),
    ],
)
def test_a_malformed_row_is_left_out_and_named_and_the_others_are_read(
    tmp_path: Path, change: Callable[[str], str], reason: str
) -> None:
    numbers = [1, 2, 3, 4]
    objects = [painting(number, **({"title": 'A "quoted"\n\nname'} if number == 4 else {})) for number in numbers]
    path = write_museum(tmp_path, objects=objects, images=map(view, numbers)) / "objects.csv"
    path.write_bytes(change(path.read_text()).encode(errors="surrogateescape"))
    works, _, malformed = read_works(tmp_path)
    assert [work.id for work in works] == ["nga-1", "nga-3", "nga-4"]
    assert works[-1].columns["title"] == 'A "quoted" name'
    assert malformed[0].startswith(f"objects.csv, line 3: {reason}")


def test_a_missing_table_and_one_in_another_encoding_are_named(tmp_path: Path) -> None:
    path = write_paintings(tmp_path, [1]) / "objects.csv"
    path.write_bytes(path.read_text().replace("Goyen", "Göyen").encode("latin-1"))
    with pytest.raises(SourceError, match=r"1 of 1 rows are malformed, such as objects\.csv, line 2: not UTF-8 text"):
        read_works(tmp_path)
    path.unlink()
    with pytest.raises(SourceError, match=r"objects\.csv does not exist.*--download"):
        read_works(tmp_path)


def test_what_leaves_no_work_is_an_error(tmp_path: Path) -> None:
    write_museum(tmp_path, objects=[painting(1), painting(2, classification="Print")], images=[view(3)])
    with pytest.raises(SourceError, match=r"'fresco'.*holds: Painting, Print"):
        read_works(tmp_path, classification="fresco")
    with pytest.raises(SourceError, match="None of the 1 works"):
        read_works(tmp_path)
