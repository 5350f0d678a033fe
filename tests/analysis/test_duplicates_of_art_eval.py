"""Precision and recall of duplicates on art-eval with altered copies: `pytest -s -n 0 -m sweep FILE` prints the table."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from odd_pictures import encode
from PIL import Image, ImageOps

from artsim import build_collection, open_source
from artsim.evaluation import museum_photographs
from artsim.evaluation.distortions import cropped, detail, framed, generator, small_detail

ART_EVAL = Path(__file__).resolve().parents[3] / "shared" / "art-eval"
KNOWN = [("0102753433", "3015703485"), ("6603259119", "9032670523"), ("7376309422", "8547298886")]
"""Works that art-eval holds twice, looked at: Monet's "Grainstacks, end of summer" in other colours; Rembrandt's "Anslo and his
wife", once in its arched frame; the middle of Bosch's "Garden of Earthly Delights", and all of it."""
EACH = 40  # works of each kind
Make = Callable[[Image.Image, np.random.Generator], bytes]

pytestmark = [
    pytest.mark.sweep,
    pytest.mark.skipif(not ART_EVAL.is_dir(), reason="needs the paintings of ../shared/art-eval"),
]


def saved(quality: int, scale: float = 1.0) -> Make:
    def make(image: Image.Image, rng: np.random.Generator) -> bytes:
        size = round(image.width * scale), round(image.height * scale)
        return encode(image.resize(size, Image.Resampling.LANCZOS), "JPEG", quality=quality)

    return make


def as_png(image: Image.Image, rng: np.random.Generator) -> bytes:
    return encode(image, "PNG")


def bordered(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    color = (255, 255, 255), (0, 0, 0), (128, 128, 128), (236, 234, 228)
    return ImageOps.expand(image, round(min(image.size) * rng.uniform(0.02, 0.12)), color[rng.integers(4)])


def museum(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    kinds = museum_photographs.KINDS
    return kinds[rng.integers(len(kinds))](image, rng).image


def as_file(alter: Callable[[Image.Image, np.random.Generator], Image.Image]) -> Make:
    return lambda image, rng: encode(alter(image, rng), "JPEG", quality=92)


KINDS: dict[str, Make] = {
    "JPEG 60": saved(60),
    "JPEG 30": saved(30),
    "half the size": saved(85, 0.5),
    "larger": saved(90, 1.6),
    "PNG": as_png,
    "cropped": as_file(cropped),
    "bordered": as_file(bordered),
    "framed": as_file(framed),
    "museum photograph": as_file(museum),
    "detail": as_file(detail),
    "small detail": as_file(small_detail),
}
EXPECTED = {
    "PNG": {"same pixels"},
    **dict.fromkeys(("JPEG 60", "JPEG 30", "half the size", "larger"), frozenset({"same picture"})),
    **dict.fromkeys(("cropped", "bordered", "framed"), frozenset({"version"})),
    "museum photograph": {"version"},
    "detail": {"detail"},
    "small detail": {"detail"},
}
"""What a copy should be called beside its original. A small detail (5 to 15 % of the work) is printed, not counted."""


def test_precision_and_recall_by_kind(tmp_path: Path, embedded: Any) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    originals = sorted(path.stem for path in ART_EVAL.glob("*.jpg"))
    for name in originals:
        (pictures / f"{name}~original.jpg").write_bytes((ART_EVAL / f"{name}.jpg").read_bytes())
    for kind, make in KINDS.items():
        for name in generator(3, kind).choice(originals, EACH, replace=False).tolist():
            data = make(Image.open(ART_EVAL / f"{name}.jpg").convert("RGB"), generator(5, name, kind))
            (pictures / f"{name}~{kind}{'.png' if kind == 'PNG' else '.jpg'}").write_bytes(data)
    collection = build_collection(open_source(f"folder:{pictures}"), [embedded], tmp_path / "out")
    groups = collection.duplicates()

    pairs_of = partial(itertools.combinations, r=2)
    found = {pair for group in groups for pair in pairs_of(sorted(group.ids))}
    true = {pair for pair in pairs_of(sorted(collection.ids)) if work_of(pair[0]) == work_of(pair[1])}
    counted = {pair for pair in found | true if not any(kind_of(one) == "small detail" for one in pair)}
    print("\n" + " " * 20 + "precision  recall  named")
    for kind in KINDS:
        found_of, true_of = (
            {pair for pair in pairs if {kind_of(one) for one in pair} == {kind, "original"}} for pairs in (found, true)
        )
        named = [
            pair.relation in EXPECTED[kind]
            for group in groups
            for pair in group.pairs
            if (kind_of(pair.first), kind_of(pair.second)) == ("original", kind)
        ]
        precision, recall = (len(found_of & true_of) / len(pairs) for pairs in (found_of, true_of))
        print(f"{kind:20} {precision:8.3f} {recall:7.3f} {sum(named) / max(1, len(named)):6.2f}")
        if kind != "small detail":
            assert precision >= 0.98 and recall >= 0.85, kind
    precision, recall = (len(found & true & counted) / len(pairs & counted) for pairs in (found, true))
    print(f"{'all but the last':20} {precision:8.3f} {recall:7.3f}     of {len(true & counted)} pairs")
    assert precision >= 0.98 and recall >= 0.95


def work_of(identity: str) -> str:
    name = identity.split("~")[0]
    return next((first for first, second in KNOWN if name == second), name)


def kind_of(identity: str) -> str:
    return identity.split("~")[1].rsplit(".", 1)[0]
