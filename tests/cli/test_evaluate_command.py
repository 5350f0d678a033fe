"""`artsim evaluate`: options, output, JSON keys and errors, over a collection of made-up vectors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from synthetic import make_collection

from artsim.cli.main import main
from artsim.cli.run import run_main

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "evaluate.py"

Run = Callable[..., int]


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection with two spaces."""
    return make_collection(spaces=2).save(tmp_path_factory.mktemp("evaluation") / "saved")


@pytest.fixture
def run() -> Run:
    """Run the command in this process; return its exit code."""

    def run(*arguments: object) -> int:
        with pytest.raises(SystemExit) as stopped:
            run_main(lambda: main(["evaluate", *map(str, arguments)]))
        return int(stopped.value.code or 0)

    return run


def test_the_command_prints_a_table_and_writes_the_promised_keys(saved: Path, tmp_path: Path) -> None:
    command = [sys.executable, SCRIPT, "--collection", saved, "--label", "style", "--disjoint", "artist"]
    command += ["--ranking", "tuned", "--aspects", "subject=1,style=1,color=0", "--json", tmp_path / "figures.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert "| mAP |" in done.stdout
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    promised = {"queries", "precision@1", "precision@10", "hit@10", "map", "ranking", "aspects", "encoder"}
    assert promised <= figures.keys()
    assert figures["queries"] == 44
    assert figures["aspects"] == {"subject": 1, "style": 1, "color": 0}
    assert (figures["ranking"], figures["encoder"]) == ("tuned", "made-up-0")
    low, high = figures["intervals"]["map"]
    assert low < figures["map"] < high
    assert figures["clusters"] == {"column": "artist", "count": 9}


def test_all_options_can_be_combined(run: Run, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ranx", reason="ranx is not installed (requirements-dev.txt)")
    code = run(
        *("--collection", saved, "--label", "artist", "--aspects-table", "--classes", "--compare-ranking", "cosine"),
        *("--label-free", "--k", 4, "--plot", tmp_path / "plot.png", "--report", tmp_path / "report.html"),
        *("--json", tmp_path / "figures.json"),
    )
    assert code == 0
    printed = capsys.readouterr().out
    assert "| cosine | cosine |" in printed
    assert "| Artist 0 |" in printed
    assert "p (Fisher)" in printed
    assert "| made-up-1 |" in printed
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in figures["table"]][-1] == "cosine"
    assert figures["table"][0]["map"] == figures["map"]
    assert figures["comparison"]["with"]["ranking"] == "cosine"
    assert figures["comparison"]["metrics"]["map"]["first"] == pytest.approx(figures["map"])
    assert [entry["k"] for entry in figures["label_free"]] == [4, 4]
    assert (tmp_path / "report.html").stat().st_size < 1_000_000
    assert (tmp_path / "plot.png").stat().st_size > 0


def test_labels_are_not_needed_for_label_free_statistics(run: Run, saved: Path, tmp_path: Path) -> None:
    assert run("--collection", saved, "--label-free", "--encoder", "space-1", "--json", tmp_path / "figures.json") == 0
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert [entry["encoder"] for entry in figures["label_free"]] == ["made-up-1"]


def test_encoders_are_selected_by_margin_or_mean_cosine_or_fused(
    run: Run, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {}
    for name, options in {
        "margin": ("--encoder", "auto", "--label-free"),
        "mean-cosine": ("--encoder", "auto", "--auto", "mean-cosine"),
        "weighted": ("--encoder", "fusion", "--encoder-weights", "space-0=1,space-1=0.5"),
        "ranks": ("--encoder", "fusion", "--fusion", "reciprocal-rank", "--aspects-table", "--ranking", "cosine"),
    }.items():
        path = tmp_path / f"{name}.json"
        assert run("--collection", saved, "--label", "artist", *options, "--json", path) == 0
        figures[name] = json.loads(path.read_text(encoding="utf-8"))
    assert figures["margin"]["encoder"] == "auto, margin"
    assert figures["ranks"]["encoder"] == "fusion, reciprocal-rank"
    assert sum(figures["margin"]["answered"].values()) == figures["margin"]["queries"] == 44
    assert figures["weighted"]["answered"] == {"space-0": 44, "space-1": 44}
    assert [entry["space"] for entry in figures["margin"]["label_free"]] == ["space-0", "space-1"]
    assert len({figures[name]["map"] for name in figures}) == 4
    assert "Chosen: space-0 " in capsys.readouterr().out


def test_a_plot_prints_and_writes_the_statistics_of_each_encoder(
    run: Run, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--plot", tmp_path / "plot.png", "--query", "work-2-1", "--k", 3, "--encoder", "auto")
    assert run("--collection", saved, *options, "--json", tmp_path / "figures.json") == 0
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["query"]
    assert [entry["space"] for entry in figures["encoders"]] == ["space-0", "space-1"]
    first = figures["encoders"][0]
    cosines = [match["cosine"] for match in first["matches"]]
    assert first["cosine_mean"] == pytest.approx(sum(cosines) / 3)
    printed = capsys.readouterr().out
    assert f"auto takes {figures['auto']}, the plain rule {figures['mean_cosine']}" in printed
    assert f"| space-0 | {first['cosine_mean']:.4f} ± {first['cosine_std']:.4f} |" in printed


def test_a_comparison_with_the_tuned_ranking_uses_the_tuned_aspects(run: Run, saved: Path, tmp_path: Path) -> None:
    pytest.importorskip("ranx", reason="ranx is not installed (requirements-dev.txt)")
    options = ("--label", "artist", "--ranking", "cosine", "--compare-ranking", "tuned")
    assert run("--collection", saved, *options, "--json", tmp_path / "figures.json") == 0
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["aspects"] == {"subject": 1}
    assert figures["comparison"]["with"]["aspects"]["style"] > 0


def test_two_collections_of_the_same_works_are_compared(run: Run, saved: Path, tmp_path: Path) -> None:
    pytest.importorskip("ranx", reason="ranx is not installed (requirements-dev.txt)")
    options = ("--label", "artist", "--compare-collection", saved, "--compare-encoder", "space-1")
    assert run("--collection", saved, *options, "--json", tmp_path / "figures.json") == 0
    comparison = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["comparison"]
    assert comparison["with"]["encoder"] == "made-up-1"
    assert comparison["queries"] == 44


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--label", "mood"], "There is no column 'mood'"),
        (["--label", "everything"], "has one class only (painting)"),
        (["--label", "id"], "No two works share"),
        (["--label", "artist", "--aspects", "lots"], "The weights 'lots' cannot be read"),
        (["--label", "artist", "--aspects", "subject=much"], "cannot be read"),
        (["--label", "artist", "--aspects", "subject=1,subject=2"], "cannot be read"),
        (["--label", "artist", "--aspects", "subject=-1"], "must be 0 or more"),
        (["--label", "artist", "--aspects", "mood=1"], "There is no aspect mood"),
        (["--label", "artist", "--ranking", "bm25"], "There is no ranking 'bm25'"),
        (["--label", "artist", "--where", "style"], "write COLUMN=VALUE"),
        (["--label", "artist", "--report", "report.pdf"], "ends in .html"),
        (["--label", "artist", "--compare-collection", "nowhere"], "nowhere"),
        (["--label", "artist", "--json", "artsim.json/figures.json"], "cannot be written"),
        (["--label-free", "--k", "0"], "k must be at least 1"),
        (["--label", "artist", "--encoder", "clap"], "There is no encoder 'clap'; there are space-0, space-1"),
        (
            ["--label", "artist", "--encoder", "fusion", "--encoder-weights", "space-0=much"],
            "such as clip=2,embedded=1",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_error_line_and_exit_code_2(
    run: Run,
    saved: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(saved)
    assert run("--collection", saved, *options) == 2
    errors = capsys.readouterr().err.strip()
    assert message in errors
    assert errors.startswith("Error: ")
    assert "\n" not in errors


def test_a_missing_collection_is_an_error_with_exit_code_2(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--collection", tmp_path / "nowhere", "--label", "artist") == 2
    assert "nowhere does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "needed"),
    [
        (["--label", "artist", "--auto", "margin"], "--auto needs --encoder auto"),
        (["--label", "artist", "--encoder", "auto", "--fusion", "weighted"], "--fusion needs --encoder fusion"),
        (["--label", "artist", "--encoder-weights", "space-0=1"], "--encoder-weights needs --encoder fusion"),
    ],
)
def test_encoder_rules_require_their_encoder_mode(
    run: Run, saved: Path, capsys: pytest.CaptureFixture[str], options: list[str], needed: str
) -> None:
    assert run("--collection", saved, *options) == 2
    assert needed in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--aspects-table", "--label-free"], ["--compare-ranking", "cosine"]])
def test_options_that_need_a_label_require_it(
    run: Run, saved: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    assert run("--collection", saved, *options) == 2
    assert "--label" in capsys.readouterr().err


def test_a_comparison_without_ranx_is_an_error_that_names_it(saved: Path) -> None:
    code_without_ranx = "import sys; sys.modules['ranx'] = None; from artsim.cli.main import entry; entry('evaluate')"
    options = ["--collection", str(saved), "--label", "artist", "--compare-ranking", "cosine"]
    done = subprocess.run(
        [sys.executable, "-c", code_without_ranx, *options],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 2
    assert "needs ranx, which is not installed" in done.stderr
    assert "Traceback" not in done.stderr
