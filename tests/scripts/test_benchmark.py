"""Each benchmark runs on tiny inputs and writes figures; no test asserts a speed."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import benchmark
import numpy as np
import pytest
from benchmarking import duplicates, encode_engines, on_milvus, rehearsal_space, rehearse, search, spaces, startup
from benchmarking.blends import Blends, Recipe
from benchmarking.curves import CURVES
from benchmarking.exact import Nearest
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
    monkeypatch.setattr(encode_engines, "_SECONDS", 0.0)
    options = ("--random", "tiny", "--pictures", tmp_path, "--repeats", 1, "--threads", 1)
    results = figures(tmp_path / "figures.json", "encode", *options)
    assert (results["works"], results["machine"]["threads"]) == (3, "1")
    (encoder,) = results["encoders"]
    assert encoder["images_per_s"] > encoder["build_images_per_s"] > 0
    assert encoder["one_at_a_time_images_per_s"] > 0 and encoder["search_images_per_s"] > 0
    assert sum(encoder["stage_shares"].values()) == pytest.approx(1, abs=0.01)
    assert encoder["ideal_images_per_s"] == pytest.approx(1000 / sum(encoder["stage_ms_per_image"].values()), rel=0.01)
    assert encoder["of_ideal"] == pytest.approx(encoder["images_per_s"] / encoder["ideal_images_per_s"], abs=0.01)
    alone = encoder["model_alone_images_per_s"]
    assert {"PyTorch float32", "OpenVINO float32"} <= alone.keys()
    assert all(rates["singly"] > 0 and rates["batches"] > 0 for rates in alone.values())
    float32 = max(encoder["gemm_gflops"]["float32"].values())
    assert encoder["gemm_images_per_s"]["float32"] == pytest.approx(float32 / encoder["gflop_per_image"], rel=0.01)


@pytest.mark.slow
def test_search_measures_works_that_none_is_a_copy_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "embed_met", partial(search.embed_met, works=9))
    monkeypatch.setattr(search, "_MANY", 20)

    def measured_apart(function: Any, *given: Any) -> Any:  # one process less takes half the time
        return spaces.in_process(function, *given) if function is spaces.measure_bytes else function(*given)

    monkeypatch.setattr(search, "in_process", measured_apart)
    plot = ("--plot", tmp_path / "search.svg")
    results = figures(tmp_path / "figures.json", "search", "--sizes", "1000", "--queries", 5, "--seed", 3, *plot)
    (size,) = results["results"]
    assert (size["works"], size["seed"], size["queries"], size["numpy_scaled"]) == (1000, 3, 5, False)
    assert size["recall@10"] == size["recall@10_by_weights"]["balanced"] >= size["recall@10_worst"] > 0.8
    assert len(size["recall@10_by_weights"]) == 6
    assert [size["filters"][name]["recall@10"] > 0.8 for name in ("50 %", "1 %")] == [
        True,
        True,
    ]  # the third leaves one
    assert size["cosine_recall@10"] > 0.8
    assert size["bytes_per_work"] is None or size["bytes_per_work"] > 700
    times = ("p50_ms", "p50_tuned_ms", "numpy_p50_ms", "cosine_p50_ms", "text_p50_ms", "search_many_per_s", "build_s")
    assert all(size[name] > 0 for name in times)
    drawn = (tmp_path / "search.svg").read_text(encoding="utf-8")
    assert all(f">{name}</text>" in drawn for name in CURVES.values())


@pytest.mark.slow
def test_milvus_is_measured_beside_faiss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("milvus_lite", reason="needs requirements-scale.txt")
    monkeypatch.setattr(on_milvus, "embed_met", partial(on_milvus.embed_met, works=9))
    monkeypatch.setattr(on_milvus, "in_process", lambda function, *given: function(*given))
    (size,) = figures(tmp_path / "figures.json", "milvus", "--sizes", "500", "--queries", 2)["results"]
    assert (size["works"], size["milvus_recall@10"]) == (500, 1.0)
    assert min(size["fill_s"], size["disk_mb"], size["milvus_p50_ms"], size["milvus_filtered_p50_ms"]) > 0


@pytest.mark.slow
def test_a_rehearsal_measures_a_space_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearse, "embed_met", partial(rehearse.embed_met, works=9))
    monkeypatch.setattr(rehearse, "in_process", lambda function, *given: function(*given))
    monkeypatch.setattr(rehearsal_space, "_DENSITY_UP_TO", 2_000)
    folder = tmp_path / "room"
    folder.mkdir()
    options = ("--works", 4100, "--queries", 5, "--folder", folder)
    (size,) = figures(tmp_path / "figures.json", "rehearse", *options)["results"]
    assert (size["works"], size["queries"], size["density_scaled"], size["numpy_scaled"]) == (4100, 5, True, False)
    assert size["bytes_on_disk"] == sum(size["bytes_by_file"].values()) > 4100 * 400
    assert size["recall@10"] == size["recall@10_by_weights"]["balanced"] >= size["recall@10_worst"] > 0.8
    assert min(size["eight_bits_recall@10_by_weights"].values()) > 0.8
    assert size["filters"]["1 %"]["recall@10"] > 0.8
    times = ("build_s", "open_s", "first_query_ms", "p50_ms", "p95_ms", "batch_queries_per_s", "numpy_p50_ms")
    assert all(size[name] > 0 for name in times)
    assert not list(folder.iterdir())


def test_a_rehearsal_that_is_stopped_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def terminated(*given: Any) -> Any:
        assert list(tmp_path.iterdir())
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)

    monkeypatch.setattr(rehearse, "embed_met", lambda: ({}, {}))
    monkeypatch.setattr(rehearse, "in_process", terminated)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        rehearse.rehearse(500, queries=1, seed=0, folder=tmp_path)
    assert not list(tmp_path.iterdir()) and signal.getsignal(signal.SIGTERM) is before


def test_a_rehearsal_asks_for_room_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = SimpleNamespace(free=5e9)
    monkeypatch.setattr(rehearse.shutil, "disk_usage", lambda folder: disk)
    monkeypatch.setattr(rehearse, "_available_memory", lambda: 4e9)
    with pytest.raises(ArtsimError, match=r"needs 8\.\d GB of disk; 5\.0 GB are free in .* another --folder"):
        rehearse.check_room(10_000_000, tmp_path)
    disk.free = 50e9
    with pytest.raises(ArtsimError, match=r"needs \d\.\d GB of memory; 4\.0 GB are free on this machine"):
        rehearse.check_room(10_000_000, tmp_path)
    rehearse.check_room(1_000_000, tmp_path)


def test_the_nearest_of_all_chunks_are_kept() -> None:
    scores = np.random.default_rng(0).random((7, 300), np.float32)
    scores[3, 6:] = -np.inf  # a filter leaves 6
    nearest = Nearest(7)
    for start in range(0, 300, 70):
        nearest.add(scores[:, start : start + 70], np.arange(start, min(start + 70, 300)))
    expected = np.sort(np.argsort(-scores, axis=1)[:, :10], axis=1)
    expected[3] = [-1] * 4 + [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(np.sort(nearest.best(), axis=1), expected)


def test_a_killed_process_is_one_sentence() -> None:
    with pytest.raises(ArtsimError, match="was killed"):
        spaces.in_process(os._exit, 9)


def test_blends_are_the_same_wherever_they_are_read() -> None:
    base = np.random.default_rng(0).random((5, 30), np.float32)
    blends = Blends(base, 300, Recipe.draw(400, 5, seed=1), seed=1)
    taken = blends.take(np.arange(400))
    assert len(np.unique(taken, axis=0)) == 400
    np.testing.assert_allclose(np.linalg.norm(taken, axis=1), 1, atol=1e-5)
    shorter = Blends(base, 300, Recipe.draw(300, 5, seed=1), seed=1)
    np.testing.assert_array_equal(shorter.take(np.array([299, 7])), taken[[299, 7]])


def test_a_large_collection_has_variants_of_the_works(tmp_path: Path) -> None:
    base = make_collection()
    make_large(base, 500, tmp_path / "large")
    large = open_collection(tmp_path / "large")
    assert len(set(large.ids)) == len(large) == 500
    assert large.picture(large.ids[len(base) + 1]) == base.picture(base.ids[1]), "works are variants of real ones"
    assert len(large.search(work=large.ids[3])) == 10


def test_duplicates_are_planted_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painting = next(iter(open_source("met").works(0)))
    collection = SimpleNamespace(ids=["one"], picture=lambda identity: painting["image"]["bytes"])
    monkeypatch.setattr(duplicates, "met_collection", lambda: collection)
    monkeypatch.setattr(duplicates, "in_process", lambda function, *given: function(*given))
    monkeypatch.setattr(duplicates, "_PLANTED", 10)
    measured = figures(tmp_path / "figures.json", "duplicates", "--works", 30)
    assert measured["works"] == 30 and measured["found"] == 10 and measured["others"] == 0


def test_edits_are_measured_in_a_copy_of_the_collection(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for number in range(4):
        Image.new("RGB", (60, 40 + number), (60 * number, 90, 100)).save(tmp_path / "pictures" / f"{number}.jpg")
    folder = tmp_path / "works"
    build_collection(open_source(f"folder:{tmp_path / 'pictures'}"), load_encoder("embedded"), folder)
    before = open_collection(folder, verify=True).ids
    measured = figures(tmp_path / "figures.json", "edit", "--collection", folder, "--repeats", 1)
    changes = measured["changes"]
    assert [name.split()[0] for name in changes] == ["edit", "add", "remove"]
    assert all(0 < change["mb"] < measured["instead"]["mb"] and change["s"] > 0 for change in changes.values())
    assert open_collection(folder, verify=True).ids == before


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
    results = figures(tmp_path / "figures.json", "startup", "--app", app, "--starts", 1)
    assert 0 < results["first_start"]["answer_s"] <= results["first_start"]["page_s"]
    assert results["later_start"]["page_s"] > 0 and results["import_gradio_s"] > 0


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


@pytest.mark.sweep
def test_load_answers_visitors_and_an_owner_without_an_error(tmp_path: Path) -> None:
    build_collection(open_source("met"), load_encoder("embedded"), tmp_path / "works", limit=20)
    options = ("--collection", tmp_path / "works", "--visitors", 4, "--seconds", 12)
    results = figures(tmp_path / "figures.json", "load", *options)
    assert results["errors"] == {} and results["app_runs"]
    assert results["requests"]["all of visitors"]["sent"] > 4
    assert results["works_added"] > 0
    assert results["memory_mb"]["peak"] >= results["memory_mb"]["before"] * 0.9
    assert len(open_collection(tmp_path / "works")) == 20, "the owner adds to a copy"


def test_bad_input_is_an_error(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text("raise SystemExit('no paintings today')\n", encoding="utf-8")
    for arguments, message in (
        (("search", "--sizes", "many"), "The sizes 'many' cannot be read"),
        (("search", "--sizes", "399"), "At least 400 works"),
        (("search", "--threads", "0"), "threads must be at least 1"),
        (("rehearse", "--works", "399"), "At least 400 works"),
        (("rehearse", "--works", "1000", "--folder", str(tmp_path / "none")), "There is no folder"),
        (("load", "--visitors", "0"), "at least one visitor"),
        (("startup", "--starts", "0"), "starts must be at least 1"),
        (("startup", "--works", "9", "--random", "tiny"), "Give --works or --random"),
        (("startup", "--app", str(app)), r"ended with code 1 .* no paintings today"),
    ):
        with pytest.raises(ArtsimError, match=message):
            benchmark.main(arguments)
