"""Details and reproductions of real paintings are found, and the metrics measure it."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artsim import build_collection, open_source
from artsim.evaluation.copies import MEASUREMENTS, FoundAgain, find_reproductions
from artsim.evaluation.distortions import DETAILS, SAME_WORK, generator
from artsim.images.decode import load_image

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the script in this process; return its exit code."""

    def run(*arguments: object) -> int:
        monkeypatch.setattr("sys.argv", ["evaluate_copies.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            runpy.run_path(str(SCRIPTS / "evaluate_copies.py"), run_name="__main__")
        return int(stopped.value.code or 0)

    return run


@pytest.mark.slow
def test_details_and_reproductions_find_their_work_where_whole_pictures_do_not(
    tmp_path: Path, embedded: Any, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Lower bounds for the figures of docs/copies.md, which cover all works."""
    collection = build_collection(open_source("met"), embedded, tmp_path / "met", limit=24, regions=True)
    assert run("--collection", tmp_path / "met", "--what", "likeness") == 2
    expected = "Error: There is no measurement likeness; choose among same-work, photographs, details, recognition.\n"
    assert capsys.readouterr().err == expected
    target = tmp_path / "figures.json"
    assert run("--collection", tmp_path / "met", "--queries", 6, "--seed", 4, "--json", target) == 0
    assert "| jpeg_30, preset same-work | 1.000 |" in capsys.readouterr().out
    figures = json.loads(target.read_text(encoding="utf-8"))
    assert (figures["works"], figures["queries"], figures["encoder"]) == (24, 6, "embedded")
    found = {(one["distortion"], one["way"]): one for one in figures["same_work"] + figures["details"]}
    assert len(found) == 2 * len(SAME_WORK) + 3 * len(DETAILS)
    by_whole = "raw cosine of whole pictures"
    for name in ("phone", "combined"):
        assert found[name, "preset same-work"]["recall@1"] >= 0.85
    assert found["phone", by_whole]["recall@1"] < found["phone", "preset same-work"]["recall@1"]
    assert found["detail", "detail search"]["recall@1"] >= 0.9
    assert found["small_detail", "detail search"]["recall@1"] >= 0.75
    assert found["small_detail", by_whole]["mrr"] < found["small_detail", "detail search"]["mrr"] - 0.15
    kinds, ways = MEASUREMENTS["photographs"]
    photographs = find_reproductions(collection, collection.ids[:1], (kinds[0], kinds[5]), ways)
    assert [(one.distortion, one.ranks.tolist()) for one in photographs[len(ways) :]] == [("jpeg_30", [1])] * len(ways)


def test_metrics_are_computed_from_ranks() -> None:
    figures = FoundAgain("x", "y", np.array([1, 1, 4, 0])).as_json()
    assert (figures["queries"], figures["recall@1"], figures["recall@5"]) == (4, 0.5, 0.75)
    assert figures["mrr"] == pytest.approx((1 + 1 + 0.25) / 4)
    low, high = figures["intervals"]["recall@1"]
    assert low < 0.5 < high


@pytest.fixture(scope="module")
def works(met_works: list[dict[str, Any]]) -> list[Image.Image]:
    """Two paintings, one of them a hand-scroll."""
    return [load_image(met_works[row]["image"]["bytes"], short_side=160) for row in (5, 19)]


@pytest.mark.parametrize("alter", SAME_WORK + DETAILS, ids=lambda alter: alter.__name__)
def test_every_distortion_depends_on_the_seed_and_changes_a_copy(alter: Any, works: list[Image.Image]) -> None:
    first, again, other = (alter(works[0], generator(seed, "a work", alter.__name__)) for seed in (0, 0, 1))
    assert first.tobytes() == again.tobytes()
    if alter.__name__ != "jpeg_30":  # the only one without random numbers
        assert first.tobytes() != other.tobytes()
    for image in works:
        before = np.asarray(image).copy()
        altered = alter(image, generator(3))
        assert np.array_equal(np.asarray(image), before)
        assert altered.mode == "RGB"
        assert min(altered.size) >= (16 if alter in DETAILS else 0.75 * min(image.size))
        difference = np.abs(np.asarray(altered.resize(image.size), float) - before).mean()
        assert difference > (1.0 if alter.__name__ == "jpeg_30" else 4.0)
