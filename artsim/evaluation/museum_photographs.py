"""Simulated photographs of a work in a museum, whose right answer is known: framed, on a wall, askew, far away, cut off.

Each kind maps an RGB picture and a seeded generator to a `Photograph`. The wall, the frame and the work are drawn as one scene,
which a camera sees from somewhere (keystone up to 12 %, turned by 3 degrees as standard deviation); then come light, a colour
cast, blur, noise and JPEG. The same seed gives the same pixels under the same versions of Pillow and numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from artsim.evaluation.distortions import SAME_WORK, Alter, as_jpeg, corners_of, mapping, to_image

SIZE = 1024, 768  # or upright
_SCENE = 1.8  # sides of the wall that is drawn, relative to the photograph's
_KEYSTONE, _TURN = 0.12, 3.0
_MOULDINGS = ((176, 141, 60), (120, 88, 42), (61, 40, 27), (24, 24, 24), (236, 234, 228), (150, 150, 148))
_PAINTS = ((214, 208, 196), (150, 152, 155), (92, 36, 34), (70, 84, 74), (240, 240, 238), (52, 66, 92), (188, 170, 120))


@dataclass(frozen=True)
class Photograph:
    """A photograph and where the work is: `corners` (4, 2), clockwise from its top left, as fractions of width and height."""

    image: Image.Image
    corners: np.ndarray


Take = Callable[[Image.Image, np.random.Generator], Photograph]


def framed(work: Image.Image, rng: np.random.Generator) -> Photograph:
    """With its frame, which takes 55..85 % of a side of the photograph."""
    return _take(work, rng, share=rng.uniform(0.55, 0.85))


def far(work: Image.Image, rng: np.random.Generator) -> Photograph:
    """With its frame, which takes 30..50 % of a side."""
    return _take(work, rng, share=rng.uniform(0.3, 0.5))


def cut_off(work: Image.Image, rng: np.random.Generator) -> Photograph:
    """With or without its frame; the border of the photograph cuts 10..28 % of its width or height off."""
    return _take(work, rng, share=rng.uniform(0.75, 1.05), frame=rng.random() < 0.5, cut=rng.uniform(0.1, 0.28))


def unframed(work: Image.Image, rng: np.random.Generator) -> Photograph:
    """Without a frame, 65..98 % of a side, with one or two glares."""
    return _take(work, rng, share=rng.uniform(0.65, 0.98), frame=False, glares=int(rng.integers(1, 3)))


KINDS: tuple[Take, ...] = (framed, far, cut_off, unframed)
PHOTOGRAPHS: tuple[Take | Alter, ...] = (*KINDS, *(alter for alter in SAME_WORK if alter.__name__ != "framed"))
"""In a museum; then reproductions without surroundings (`combined` has a frame in half of all cases)."""


def taken(kind: Take | Alter, work: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The photograph, or the altered reproduction, of a work."""
    made = kind(work, rng)
    return made.image if isinstance(made, Photograph) else made


def _take(
    work: Image.Image,
    rng: np.random.Generator,
    *,
    share: float,
    frame: bool = True,
    cut: float = 0.0,
    glares: int = 0,
) -> Photograph:
    """The photograph of a work that takes `share` of a side with its frame, `cut` of which lies beyond the border."""
    size = SIZE if work.width >= work.height * rng.uniform(0.8, 1.2) else SIZE[::-1]
    hung, edge = _hung(work, rng, frame=frame, size=size, share=share)
    scene = _wall(rng, (round(size[0] * _SCENE), round(size[1] * _SCENE)))
    left, top = (scene.width - hung.width) // 2, (scene.height - hung.height) // 2
    _cast_shadow(scene, (left, top, left + hung.width, top + hung.height), rng)
    scene.paste(hung, (left, top))
    shown = hung.width - 2 * edge, hung.height - 2 * edge
    inside = corners_of(shown) + np.array((left + edge, top + edge))
    seen = _camera(rng, size, hung.size, shown, cut) + np.array(scene.size) / 2
    frame_of = corners_of(size)
    image = scene.transform(size, Image.Transform.PERSPECTIVE, mapping(frame_of, seen), Image.Resampling.BICUBIC)
    where = _mapped(mapping(seen, frame_of), inside) / size
    return Photograph(_developed(image, rng, glares), where)


def _hung(
    work: Image.Image, rng: np.random.Generator, *, frame: bool, size: tuple[int, int], share: float
) -> tuple[Image.Image, int]:
    """The work in its frame, as large as the scene needs it, and the width of the frame."""
    moulding = rng.uniform(0.04, 0.14) if frame else 0.0  # of the short side
    mount = rng.uniform(0.03, 0.12) if frame and rng.random() < 0.25 else 0.0
    around = 2 * (moulding + mount) * min(work.size)
    scale = share * min(size[0] / (work.width + around), size[1] / (work.height + around))
    hung = work.resize(
        (max(16, round(work.width * scale)), max(16, round(work.height * scale))),
        Image.Resampling.LANCZOS,
        reducing_gap=3.0,
    )
    short = min(hung.size)
    if mount:
        paper = rng.uniform(0.85, 1.0)
        hung = ImageOps.expand(hung, round(mount * short), _rgb(np.array((250, 246, 236)) * paper))
    if moulding:
        color, ridges = np.array(_MOULDINGS[rng.integers(len(_MOULDINGS))]), int(rng.integers(2, 5))
        for _ in range(ridges):
            width = max(1, round(moulding * short / ridges))
            hung = ImageOps.expand(hung, width, _rgb(color * rng.uniform(0.65, 1.35)))
    edge = (hung.width - max(16, round(work.width * scale))) // 2
    return hung, edge


def _camera(
    rng: np.random.Generator, size: tuple[int, int], hung: tuple[int, int], work: tuple[int, int], cut: float
) -> np.ndarray:
    """(4, 2): the corners of what the camera sees of the scene, around the middle of the work."""
    seen = corners_of(size) - np.array(size) / 2
    keystone = rng.uniform(
        -_KEYSTONE, _KEYSTONE, 2
    )  # of the lower against the upper, of the right against the left side
    seen[:, 0] *= 1 + keystone[0] * np.sign(seen[:, 1])
    seen[:, 1] *= 1 + keystone[1] * np.sign(seen[:, 0])
    angle = np.radians(rng.normal(0, _TURN))
    turned = seen @ np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))))
    room = (np.array(size) - hung) / 2
    shift = rng.uniform(-0.5, 0.5, 2) * np.maximum(room, 0)
    if cut:
        axis, side = int(rng.integers(2)), float(rng.choice((-1.0, 1.0)))
        shift[axis] = side * (room[axis] + (hung[axis] - work[axis]) / 2 + cut * work[axis])
    return turned + shift


def _mapped(coefficients: list[float], points: np.ndarray) -> np.ndarray:
    """Points (n, 2) under one of `mapping`."""
    a, b, c, d, e, f, g, h = coefficients
    x, y = points.T
    return np.stack([a * x + b * y + c, d * x + e * y + f], axis=1) / (g * x + h * y + 1)[:, None]


def _developed(image: Image.Image, rng: np.random.Generator, glares: int) -> Image.Image:
    """Light from one side, glares, a colour cast, blur of 0.5..2.2 pixels, noise, JPEG 45..85."""
    y, x = np.mgrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    pixels = np.asarray(image, np.float32) * rng.uniform(0.8, 1.15, 3).astype(np.float32)
    pixels *= (1 + rng.uniform(0, 0.25) * (np.cos(angle) * x + np.sin(angle) * y))[..., None]
    for _ in range(glares):
        across, down = rng.uniform(-0.6, 0.6, 2)
        wide, high = rng.uniform(0.08, 0.3, 2)
        spot = np.exp(-(((x - across) / wide) ** 2) - ((y - down) / high) ** 2)
        pixels += rng.uniform(80, 200) * spot[..., None]
    blurred = np.asarray(to_image(pixels).filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2.2))), np.float32)
    noise = rng.standard_normal(blurred.shape, np.float32) * np.float32(rng.uniform(2, 8))
    return as_jpeg(to_image(blurred + noise), int(rng.integers(45, 86)))


def _cast_shadow(scene: Image.Image, box: tuple[int, int, int, int], rng: np.random.Generator) -> None:
    """Darken the wall beside and below what hangs at `box`."""
    depth = rng.uniform(2, 14)
    mask = Image.new("L", scene.size, 0)
    left, top, right, bottom = (round(side + depth) for side in box)
    mask.paste(round(rng.uniform(40, 140)), (left, top, right, bottom))
    scene.paste((0, 0, 0), mask=mask.filter(ImageFilter.GaussianBlur(depth / 1.5)))


def _wall(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """One of eight walls."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    paint = np.array(_PAINTS[rng.integers(len(_PAINTS))], np.float32) * np.float32(rng.uniform(0.85, 1.05))
    pattern = _PATTERNS[rng.integers(len(_PATTERNS))](x, y, rng)
    return to_image(paint * (1 + pattern)[..., None])


def _plain(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.zeros_like(x)


def _plaster(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blotches of several sizes."""
    total = np.zeros_like(x)
    for cells in (6, 20, 70, 250):
        noise = Image.fromarray(rng.standard_normal((cells, cells)).astype(np.float32))
        total += np.asarray(noise.resize(x.shape[::-1], Image.Resampling.BICUBIC)) * np.float32(0.025)
    return total


def _bricks(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    high = rng.uniform(24, 60)
    row = np.floor(y / high)
    across = (x / (2.6 * high) + 0.5 * (row % 2)) % 1
    joint = ((y / high) % 1 < 0.1) | (across < 0.04)
    shade = 0.16 * np.sin(12.9 * row + 78.2 * np.floor(x / (2.6 * high) + 0.5 * (row % 2)))
    return np.where(joint, 0.3, shade)


def _stripes(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where((x / rng.uniform(24, 90)) % 1 < rng.uniform(0.3, 0.7), 0.0, rng.uniform(-0.2, 0.2))


def _damask(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A repeated ornament."""
    u, v = x / rng.uniform(18, 40), y / rng.uniform(22, 50)
    return rng.uniform(0.1, 0.22) * np.sign(np.sin(u) * np.cos(v) + 0.4 * np.sin(2 * u + v) + 0.3 * np.cos(3 * v))


def _panels(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Boards with grain."""
    wide = rng.uniform(60, 160)
    board = np.floor(x / wide)
    grain = 0.06 * np.sin(x / 3 + 2.5 * np.sin(y / 90 + board))
    return np.where((x / wide) % 1 < 0.03, -0.45, 0.12 * np.sin(7.7 * board) + grain)


def _tiles(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = rng.uniform(50, 130)
    return np.where(((x / side) % 1 < 0.04) | ((y / side) % 1 < 0.04), -0.22, 0.0)


def _wainscot(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two colours, with a rail between them."""
    rail = rng.uniform(0.45, 0.8) * y.shape[0]
    return np.where(np.abs(y - rail) < 9, 0.2, np.where(y > rail, rng.uniform(-0.45, -0.15), 0.0))


_PATTERNS = (_plain, _plaster, _bricks, _stripes, _damask, _panels, _tiles, _wainscot)


def _rgb(values: np.ndarray) -> tuple[int, int, int]:
    red, green, blue = np.clip(values, 0, 255).astype(int).tolist()
    return red, green, blue
