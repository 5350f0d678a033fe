"""Confusion matrix of classes: computation and drawing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_CELL, _EDGE, _LETTERS, _MAX_CLASSES = 46, 16, 22, 60
_PAPER, _INK, _LINE, _FULL = (255, 255, 255), (25, 25, 25), (215, 215, 215), (23, 84, 150)


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes) int: row i, column j counts works of class i that are classified as j."""
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def draw_confusion(matrix: np.ndarray, classes: Sequence[str], title: str) -> Image.Image:
    """Draw the matrix, each row shaded by its shares. Beyond 60 classes, only those with the most works."""
    places = np.sort(np.argsort(-matrix.sum(axis=1), kind="stable")[:_MAX_CLASSES])
    shown, names = matrix[np.ix_(places, places)], [_shortened(classes[place]) for place in places]
    font, small = ImageFont.load_default(14), ImageFont.load_default(12)
    margin = int(max(font.getlength(name) for name in names)) + 2 * _EDGE
    top = 3 * _EDGE + _LETTERS + margin
    side = _CELL * len(names)
    width = max(margin + side, int(font.getlength(title))) + 2 * _EDGE
    image = Image.new("RGB", (width, top + side + _EDGE), _PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((_EDGE, _EDGE), title, _INK, font)
    draw.text((_EDGE, top - _LETTERS), "true \\ taken for", _INK, small)
    for column, name in enumerate(names):
        upright = Image.new("RGB", (margin, _CELL), _PAPER)
        ImageDraw.Draw(upright).text((_EDGE // 2, _CELL / 2), name, _INK, font, anchor="lm")
        image.paste(upright.rotate(90, expand=True), (margin + column * _CELL, top - margin))
    for row, name in enumerate(names):
        y = top + row * _CELL
        draw.text((margin - _EDGE // 2, y + _CELL / 2), name, _INK, font, anchor="rm")
        total = max(1, int(matrix[places[row]].sum()))
        for column, count in enumerate(shown[row].tolist()):
            x, share = margin + column * _CELL, count / total
            shade = tuple(round(a + (b - a) * share) for a, b in zip(_PAPER, _FULL, strict=True))
            draw.rectangle((x, y, x + _CELL, y + _CELL), shade, _LINE)
            if count:
                ink = _PAPER if share > 0.5 else _INK
                draw.text((x + _CELL / 2, y + _CELL / 2), str(count), ink, font, anchor="mm")
    return image


def _shortened(name: str, most: int = 28) -> str:
    return name if len(name) <= most else name[: most - 3] + "..."
