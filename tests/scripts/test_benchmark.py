"""Each benchmark runs on tiny inputs and writes figures; no test asserts a speed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import benchmark
import pytest
from benchmarking import startup
from benchmarking.large import make_large
from PIL import Image
from synthetic import make_collection

from artsim.building.pipeline import build_collection
from artsim.encoders import load_encoder
from artsim.errors import ArtsimError
from artsim.opening import open_collection
from artsim.sources import open_source


def figures(path: Path, *arguments: object) -> dict[str, Any]:
    """What a benchmark writes with `--json`."""
    assert benchmark.main([*map(str, arguments), "--json", str(path)]) == 0
    return checked(path, str(arguments[0]))


def checked(path: Path, name: str) -> dict[str, Any]:
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert results["benchmark"] == name
    assert results["command"].startswith(f"python scripts/benchmark.py {name} ")
    assert results["machine"]["cores"] >= 1
    return results


@pytest.mark.slow
def test_encode_times_a_build_beside_a_plain_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, os.environ.get(name, "1"))  # restored after --threads
    for number in range(3):
        Image.new("RGB", (60, 40 + number), (80 * number, 90, 100)).save(tmp_path / f"{number}.jpg")
    options = ("--random-clip", "tiny", "--pictures", tmp_path, "--repeats", 1, "--threads", 1)
    results = figures(tmp_path / "figures.json", "encode", *options)
    assert (results["works"], results["machine"]["threads"]) == (3, "1")
    (encoder,) = results["encoders"]
    assert encoder["images_per_s"] > encoder["build_images_per_s"] > 0


def test_search_times_every_index_and_a_large_collection(tmp_path: Path) -> None:
    base = make_collection()
    make_large(base, 200, tmp_path / "large")
    large = open_collection(tmp_path / "large")
    assert len(set(large.ids)) == len(large) == 200
    assert large.picture(large.ids[33]) == base.picture(base.ids[1]), "works are variants of real ones"
    options = ("--sizes", "60,200", "--dimension", 16, "--queries", 20, "--collection", tmp_path / "large")
    results = figures(tmp_path / "figures.json", "search", *options)
    assert [entry["works"] for entry in results["indexes"]] == [60, 200]
    for entry in results["indexes"]:
        names = [engine["name"] for engine in entry["engines"]]
        assert names == ["flat", "fp16", "hnsw", "numpy: matrix @ query", "datasets: get_nearest_examples"]
        exact = [engine for engine in entry["engines"] if engine["name"] not in ("fp16", "hnsw")]
        assert [engine["recall@10"] for engine in exact] == [1, 1, 1]
    assert results["collection"]["works"] == 200
    assert "search by work" in [engine["name"] for engine in results["collection"]["engines"]]


def test_startup_times_two_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "_REPEATS", 1)
    app = tmp_path / "app.py"
    app.write_text(
        "import argparse, http.server, os\n"
        "argparse.ArgumentParser().parse_args()\n"
        "address = ('127.0.0.1', int(os.environ['GRADIO_SERVER_PORT']))\n"
        "http.server.HTTPServer(address, http.server.SimpleHTTPRequestHandler).serve_forever()\n",
        encoding="utf-8",
    )
    results = figures(tmp_path / "figures.json", "startup", "--app", app)
    assert results["first_start_s"] > 0 and results["second_start_s"] > 0


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.sweep
def test_page_times_dropped_pictures_and_clicks_in_a_browser(tmp_path: Path) -> None:
    """In a process of its own: only one playwright can run in this one."""
    build_collection(open_source("met"), load_encoder("embedded"), tmp_path / "works", limit=9)
    command = [sys.executable, benchmark.__file__, "page", "--collection", tmp_path / "works"]
    command += ["--queries", "2", "--json", tmp_path / "figures.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if "There is no Chromium" in done.stderr:
        (pytest.fail if os.environ.get("ARTSIM_REQUIRE_BROWSER") == "1" else pytest.skip)("no Chromium here")
    assert done.returncode == 0, done.stderr
    results = checked(tmp_path / "figures.json", "page")
    for event in ("drop", "click"):
        median = results[event]["p50"]
        assert 0 < median["server_search_ms"] < median["cards_ms"] < median["painted_ms"]


def test_bad_input_is_an_error(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text("raise SystemExit('no paintings today')\n", encoding="utf-8")
    for arguments, message in (
        (("search", "--sizes", "many"), "The sizes 'many' cannot be read"),
        (("search", "--threads", "0"), "threads must be at least 1"),
        (("startup", "--app", str(app)), r"ended with code 1 .* no paintings today"),
    ):
        with pytest.raises(ArtsimError, match=message):
            benchmark.main(arguments)
