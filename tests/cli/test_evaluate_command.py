"""`artsim evaluate`: options, output, JSON keys and errors, over a collection of made-up vectors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from synthetic import make_collection

from artsim.cli.main import main
from artsim.cli.run import run_main

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "evaluate.py"

Run = Callable[..., int]


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection with two spaces."""
    return make_collection(spaces=2).save(tmp_path_factory.mktemp("evaluation") / "saved")


@pytest.fixture
def run(saved: Path) -> Run:
    """Run the command on `saved` in this process; return its exit code."""

    def run(*arguments: object) -> int:
        with pytest.raises(SystemExit) as stopped:
            run_main(lambda: main(["evaluate", "--collection", str(saved), *map(str, arguments)]))
        return int(stopped.value.code or 0)

    return run


@pytest.fixture
def figures_of(run: Run, tmp_path: Path) -> Callable[..., Any]:
    """Run the command; return the JSON that it writes."""

    def figures_of(*arguments: object) -> Any:
        assert run(*arguments, "--json", tmp_path / "figures.json") == 0
        return json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))

    return figures_of


def test_weights_are_suggested(figures_of: Callable[..., Any], run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    figures = figures_of("--suggest-weights", "style", "--disjoint", "artist", "--max-queries", "6")
    assert figures["suggested_weights"]["queries"] == 6
    assert "### Weights for style" in capsys.readouterr().out
    assert run("--suggest-weights", "style", "--aspects", "subject=1") == 2
    assert "leave --aspects out" in capsys.readouterr().err


def test_the_command_prints_a_table_and_writes_the_promised_keys(saved: Path, tmp_path: Path) -> None:
    """With ranx absent: the plain command needs only requirements.txt."""
    (tmp_path / "ranx.py").write_text("raise ImportError('no ranx here')")
    command = [sys.executable, SCRIPT, "--collection", saved, "--label", "style", "--disjoint", "artist"]
    command += ["--ranking", "tuned", "--aspects", "subject=1,style=1,color=0", "--json", tmp_path / "figures.json"]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=120, check=False
    )
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


@pytest.mark.slow
def test_all_options_can_be_combined(
    figures_of: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ranx", reason="ranx is not installed (requirements-dev.txt)")
    figures = figures_of(
        *("--label", "artist", "--aspects-table", "--classes", "--compare-ranking", "cosine"),
        *("--label-free", "--k", 4, "--query", "work-2-1", "--report", tmp_path / "report.html"),
    )
    printed = capsys.readouterr().out
    assert "| cosine | cosine |" in printed
    assert "| Artist 0 |" in printed
    assert "p (Fisher)" in printed
    assert "| made-up-1 |" in printed
    assert f"auto takes {figures['query']['auto']}, the plain rule {figures['query']['mean_cosine']}" in printed
    assert [row["name"] for row in figures["table"]][-1] == "cosine"
    assert figures["table"][0]["map"] == figures["map"]
    assert figures["comparison"]["with"]["ranking"] == "cosine"
    assert figures["comparison"]["metrics"]["map"]["first"] == pytest.approx(figures["map"])
    assert [entry["k"] for entry in figures["label_free"]] == [4, 4]
    assert [len(entry["matches"]) for entry in figures["query"]["encoders"]] == [4, 4]
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    for heading in ("By artist", "Failures", "The 4 nearest works (tuned, balanced)", "Matches of Study"):
        assert f"<h2>{heading}" in report


def test_encoder_modes_and_their_rules_are_options(
    figures_of: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    auto = figures_of("--label", "artist", "--encoder", "auto", "--auto", "mean-cosine", "--label-free")
    assert auto["encoder"] == "auto, mean-cosine"
    assert sum(auto["answered"].values()) == auto["queries"] == 44
    assert [entry["space"] for entry in auto["label_free"]] == ["space-0", "space-1"]
    assert "Chosen: space-0 " in capsys.readouterr().out
    weights = ("--encoder-weights", "space-0=0,space-1=1")
    fused = figures_of("--label", "artist", "--encoder", "fusion", "--fusion", "reciprocal-rank", *weights)
    assert fused["encoder"] == "fusion, reciprocal-rank"
    assert fused["answered"] == {"space-0": 0, "space-1": 44}
    without_labels = figures_of("--label-free", "--encoder", "space-1")
    assert [entry["encoder"] for entry in without_labels["label_free"]] == ["made-up-1"]


@pytest.mark.slow
def test_rankings_and_collections_are_compared(figures_of: Callable[..., Any], saved: Path) -> None:
    pytest.importorskip("ranx", reason="ranx is not installed (requirements-dev.txt)")
    figures = figures_of("--label", "artist", "--ranking", "cosine", "--compare-ranking", "tuned")
    assert figures["aspects"] == {"subject": 1}
    assert figures["comparison"]["with"]["aspects"]["style"] > 0
    options = ("--compare-collection", saved, "--compare-encoder", "space-1")
    comparison = figures_of("--label", "artist", *options)["comparison"]
    assert (comparison["with"]["encoder"], comparison["queries"]) == ("made-up-1", 44)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--label mood", "There is no column 'mood'"),
        ("--label artist --aspects lots", "The weights 'lots' cannot be read"),
        ("--label artist --aspects subject=1,subject=2", "cannot be read"),
        ("--label artist --where style", "write COLUMN=VALUE"),
        ("--label artist --report report.pdf", "ends in .html"),
        ("--label artist --compare-collection nowhere", "nowhere"),
        ("--label artist --json artsim.json/figures.json", "cannot be written"),
        ("--label artist --encoder fusion --encoder-weights space-0=much", "such as clip=2,embedded=1"),
        ("--query nothing.png", "neither a work nor a picture 'nothing.png'"),
        ("--label artist --collection nowhere", "nowhere does not exist"),
    ],
)
def test_bad_input_is_one_error_line_and_exit_code_2(
    run: Run,
    saved: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: str,
    message: str,
) -> None:
    monkeypatch.chdir(saved)
    assert run(*options.split()) == 2
    errors = capsys.readouterr().err.strip()
    assert message in errors
    assert errors.startswith("Error: ")
    assert "\n" not in errors


def test_options_require_the_options_that_they_depend_on(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for options, needed in (
        ("--label artist --auto margin", "--auto needs --encoder auto"),
        ("--label artist --encoder auto --fusion weighted", "--fusion needs --encoder fusion"),
        ("--label artist --encoder-weights space-0=1", "--encoder-weights needs --encoder fusion"),
        ("", "give --label COLUMN"),
        ("--aspects-table --label-free", "--aspects-table needs --label COLUMN"),
        ("--compare-ranking cosine --label-free", "--compare-ranking needs --label COLUMN"),
    ):
        assert run(*options.split()) == 2
        assert needed in capsys.readouterr().err


def test_a_comparison_without_ranx_is_refused_before_the_evaluation(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("ranx", "ranx.statistical_tests"):
        monkeypatch.setitem(sys.modules, module, None)
    assert run("--label", "artist", "--compare-ranking", "cosine") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "needs ranx, which is not installed" in printed.err
