"""Thumbnails: made once, replaced with the picture, and absent for damaged pictures."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from owners import context_of
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from artsim.errors import QueryError
from artsim.images.thumbnails import LARGE, SMALL
from artsim.ui.addresses import picture_address
from artsim.ui.http.routes import extra_routes
from artsim.ui.thumbnail_cache import Thumbnails


def test_a_thumbnail_is_a_small_webp_made_once(collection: Any, tmp_path: Path) -> None:
    thumbnails = Thumbnails(collection, tmp_path)
    path = thumbnails.path(collection.ids[0], SMALL)
    assert path is not None
    with Image.open(path) as image:
        assert image.format == "WEBP"
        assert max(image.size) <= SMALL
    made = path.stat().st_mtime_ns
    assert thumbnails.path(collection.ids[0], SMALL) == path
    assert path.stat().st_mtime_ns == made
    assert not list(tmp_path.rglob("*.tmp"))
    assert len({path, thumbnails.path(collection.ids[0], LARGE), thumbnails.path(collection.ids[1], SMALL)}) == 3


def test_the_key_changes_with_the_picture_of_a_work() -> None:
    old = Thumbnails.key({"id": "a", "sha256": "1"})
    assert old != Thumbnails.key({"id": "a", "sha256": "2"})
    assert old != Thumbnails.key({"id": "b", "sha256": "1"})


def test_an_id_that_looks_like_a_path_stays_inside_the_folder(collection: Any, tmp_path: Path) -> None:
    with pytest.raises(QueryError):
        Thumbnails(collection, tmp_path).path("../../etc/passwd", SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_picture_has_no_thumbnail(collection: Any, tmp_path: Path) -> None:
    damaged = SimpleNamespace(
        manifest=collection.manifest, work=collection.work, picture=lambda identity: collection.picture(identity)[:200]
    )
    assert Thumbnails(damaged, tmp_path).path(collection.ids[0], SMALL) is None  # type: ignore[arg-type]


def test_thumbnails_are_made_ahead_in_the_background(collection: Any, tmp_path: Path) -> None:
    thumbnails = Thumbnails(collection, tmp_path)
    thumbnails.make_ahead(collection.ids[3:4])
    until = time.monotonic() + 60
    while len(list(thumbnails.folder.rglob("*.webp"))) < len(collection) and time.monotonic() < until:
        time.sleep(0.05)
    thumbnails.stop()
    assert len(list(thumbnails.folder.rglob("*.webp"))) == len(collection)


def test_works_with_any_file_name_have_thumbnails(copy: Path, tmp_path: Path, painting: bytes) -> None:
    context = context_of(copy, tmp_path, None)
    names = ["two\nlines.jpg", "one at its end\n", "100% #1?&x=\\.jpg", "a/b c.jpg", "caf\u00e9 \U0001f3a8.png"]
    context.collection.add([{"id": name, "image": painting} for name in names])
    client = TestClient(Starlette(routes=extra_routes(context)))
    for name in names:
        answer = client.get("/" + picture_address(context.collection.work(name), SMALL))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp"), name
