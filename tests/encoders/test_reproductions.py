"""Queries by another reproduction: the mean layout of several crops of the picture."""

from typing import Any

import numpy as np
from PIL import Image, ImageOps

from artsim import Part
from artsim.encoders.protocol import unit_rows
from artsim.encoders.reproductions import INSETS, embed_reproductions
from artsim.images.decode import load_image
from artsim.search.query_vectors import QueryEmbedding


def test_the_layouts_of_the_crops_are_averaged_and_a_tiny_picture_is_not_cropped(clip: Any, painting: bytes) -> None:
    image = load_image(painting, short_side=100).resize((100, 200))
    views = [image.crop((round(s * 100), round(s * 200), round((1 - s) * 100), round((1 - s) * 200))) for s in INSETS]
    by_hand = unit_rows(clip.embed_images(views)["layout"].sum(axis=0))
    np.testing.assert_allclose(embed_reproductions(clip, [image])[0], by_hand, atol=1e-5)
    tiny = Image.new("RGB", (9, 9), (200, 30, 30))
    np.testing.assert_allclose(embed_reproductions(clip, [tiny]), clip.embed_images([tiny])["layout"], atol=1e-5)


def test_a_frame_changes_the_layout_less_than_the_plain_layout(embedded: Any, met_works: list[dict[str, Any]]) -> None:
    for row in (0, 11, 25):
        image = load_image(met_works[row]["image"]["bytes"], short_side=320)
        framed = ImageOps.expand(image, round(0.12 * min(image.size)), (176, 141, 60))
        layout = embedded.embed_images([image, framed])["layout"]
        assert float(embed_reproductions(embedded, [framed])[0] @ layout[0]) > float(layout[1] @ layout[0])


def test_only_the_layout_differs_from_the_plain_query(collection: Any, painting: bytes) -> None:
    space, parts = collection.state.spaces[0], [Part(image=painting)]
    embedding = QueryEmbedding(lambda _: collection.encoder(), collection.picture)
    plain, reproductions = embedding.images(space, parts), embedding.images(space, parts, reproductions=True)
    assert [aspect for aspect in plain if not np.array_equal(plain[aspect], reproductions[aspect])] == ["layout"]
