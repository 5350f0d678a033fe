"""Small synthetic collection: works cluster by artist, and several artists share a style.

No network runs: vectors are drawn around one centre per artist, and each picture is a plain colour of its own.
"""

from functools import partial
from typing import Any

import numpy as np
from datasets import List, Value
from odd_pictures import encode
from PIL import Image

from artsim.collection import Collection
from artsim.encoders.protocol import Aspect, Blocks, unit_rows
from artsim.encoders.region_vectors import REGIONS
from artsim.index import Rows
from artsim.snapshot.space import make_space
from artsim.snapshot.state import State, metadata_table
from artsim.storage.manifest import Manifest
from artsim.storage.pictures import NewPictures, Pictures

DIMS: dict[Aspect, int] = {"subject": 24, "style": 16, "color": 8, "layout": 12}
STYLES = ("Baroque", "Realism", "Cubism")
_FEATURES: dict[str, Any] = {
    "id": Value("string"),
    "title": Value("string"),
    "artist": Value("string"),
    "style": Value("string"),
    "year": Value("int32"),
    "tags": List(Value("string")),
    "nothing": Value("string"),
    "everything": Value("string"),
}


def make_collection(
    *,
    artists: int = 9,
    works: int = 5,
    spaces: int = 1,
    order: str = "by artist",
    images: str = "bytes",
    scatter: float = 2.0,
    regions: bool = False,
) -> Collection:
    """A collection of `artists` * `works` works. Artist i paints in style i modulo 3; the last work has no artist or style.

    `order="shuffled"`: the same works with the same vectors in another order. `scatter`: distance of the works from their
    artist's centre. `regions`: with random vectors of regions.
    """
    rows = [_row(artist, number) for artist in range(artists) for number in range(works)]
    rows[-1] |= {"artist": "Unknown", "style": None, "tags": None}
    blocks = [made_blocks(artists, works, scatter, seed) for seed in range(spaces)]
    for of_space in blocks:
        of_space["color"] = blocks[0]["color"]  # does not depend on the encoder
    colors = [color_of(number) for number in range(len(rows))]
    if order == "shuffled":
        permutation = np.random.default_rng(9).permutation(len(rows))
        rows, colors = [rows[i] for i in permutation], [colors[i] for i in permutation]
        blocks = [{aspect: block[permutation] for aspect, block in of_space.items()} for of_space in blocks]
    made_spaces = []
    for number, of_space in enumerate(blocks):
        stored = {aspect: Rows.of(block) for aspect, block in of_space.items()}
        details = Rows.of(_regions(len(rows))) if regions else None
        made_spaces.append(make_space(f"space-{number}", f"made-up-{number}", "1", stored, regions=details))
    pictures = Pictures.of(NewPictures([partial(encode, Image.new("RGB", (48, 32), color), "PNG") for color in colors]))
    state = State(metadata_table(rows, _FEATURES), tuple(made_spaces), dict(_FEATURES), pictures)
    manifest = Manifest(
        title="Made-up works",
        rows=len(rows),
        source={"name": "made-up"},
        license="cc0-1.0",
        created="",
        images=images,
        spaces=(),
    )
    return Collection(state=state, manifest=manifest, folder=None)


def color_of(number: int) -> tuple[int, int, int]:
    """Colour of the picture of work `number`, counted in the order by artist."""
    return (40 + 37 * number % 200, 40 + 91 * number % 200, 40 + 53 * number % 200)


def _row(artist: int, number: int) -> dict[str, Any]:
    return {
        "id": f"work-{artist}-{number}",
        "title": f"Study <{number}> & more",
        "artist": f"Artist {artist}",
        "style": STYLES[artist % 3],
        "year": 1600 + 10 * artist + number,
        "tags": [f"tag {artist % 4}", f"tag {number % 3}"],
        "nothing": None,
        "everything": "painting",
    }


def made_blocks(artists: int, works: int, scatter: float, seed: int) -> Blocks:
    rng = np.random.default_rng(seed)
    blocks: Blocks = {}
    for aspect, d in DIMS.items():
        style = rng.normal(size=(3, d))[np.arange(artists) % 3]
        centre = style + rng.normal(size=(artists, d))
        drawn = np.repeat(centre, works, axis=0) + scatter * rng.normal(size=(artists * works, d))
        blocks[aspect] = unit_rows(drawn + 1.0)  # off centre, as real features are
    return blocks


def _regions(works: int) -> np.ndarray:
    return np.random.default_rng(7).normal(size=(works, len(REGIONS) * 80)).astype(np.float32)
