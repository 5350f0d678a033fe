"""Pictures that are no art, drawn by code: blank pages, gradients, noise, pages of text, charts, diagrams, windows."""

import itertools
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIZE = (640, 480)
INK, PAPER, BLUE, ORANGE, GREEN, GREY = "#202124", "#ffffff", "#1f77b4", "#ff7f0e", "#2ca02c", "#e8eaed"
WORDS = (
    "the of and a to in is was for on that by with as it from are at his an be this which or not were has had".split()
)


def not_art() -> dict[str, Image.Image]:
    """Name -> picture; always the same."""
    found = {f"blank {color}": Image.new("RGB", SIZE, color) for color in (PAPER, "#000000", "#808080", "#1a73e8")}
    for number, (first, last) in enumerate(((PAPER, "#000000"), ("#ff0000", "#0000ff"), ("#fff1c9", "#20639b"))):
        for turned in (0, 90):
            ramp = Image.linear_gradient("L").rotate(turned).resize(SIZE)
            found[f"gradient {number} {turned}"] = Image.composite(
                Image.new("RGB", SIZE, last), Image.new("RGB", SIZE, first), ramp
            )
    drawers: dict[str, tuple[int, Callable[[np.random.Generator], Image.Image]]] = {
        "noise": (5, _noise),
        "text": (7, _text),
        "bars": (5, _bars),
        "lines": (5, _lines),
        "table": (5, _table),
        "boxes and arrows": (5, _boxes),
        "window": (8, _window),
        "chat": (4, _chat),
        "code": (4, _code),
    }
    for name, (count, draw) in drawers.items():
        found |= {f"{name} {number}": draw(np.random.default_rng(number)) for number in range(count)}
    return found


def _page(color: str = PAPER) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", SIZE, color)
    return image, ImageDraw.Draw(image)


def _say(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int = 14, fill: str = INK) -> None:
    draw.text(at, text, fill=fill, font=ImageFont.load_default(size))


def _sentence(rng: np.random.Generator, words: int) -> str:
    return " ".join(rng.choice(WORDS, words))


def _noise(rng: np.random.Generator) -> Image.Image:
    """Grains of one to sixteen pixels, coloured or grey."""
    grain = int(2 ** rng.integers(0, 5))
    shape = (SIZE[1] // grain + 1, SIZE[0] // grain + 1, 3 if rng.random() < 0.6 else 1)
    grains = np.broadcast_to(rng.integers(0, 256, shape, np.uint8), (*shape[:2], 3))
    return Image.fromarray(grains.repeat(grain, 0).repeat(grain, 1)[: SIZE[1], : SIZE[0]])


def _text(rng: np.random.Generator) -> Image.Image:
    image, draw = _page(str(rng.choice([PAPER, "#fbf7ee", "#111111"])))
    ink = "#eeeeee" if image.getpixel((0, 0)) == (17, 17, 17) else INK
    size = int(rng.integers(10, 22))
    _say(draw, (40, 24), _sentence(rng, 5).capitalize(), 2 * size, ink)
    for line in range(int((SIZE[1] - 100) / (1.5 * size))):
        _say(draw, (40, 40 + 2.5 * size + 1.5 * size * line), _sentence(rng, int(900 / size / 4)), size, ink)
    return image


def _axes(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    _say(draw, (200, 16), _sentence(rng, 4).capitalize(), 20)
    for step in range(6):
        y = 420 - 65 * step
        draw.line((70, y, 610, y), fill=GREY)
        _say(draw, (30, y - 8), str(20 * step))
    draw.line((70, 60, 70, 420, 610, 420), fill=INK, width=2)


def _bars(rng: np.random.Generator) -> Image.Image:
    image, draw = _page()
    _axes(draw, rng)
    count = int(rng.integers(4, 12))
    for bar in range(count):
        left, width = 90 + 510 * bar / count, 350 / count
        draw.rectangle((left, 420 - rng.uniform(30, 330), left + width, 419), fill=(BLUE, ORANGE, GREEN)[bar % 3])
        _say(draw, (left, 428), str(2010 + bar), 12)
    return image


def _lines(rng: np.random.Generator) -> Image.Image:
    image, draw = _page()
    _axes(draw, rng)
    for color in (BLUE, ORANGE, GREEN):
        heights = 240 + 12 * np.cumsum(rng.normal(size=40))
        points = [(80 + 13 * step, float(np.clip(y, 60, 415))) for step, y in enumerate(heights)]
        draw.line(points, fill=color, width=3)
    return image


def _table(rng: np.random.Generator) -> Image.Image:
    image, draw = _page()
    columns, rows = int(rng.integers(4, 8)), int(rng.integers(10, 18))
    width, height = 600 / columns, 430 / rows
    for row in range(rows):
        fill = BLUE if row == 0 else (PAPER, GREY)[row % 2]
        draw.rectangle((20, 25 + height * row, 620, 25 + height * (row + 1)), fill=fill)
        for column in range(columns):
            text = _sentence(rng, 1) if row == 0 else f"{rng.uniform(0, 999):.1f}"
            _say(draw, (28 + width * column, 29 + height * row), text, 14, PAPER if row == 0 else INK)
    return image


def _boxes(rng: np.random.Generator) -> Image.Image:
    image, draw = _page()
    corners = [(40 + 200 * (box % 3), 40 + 150 * (box // 3)) for box in range(9) if rng.random() < 0.8]
    for (x, y), (to_x, to_y) in itertools.pairwise(corners):
        draw.line((x + 75, y + 35, to_x + 75, to_y + 35), fill=INK, width=2)
    for x, y in corners:
        fill = str(rng.choice(["#dae8fc", "#d5e8d4", "#fff2cc", "#f8cecc"]))
        draw.rounded_rectangle((x, y, x + 150, y + 70), int(rng.integers(0, 20)), fill=fill, outline=INK, width=2)
        _say(draw, (x + 20, y + 24), _sentence(rng, 2), 16)
    return image


def _window(rng: np.random.Generator) -> Image.Image:
    dark = rng.random() < 0.4
    ground, panel, ink = ("#1e1e1e", "#2d2d30", "#dddddd") if dark else (PAPER, "#f1f3f4", INK)
    image, draw = _page(ground)
    draw.rectangle((0, 0, SIZE[0], 44), fill=str(rng.choice([panel, BLUE, "#6f42c1"])))
    _say(draw, (16, 12), _sentence(rng, 3).capitalize(), 18, ink)
    draw.rectangle((0, 45, 150, SIZE[1]), fill=panel)
    for item in range(10):
        _say(draw, (18, 62 + 34 * item), _sentence(rng, 2).capitalize(), 14, ink)
    for card in range(6):
        x, y = 175 + 155 * (card % 3), 70 + 195 * (card // 3)
        draw.rounded_rectangle((x, y, x + 140, y + 170), 8, fill=panel, outline="#9aa0a6")
        _say(draw, (x + 12, y + 14), _sentence(rng, 2), 15, ink)
        _say(draw, (x + 12, y + 60), _sentence(rng, 3), 12, ink)
        draw.rounded_rectangle((x + 12, y + 125, x + 90, y + 155), 6, fill="#1a73e8")
        _say(draw, (x + 26, y + 132), "Open", 14, PAPER)
    return image


def _chat(rng: np.random.Generator) -> Image.Image:
    image, draw = _page("#ece5dd")
    for line in range(7):
        left = 30 if rng.random() < 0.5 else 260
        draw.rounded_rectangle(
            (left, 20 + 65 * line, left + 340, 70 + 65 * line), 12, fill=("#dcf8c6", PAPER)[left == 30]
        )
        _say(draw, (left + 16, 34 + 65 * line), _sentence(rng, 8), 14)
    return image


def _code(rng: np.random.Generator) -> Image.Image:
    image, draw = _page("#282c34")
    for line in range(24):
        _say(draw, (14, 12 + 19 * line), str(line + 1), 13, "#636d83")
        x = 50 + 24 * int(rng.integers(0, 4))
        for word in rng.choice(WORDS, int(rng.integers(2, 7))):
            _say(draw, (x, 12 + 19 * line), word, 13, str(rng.choice(["#c678dd", "#98c379", "#61afef", "#abb2bf"])))
            x += 9 * len(word) + 10
    return image
