"""Labels of works from any columns, percentiles in words, and the use of message keys."""

import json
import re
from pathlib import Path

import pytest

from artsim.messages.strings import load_strings
from artsim.ui.labels import aspect_word, label_of, metadata_of, order_key, safe_link

STRINGS = load_strings()


def test_a_label_uses_whichever_columns_there_are() -> None:
    met = label_of({"id": "met-1", "title": "Cypresses", "artist": "Van Gogh", "year": 1889, "date": "June 1889"})
    assert (met.title, met.artist, met.year, met.by) == ("Cypresses", "Van Gogh", "June 1889", "Van Gogh, June 1889")
    bare = label_of({"id": "scans/7.jpg"})
    assert (bare.title, bare.by) == ("scans/7.jpg", "")
    assert label_of({"id": "1", "creator": "Anon.", "year": 1500.0}).by == "Anon., 1500"


def test_works_are_ordered_without_accents_and_those_without_a_value_last() -> None:
    works = [{"id": "1", "artist": "Zorn", "year": -5}, {"id": "2", "artist": "Élise"}, {"id": "3", "year": 0}]
    assert [work["id"] for work in sorted(works, key=lambda work: order_key(work, "artist"))] == ["2", "1", "3"]
    assert [work["id"] for work in sorted(works, key=lambda work: order_key(work, "year"))] == ["1", "3", "2"]


def test_metadata_leaves_out_what_is_empty_or_shown_elsewhere() -> None:
    shown = {"medium": "Oil", "tags": ["Men", "Dogs"]}
    work = {"id": "1", "title": "A", "artist": "B", "culture": None, "sha256": "x", **shown}
    assert metadata_of(work, STRINGS) == [("Medium", "Oil"), ("Tags", "Men, Dogs")]


@pytest.mark.parametrize(
    ("percentile", "word"),
    [(100.0, "very close"), (98.6, "close"), (80.0, "related"), (50.0, "a little alike"), (0.0, "not alike")],
)
def test_percentiles_of_aspects_are_put_into_words(percentile: float, word: str) -> None:
    assert aspect_word(percentile, STRINGS) == word


def test_only_web_addresses_become_links() -> None:
    assert safe_link({"url": "https://www.metmuseum.org/art/1"}) == (
        "https://www.metmuseum.org/art/1",
        "metmuseum.org",
    )
    for address in ("javascript:alert(1)", "data:text/html,x", "//elsewhere", "http://", "http://[", None, 7):
        assert safe_link({"url": address}) is None


def test_every_message_is_used_and_every_key_in_a_script_exists() -> None:
    folder = Path(__file__).parents[2] / "artsim"
    sources = (path for kind in ("*.py", "*.js", "*.html") for path in folder.rglob(kind))
    code = "".join(path.read_text(encoding="utf-8") for path in sources).replace("'", '"')
    files = (folder / "messages" / "locales" / "en").glob("*.json")
    keys = [key for file in files for key in json.loads(file.read_text(encoding="utf-8"))]
    composed = re.findall(r'f?"([a-z][\w-]*\.[\w.-]*)(?:\{|%[ds]|" ~)', code)
    composed += ["column.", "js.", "language.", *re.findall(r'starting_with\("([\w.-]+)"', code)]
    unused = [key for key in keys if f'"{key}"' not in code and not key.startswith(tuple(composed))]
    assert keys and unused == []
    for key in (key.removeprefix("js.") for key in keys if key.startswith("js.")):
        assert f'say("{key}"' in code, key
