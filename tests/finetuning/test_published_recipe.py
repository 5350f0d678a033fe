"""The published recipe (docs/similarity.md, "Classify") from end to end on real paintings: a backbone is fine-tuned on styles,
and the collection that it embeds says the style of works that neither has seen."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from artsim import Collection, open_collection
from artsim.analysis.classification import reliability
from artsim.cli.main import main
from artsim.encoders.finetuned import FinetunedEncoder, read_config
from artsim.encoders.label_probabilities import SURE, measure_reliability
from artsim.search.query import Part

ART_EVAL = Path(__file__).resolve().parents[3] / "shared" / "art-eval"
TRAINED, HELD_OUT = 27, 10  # works of each style

pytestmark = [
    pytest.mark.sweep,
    pytest.mark.skipif(not ART_EVAL.is_dir(), reason="needs the labelled paintings of ../shared/art-eval"),
]


@pytest.fixture(scope="module")
def styles() -> dict[str, list[dict[str, str]]]:
    """The works of each style with enough of them, in the order of their names, which are random numbers."""
    found = defaultdict(list)
    with (ART_EVAL / "metadata.csv").open(encoding="utf-8", newline="") as file:
        for row in sorted(csv.DictReader(file), key=lambda row: row["file_name"]):
            found[row["style"]].append(row)
    return {style: works for style, works in found.items() if len(works) >= TRAINED + HELD_OUT}


@pytest.fixture(scope="module")
def encoder(styles: dict[str, list[dict[str, str]]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the fine-tuned encoder. The paintings that it was trained on are in the folder `paintings` beside it."""
    base = tmp_path_factory.mktemp("recipe")
    paintings = write_folder(base / "paintings", [work for works in styles.values() for work in works[:TRAINED]])
    options = "--label style --min-per-class 20 --split stratified --backbone embedded --top-epochs 1 --views 2".split()
    assert main(["finetune", "--source", f"folder:{paintings}", *options, "--out", str(base / "encoder")]) == 0
    return base / "encoder"


@pytest.fixture(scope="module")
def collection(encoder: Path) -> Collection:
    out = encoder.with_name("collection")
    source = f"folder:{encoder.with_name('paintings')}"
    assert main(["build", "--source", source, "--encoder", str(encoder), "--out", str(out)]) == 0
    return open_collection(out)


def write_folder(folder: Path, works: Sequence[dict[str, str]]) -> Path:
    folder.mkdir()
    for work in works:
        shutil.copy(ART_EVAL / work["file_name"], folder)
    with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(works[0]))
        writer.writeheader()
        writer.writerows(works)
    return folder


def test_the_head_knows_the_style_of_works_held_out_and_how_sure_it_may_be(
    collection: Collection, encoder: Path, styles: dict[str, list[dict[str, str]]]
) -> None:
    head = collection.encoder()
    assert isinstance(head, FinetunedEncoder) and head.calibration == read_config(encoder).calibration
    assert head.calibration is not None and set(head.classes) == set(styles) and len(styles) >= 6
    assert reliability(collection, "style") == head.calibration.reliability
    best, right, answers = [], [], 0
    for style, works in styles.items():
        for work in works[TRAINED : TRAINED + HELD_OUT]:
            picture = ART_EVAL / work["file_name"]
            rows = collection.query_embedding.images(collection.state.spaces[0], [Part(image=picture)])["style"]
            probabilities = head.class_probabilities(rows, head.calibration)
            best.append(probabilities.max())
            right.append(head.classes[int(probabilities.argmax())] == style)
            if (found := collection.classify(picture, "style")) is not None:
                answers += 1
                assert found[0][1] == pytest.approx(best[-1], abs=1e-5) and best[-1] >= SURE
                assert dict(found) == pytest.approx(dict(zip(head.classes, probabilities.tolist(), strict=True)))
                assert sum(share for _, share in found) == pytest.approx(1, abs=1e-4)
    measured = measure_reliability(np.array(best), np.array(right), groups=len(right))
    print(
        f"{len(styles)} styles, {TRAINED} works each; {answers} of {len(right)} works held out are answered\n{measured}"
    )
    assert measured.accuracy > 2.5 / len(styles)  # of each style as many: the majority class has 1 / styles
    assert measured.right is not None and measured.right > 3.5 / len(styles)
    assert answers >= 0.3 * len(right)
    assert measured.holds
