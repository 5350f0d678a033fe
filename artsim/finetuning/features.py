"""Features of the untrained backbone for every view of every work: computed once, saved in chunk files, resumable.

Also the input of the second phase: pictures up to the frozen layers of the backbone, cached while memory allows.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from artsim.encoders.protocol import Blocks, Encoder, joined, unit_rows
from artsim.encoders.style_head import head_segments
from artsim.errors import ImageError, TrainingError
from artsim.files.atomic import writing
from artsim.finetuning.backbones import Backbone, PreparedPicture
from artsim.finetuning.recipe import Recipe
from artsim.finetuning.views import altered_view
from artsim.finetuning.works import LabelledWorks
from artsim.images.decode import load_image
from artsim.sources import Source, read_picture

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Called with the name of the step, the amount done and the total."""

CHUNK = 64  # works per chunk file: the most that a killed run loses
CACHE_BYTES = 2_000_000_000
_DECODERS = 2


@dataclass(frozen=True)
class PictureFiles:
    """Pictures of the works, by row: files of the source, copies of what it gives otherwise, or why there is none."""

    paths: tuple[Path | ImageError, ...]
    ids: tuple[str, ...]
    short_side: int

    def load(self, row: int) -> Image.Image:
        """Decode the picture of a work. `ImageError` when it is missing or unreadable."""
        path = self.paths[row]
        if isinstance(path, ImageError):
            raise path
        return load_image(path, short_side=2 * self.short_side, name=self.ids[row])


def find_pictures(source: Source, works: LabelledWorks, folder: Path, *, short_side: int) -> PictureFiles:
    """Locate the pictures; those that are no files of this machine are written to `folder`, so that they can be read again."""
    rows = {identity: row for row, identity in enumerate(works.ids)}
    paths: list[Path | ImageError] = [ImageError(f"{identity} has no picture.") for identity in works.ids]
    for work in source.works(0):
        row = rows.get(work["id"])
        picture = work["image"] or {}
        if row is None:
            continue
        if picture.get("path") and not picture.get("bytes"):
            paths[row] = Path(picture["path"])
            continue
        try:
            data = read_picture(work)
        except ImageError as error:
            paths[row] = error
            continue
        copied = folder / f"picture-{row:07d}"
        with writing(folder):
            copied.write_bytes(data)
        paths[row] = copied
    return PictureFiles(tuple(paths), works.ids, short_side)


@dataclass(frozen=True)
class Features:
    """Raw segments of works and views: `parts[i]` (n, views, d) float16, see `head_segments`; `layout` (n, d) of view 0."""

    parts: tuple[np.ndarray, ...]
    layout: np.ndarray
    failed: Mapping[int, str] = field(default_factory=dict)
    """Rows without a usable picture -> reason; their features are zeros."""

    def only(self, rows: np.ndarray) -> Features:
        return Features(tuple(part[rows] for part in self.parts), self.layout[rows])

    def of(self, rows: np.ndarray, views: np.ndarray | int = 0) -> list[np.ndarray]:
        """The segments, each (m, d) float32, of works in one view each."""
        return [part[rows, views].astype(np.float32) for part in self.parts]

    def blocks(self) -> Blocks:
        """The raw blocks of view 0 of all works, as from the backbone's encoder."""
        *style, subject = self.of(np.arange(len(self.layout)))
        return {
            "subject": unit_rows(subject),
            "style": joined(style),
            "layout": unit_rows(self.layout.astype(np.float32)),
        }


def measure_features(
    backbone: Backbone, pictures: PictureFiles, recipe: Recipe, folder: Path, progress: Progress
) -> Features:
    """Embed all views of all works; chunks already in `folder` are read. `TrainingError` when no picture is usable."""
    count = len(pictures.ids)
    chunks: list[dict[str, np.ndarray]] = []
    failed: dict[int, str] = {}
    for start in range(0, count, CHUNK):
        rows = range(start, min(start + CHUNK, count))
        path = folder / f"features-{start:07d}.safetensors"
        chunk, problems = _read_chunk(path) or _measure_chunk(backbone.encoder, pictures, rows, recipe, path)
        chunks.append(chunk)
        failed |= problems
        progress("Measuring", rows.stop, count)
    if len(failed) == count:
        reasons = " ".join(list(failed.values())[:3])
        raise TrainingError(f"None of the {count} pictures can be used: {reasons}")
    parts = tuple(np.concatenate([chunk[f"part.{n}"] for chunk in chunks]) for n in range(len(chunks[0]) - 1))
    return Features(parts, np.concatenate([chunk["layout"] for chunk in chunks]), failed)


Chunk = tuple[dict[str, np.ndarray], dict[int, str]]
"""The arrays of a chunk of works, and the reason per row without a usable picture."""


def _measure_chunk(encoder: Encoder, pictures: PictureFiles, rows: range, recipe: Recipe, path: Path) -> Chunk:
    from safetensors.numpy import save_file

    def load(row: int) -> Image.Image | ImageError:
        try:
            return pictures.load(row)
        except ImageError as error:
            return error

    with ThreadPoolExecutor(_DECODERS) as pool:
        loaded = dict(zip(rows, pool.map(load, rows), strict=True))
    good = {row: image for row, image in loaded.items() if isinstance(image, Image.Image)}
    failed = {row: str(error) for row, error in loaded.items() if isinstance(error, ImageError)}
    views = [
        altered_view(image, pictures.ids[row], n, seed=recipe.seed)
        for row, image in good.items()
        for n in range(recipe.views)
    ]
    blocks = encoder.embed_images(views)
    places = np.array([row - rows.start for row in good], int)
    arrays = {}
    for number, part in enumerate(head_segments(blocks, encoder.segments)):
        values = np.zeros((len(rows), recipe.views, part.shape[1]), np.float16)
        values[places] = unit_rows(part).reshape(len(places), recipe.views, -1)
        arrays[f"part.{number}"] = values
    arrays["layout"] = np.zeros((len(rows), encoder.dims["layout"]), np.float16)
    arrays["layout"][places] = blocks["layout"][:: recipe.views]
    temporary = path.with_suffix(".tmp")
    with writing(path):
        save_file(arrays, temporary, metadata={"failed": json.dumps(failed)})
        temporary.replace(path)
    return arrays, failed


def _read_chunk(path: Path) -> Chunk | None:
    """The saved chunk; None where there is none that can be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            failed = json.loads((file.metadata() or {})["failed"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            return arrays, {int(row): why for row, why in failed.items()}
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        log.debug("%s is measured anew: %s", path, error)
        return None


class PreparedViews:
    """Cache of `Backbone.prepare` for the views of the works, up to `limit` bytes; beyond that they are recomputed."""

    def __init__(self, backbone: Backbone, pictures: PictureFiles, recipe: Recipe, *, limit: int = CACHE_BYTES) -> None:
        self._backbone, self._pictures, self._recipe = backbone, pictures, recipe
        self._kept: dict[tuple[int, int], PreparedPicture] = {}
        self._free = limit

    def get(self, rows: Sequence[int], views: Sequence[int]) -> list[PreparedPicture]:
        """Prepared pictures of the works at `rows`, in one view each."""
        keys = list(zip(rows, views, strict=True))
        missing = [key for key in dict.fromkeys(keys) if key not in self._kept]
        with ThreadPoolExecutor(_DECODERS) as pool:
            made = dict(zip(missing, pool.map(self._make, missing), strict=True))
        for key, prepared in made.items():
            size = sum(tensor.numel() * tensor.element_size() for tensor in prepared.values())
            if size <= self._free:
                self._kept[key] = prepared
                self._free -= size
        return [self._kept[key] if key in self._kept else made[key] for key in keys]

    def _make(self, key: tuple[int, int]) -> PreparedPicture:
        row, number = key
        image = altered_view(self._pictures.load(row), self._pictures.ids[row], number, seed=self._recipe.seed)
        return self._backbone.prepare([image])[0]
