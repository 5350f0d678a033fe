"""The pages of collections of odd content: very long texts, many columns, many tiny pictures, one work, works all alike."""

import gc
import time
import weakref
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Value
from odd_pictures import encode
from PIL import Image
from served import context_over
from starlette.applications import Starlette
from starlette.testclient import TestClient
from synthetic import made_blocks

from artsim import CollectionError, Query, open_collection
from artsim.collection import Collection
from artsim.index import Rows
from artsim.search.query import Part
from artsim.snapshot.space import make_space
from artsim.snapshot.state import State, metadata_table
from artsim.storage.manifest import Manifest
from artsim.storage.pictures import NewPictures, Pictures
from artsim.ui.http.routes import extra_routes
from artsim.ui.labels import label_of
from artsim.ui.pages.registry import page_routes

PAGES = (
    "browse", "browse?sort=title", "compare?a=0&b=1", "download.csv?work=0", "download.json?work=0", "duplicates", "encoders",
    "evaluation", "explore", "map", "path?a=0&b=1", "suggestions?text=very", "timeline", "timeline?work=0",
)  # fmt: skip
LONG = "A very long title. " * 80_000  # 1.5 MB


def collection_of(count: int, *, alike: bool = False, **columns: str) -> Collection:
    """`count` works of 8 x 8 pixels in different colours, or all the same; `columns`: values of the first work."""
    names = [
        "id",
        "title",
        "artist",
        "medium",
        *(name for name in columns if name not in ("title", "artist", "medium")),
    ]
    works: list[dict[str, Any]] = [
        {"id": str(i), "title": f"Title {i}", "artist": f"Artist {i % 7}", "year": 1800 + i % 100} for i in range(count)
    ]
    works[0] |= columns
    if alike:
        works = [{**works[0], "id": work["id"]} for work in works]
    features = {**dict.fromkeys(names, Value("string")), "year": Value("int32")}
    blocks = {aspect: rows[:count] for aspect, rows in made_blocks(-(-count // 5), 5, 2.0, 0).items()}
    if alike:
        blocks = {aspect: np.repeat(rows[:1], count, axis=0) for aspect, rows in blocks.items()}
    colors = [(0, 0, 0) if alike else (i * 7 % 256, i % 256, i // 256) for i in range(count)]
    pictures = [partial(encode, Image.new("RGB", (8, 8), color), "PNG") for color in colors]
    space = make_space("made-up", "made-up", "1", {aspect: Rows.of(rows) for aspect, rows in blocks.items()})
    state = State(metadata_table(works, features), (space,), features, Pictures.of(NewPictures(pictures)))
    source = {"name": "made-up"}
    manifest = Manifest(title="Odd", rows=count, source=source, license="unknown", images="bytes")
    return Collection(state=state, manifest=manifest, folder=None)


COLLECTIONS = {
    "a title, an artist and a medium of 1.5 MB": partial(collection_of, 12, title=LONG, artist=LONG, medium=LONG),
    "200 columns": partial(collection_of, 12, **{f"column {number}": f"value {number}" for number in range(200)}),
    "one work": partial(collection_of, 1),
    "all works alike": partial(collection_of, 150, alike=True),
    "3,000 tiny pictures": partial(collection_of, 3000),
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.sweep if "3,000" in kind else ()) for kind in COLLECTIONS]
)
def test_every_page_answers_and_is_of_a_sensible_size(kind: str, tmp_path: Path) -> None:
    collection = COLLECTIONS[kind]()
    collection.save(tmp_path / "works")
    client = TestClient(Starlette(routes=extra_routes(context_over(collection, tmp_path))))
    for page in PAGES:
        answer = client.get(f"/{page}")
        while "data-progress" in answer.text:
            time.sleep(0.05)
            answer = client.get(f"/{page}")
        refused = kind == "one work" and page.startswith(("compare", "path"))  # there is no other work
        assert answer.status_code == (400 if refused else 200), page
        assert len(answer.content) < 200_000, page
    matches = collection.run(Query((Part(work="0"),), k=5))
    assert len(matches) == min(5, len(collection) - 1)


def test_a_long_group_of_duplicates_has_several_pages(tmp_path: Path) -> None:
    collection = collection_of(150, alike=True)
    client = TestClient(Starlette(routes=extra_routes(context_over(collection, tmp_path))))
    texts = []
    for number in (1, 2, 3):
        answer = client.get(f"/duplicates?page={number}")
        while "data-progress" in answer.text:
            time.sleep(0.05)
            answer = client.get(f"/duplicates?page={number}")
        texts.append(answer.text)
    assert [text.count("thumbnails/400/") for text in texts] == [96, 54, 54]  # a page beyond the last is the last
    assert 'href="./duplicates?page=2" rel="next"' in texts[0] and 'rel="prev"' in texts[1]


def test_a_long_title_is_whole_in_the_data_and_shortened_on_pages(tmp_path: Path) -> None:
    collection = collection_of(5, title=LONG)
    assert collection.work("0")["title"] == LONG
    assert label_of(collection.work("0")).title == f"{LONG[:299].rstrip()}…"
    with pytest.raises(CollectionError, match="A collection cannot be empty"):
        collection.remove(collection.ids)


def test_states_of_a_collection_that_are_over_are_not_kept(copy: Path, tmp_path: Path) -> None:
    """Each holds all vectors; pages keep what they computed for the present one."""
    context = context_over(open_collection(copy), tmp_path)
    client = TestClient(Starlette(routes=page_routes(context)))
    old = []
    for number in range(3):
        for address in (
            "why?work=05.jpg&match=06.jpg",
            "browse",
            "map",
            "timeline?work=05.jpg",
            "compare?a=05.jpg&b=06.jpg",
        ):
            assert client.get(address).status_code == 200
        old.append(weakref.ref(context.collection.state))
        context.collection.edit("05.jpg", {"title": f"Title {number}"})
    gc.collect()
    assert sum(state() is not None for state in old) <= 1


def test_one_work_is_counted_as_one(tmp_path: Path) -> None:
    client = TestClient(Starlette(routes=extra_routes(context_over(collection_of(1), tmp_path))))
    html = client.get("/browse").text
    assert 'class="count">1 work<' in html and "Odd: 1 work." in html


def test_many_columns_of_a_work_do_not_hide_what_one_can_do_with_it(tmp_path: Path) -> None:
    client = TestClient(Starlette(routes=extra_routes(context_over(COLLECTIONS["200 columns"](), tmp_path))))
    html = client.get("/detail?work=0&part=1").text
    before, _, folded = html.partition("value 0<")[2].partition("<details><summary>Show ")
    assert "value 199<" in folded and "value 199<" not in before
