"""Fine-tuning end to end: encoder and report, resumption of killed runs, refused input."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artsim import build_collection, finetuning
from artsim.analysis.classification import reliability
from artsim.cli.main import main
from artsim.encoders import load_encoder
from artsim.errors import EncoderError, QueryError, TrainingError
from artsim.finetuning import Recipe
from artsim.sources import Source

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tuned(checkpoint: Any, labelled: Source, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny ResNet fine-tuned on the two styles. Read-only: change a copy."""
    return finetuning.finetune(
        labelled, str(checkpoint("resnet")), tmp_path_factory.mktemp("tuned") / "encoder", recipe
    )


def test_the_result_is_an_encoder_with_one_more_style_segment_and_a_model_for_transformers(
    tuned: Path, checkpoint: Any
) -> None:
    from transformers import AutoImageProcessor, AutoModel

    base, encoder = load_encoder(str(checkpoint("resnet"))), load_encoder(str(tuned))
    blocks = encoder.embed_images([Image.new("RGB", (60, 40), color) for color in ("red", "green")])
    assert encoder.segments["style"] == (*base.segments["style"], 8)
    assert {aspect: block.shape for aspect, block in blocks.items()} == {a: (2, d) for a, d in encoder.dims.items()}
    for block in blocks.values():
        np.testing.assert_allclose(np.linalg.norm(block, axis=1), 1, atol=1e-5)
    assert encoder.revision.startswith("finetuned-")
    assert not encoder.embeds_text
    assert AutoModel.from_pretrained(tuned) is not None
    assert AutoImageProcessor.from_pretrained(tuned) is not None
    assert {path.suffix for path in tuned.iterdir()} <= {".safetensors", ".json", ".md", ".png"}  # nothing pickled
    assert not list(tuned.parent.glob(".encoder.*"))


def test_the_report_covers_the_training_which_separates_the_styles_and_its_changes(tuned: Path) -> None:
    figures = json.loads((tuned / "report.json").read_text())
    report = (tuned / "report.md").read_text()
    assert figures["works"]["dropped"] == {"rare": 2}
    assert [one["id"] for one in figures["failed"]] == ["broken.png"]
    assert "broken.png" in report and "rare (2)" in report and "What it hurts" in report
    tasks = {(one["queries_of"], one["task"], one["preset"]) for one in figures["search"]}
    assert ("every artist, held out in turn", "same artist", "subject") in tasks
    assert ("test works", "same work, altered copy", "same-work") in tasks
    first = figures["search"][0]
    assert (first["queries_of"], first["task"]) == ("every artist, held out in turn", "same style, other artists")
    assert first["queries"] == figures["works"]["used"] == 48  # every work is a query once
    headline = f"**mAP {first['before']['map']:.3f} → {first['after']['map']:.3f} ("
    assert headline in report.split("- Works:")[0]
    assert sum(map(sum, figures["confusion"]["matrix"])) == figures["split"]["sizes"]["test"]
    with Image.open(tuned / "confusion.png") as plot:
        plot.verify()
    losses = [one["loss"] for one in figures["history"]]
    assert len(losses) == 10 + 3
    assert losses[-1] < losses[0]
    assert figures["classification"]["macro avg"]["recall"] > 0.8


def test_pictures_are_classified_by_the_head_with_probabilities_from_the_works_held_out(
    tuned: Path, labelled: Source, labelled_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = load_encoder(str(tuned))
    collection = build_collection(labelled, encoder, tmp_path / "works", recognition=False)
    found = reliability(collection, "style")
    assert (found.works, found.groups) == (48, 24) and found.accuracy > 0.8  # each artist was held out once
    picture = labelled_folder / "stripes-0-0.png"
    (first, probability), *_ = collection.classify(picture, "style") or [("unsure", 0.0)]
    assert first == "stripes" and probability >= 0.5
    assert reliability(collection, "artist").works == 51  # the head says nothing of other labels
    monkeypatch.setattr(collection.encoder(), "calibration", None)  # as a folder of an older version has it
    with pytest.raises(QueryError, match="Train it again"):
        reliability(collection, "style")


def test_an_equal_training_is_skipped_and_another_replaces_it_without_folds_on_the_test_works(
    tuned: Path, checkpoint: Any, labelled: Source, recipe: Recipe, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(tuned, tmp_path / "encoder"))
    before = (out / "finetune.json").stat().st_mtime_ns
    finetuning.finetune(labelled, str(checkpoint("resnet")), out, recipe)
    assert (out / "finetune.json").stat().st_mtime_ns == before
    revision = load_encoder(str(out)).revision
    steps: list[str] = []
    short = replace(recipe, seed=1, head_epochs=1, top_epochs=0, folds=0)
    finetuning.finetune(labelled, str(checkpoint("resnet")), out, short, progress=lambda what, *_: steps.append(what))
    assert load_encoder(str(out)).revision != revision
    assert set(steps) == {"Measuring", "Head"}
    assert {one["queries_of"] for one in json.loads((out / "report.json").read_text())["search"]} == {"test works"}
    weights = [Path(folder, "model.safetensors").read_bytes() for folder in (out, checkpoint("resnet"))]
    assert weights[0] == weights[1]


def test_a_damaged_file_is_noticed_and_named(tuned: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tuned, tmp_path / "copy"))

    def assert_refused(why: str) -> None:
        with pytest.raises(EncoderError, match=why):
            load_encoder(str(copy))

    for damaged in ("style_head.safetensors", "model.safetensors"):
        data = (copy / damaged).read_bytes()
        (copy / damaged).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert_refused(f"{damaged} is not the file")
        (copy / damaged).unlink()
        assert_refused(f"{damaged} cannot be read")
        (copy / damaged).write_bytes(data)
    config = json.loads((copy / "finetune.json").read_text())
    for change, why in (
        ({"format_version": 99}, "format version 99"),
        ({"files": {}}, r"finetune\.json cannot be read \(its files lack style_head"),
        ({"backbone": {}}, r"finetune\.json cannot be read \(.*backbone.id Field required\)"),
    ):
        (copy / "finetune.json").write_text(json.dumps({**config, **change}))
        assert_refused(why)


@pytest.mark.sweep
def test_a_killed_run_resumes_to_the_same_weights(
    tuned: Path, checkpoint: Any, labelled: Source, labelled_folder: Path, recipe: Recipe, tmp_path: Path
) -> None:
    out = tmp_path / "encoder"
    code = (
        "import sys; from artsim.finetuning import Recipe, finetune; from artsim.sources import open_source;"
        f"finetune(open_source(sys.argv[1]), sys.argv[2], sys.argv[3], {recipe!r})"
    )
    command = [sys.executable, "-c", code, f"folder:{labelled_folder}", str(checkpoint("resnet")), str(out)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    phase = ".encoder.training/*/final/unfreezing"  # the first phase and the folds are done
    state = f"{phase}/checkpoint-*/trainer_state.json"
    while not any(path.read_text() for path in tmp_path.glob(state)) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(tmp_path.glob(state)) and not out.exists(), process.stderr.read()
    half = next(tmp_path.glob(phase)) / "checkpoint-9999"  # killed again, while a checkpoint was written
    half.mkdir()
    (half / "trainer_state.json").write_text('{\n  "epoch": ')
    steps: list[str] = []
    finetuning.finetune(labelled, str(checkpoint("resnet")), out, recipe, progress=lambda what, *_: steps.append(what))
    assert set(steps) <= {"Measuring", "Unfreezing"} and steps.count("Unfreezing") < 3 * recipe.top_epochs
    first, again = (json.loads((folder / "report.json").read_text()) for folder in (tuned, out))
    assert first["files"] == again["files"]
    assert first["search"] == again["search"]


def test_a_folder_with_something_else_and_a_fine_tuned_backbone_are_refused(
    tuned: Path, labelled: Source, recipe: Recipe, tmp_path: Path
) -> None:
    (tmp_path / "diary.txt").write_text("mine")
    with pytest.raises(TrainingError, match="left as it is"):
        finetuning.finetune(labelled, "embedded", tmp_path, recipe)
    with pytest.raises(TrainingError, match="fine-tuned already"):
        finetuning.finetune(labelled, str(tuned), tmp_path / "again", recipe)
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]


def test_the_command_fine_tunes_the_embedded_backbone(
    labelled_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = (
        "--label style --views 1 --head-epochs 3 --top-epochs 1 --dimension 8 --max-per-class 12 --folds 0".split()
    )
    where = ["--source", f"folder:{labelled_folder}", "--out", str(tmp_path / "encoder")]
    assert main(["finetune", *where, *options]) == 0
    assert str(tmp_path / "encoder" / "report.md") in capsys.readouterr().out
    encoder = load_encoder(str(tmp_path / "encoder"))
    assert encoder.segments["style"] == (384, 3240, 8)


def test_a_missing_package_is_named_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("artsim.finetuning")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(TrainingError, match=r'needs accelerate, which .* pip install "artsim\[train\]"'):
        main(["finetune", "--source", "folder:nowhere", "--label", "style", "--out", "nowhere"])
