from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artsim.finetuning import Recipe
from artsim.sources import Source, open_source


def paint(style: str, rng: np.random.Generator, side: int = 48) -> Image.Image:
    """A picture in one of two styles: fine stripes or broad patches, in random colours."""
    cells = (side, 6) if style == "stripes" else (4, 4)
    pixels = np.repeat(np.repeat(rng.random(cells), side // cells[0], axis=0), side // cells[1], axis=1)
    return Image.fromarray((pixels[..., None] * rng.uniform(120, 255, 3)).astype(np.uint8))


def write_folder(folder: Path, *, artists: int = 12, works: int = 2) -> Path:
    """Two styles of `artists` artists with `works` works each; a broken file, a style of two works, a work without style."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for style in ("stripes", "patches"):
        for artist in range(artists):
            for number in range(works):
                name = f"{style}-{artist}-{number}.png"
                paint(style, rng).save(folder / name)
                rows.append((name, f"{style} painter {artist}", style))
    for name, style in (("rare-0.png", "rare"), ("rare-1.png", "rare"), ("none.png", "")):
        paint("patches", rng).save(folder / name)
        rows.append((name, "someone", style))
    (folder / "broken.png").write_bytes(b"no picture at all")
    rows.append(("broken.png", "stripes painter 0", "stripes"))
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file_name", "artist", "style"), *rows])
    return folder


@pytest.fixture(scope="session")
def labelled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("finetuning") / "works")


@pytest.fixture(scope="session")
def labelled(labelled_folder: Path) -> Source:
    return open_source(f"folder:{labelled_folder}")


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """Small enough for a test; both phases."""
    return Recipe(label="style", views=2, dimension=8, head_epochs=10, top_epochs=3, head_batch=16, top_batch=16)
