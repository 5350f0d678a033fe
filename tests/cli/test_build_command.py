"""scripts/build_collection.py as people run it: a process, its exit code, and what it says."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from odd_pictures import png_of

from artsim import build_collection, open_collection, open_source

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "build_collection.py"


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL
    )


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit code 2, and on stderr nothing but one line that says what is wrong."""
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().split("\n")
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("Error: ")
    assert lines[0].endswith((".", ")"))
    for word in words:
        assert word in lines[0]


def test_it_builds_a_collection_and_says_what_it_did(paintings: Path, embedded: Any, tmp_path: Path) -> None:
    """One corrupt picture among good ones, an odd folder name, and a title."""
    folder = tmp_path / "my pictures, été"
    folder.mkdir()
    for number in range(6):
        shutil.copy(paintings / f"{number:02d}.jpg", folder)
    (folder / "broken.jpg").write_bytes(b"not a picture")
    out = tmp_path / "out"
    done = run("--source", f"folder:{folder}", "--encoder", "embedded", "--out", out, "--title", "Été")
    assert done.returncode == 0, done.stderr
    assert f"6 works in {out}." in done.stdout
    (warning,) = done.stderr.strip().split("\n")
    assert "1 of 7 pictures cannot be used and are left out" in warning
    report = json.loads((tmp_path / "out.report.json").read_text(encoding="utf-8"))
    assert [failed["id"] for failed in report["failed"]] == ["broken.jpg"]
    collection = open_collection(out)
    assert collection.manifest.title == "Été"
    assert collection.search(image=paintings / "03.jpg", k=1)[0].id == "03.jpg"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.mkdir(), ["holds no pictures"]),
        (lambda path: (path.mkdir(), (path / "poem.txt").write_text("roses")), ["holds no pictures"]),
        (lambda path: None, ["There is no folder"]),
        (lambda path: path.write_text("a file"), ["is not a folder"]),
        (
            lambda path: (path.mkdir(), (path / "a.jpg").touch(), (path / "metadata.csv").write_text("a,b\n1,2,3\n")),
            ["metadata.csv cannot be read as a table", "Expected 2 columns"],
        ),
    ],
    ids=["empty folder", "folder of texts", "wrong path", "a file", "broken metadata"],
)
def test_a_source_without_works_is_one_sentence(make: Any, words: Sequence[str], tmp_path: Path) -> None:
    make(tmp_path / "source")
    done = run("--source", f"folder:{tmp_path / 'source'}", "--encoder", "embedded", "--out", tmp_path / "out")
    assert_one_sentence(done, *words)
    assert not (tmp_path / "out").exists()


def test_an_unknown_source_is_one_sentence(tmp_path: Path) -> None:
    assert_one_sentence(run("--source", "louvre", "--out", tmp_path / "out"), "There is no source 'louvre'")


def test_an_unknown_encoder_is_one_sentence(tmp_path: Path) -> None:
    done = run("--source", "met", "--encoder", "no-such/model", "--out", tmp_path / "out")
    assert_one_sentence(done, "The encoder no-such/model cannot be loaded", "Give embedded, a Hub model id")


def test_pictures_that_are_all_broken_are_one_sentence(tmp_path: Path) -> None:
    """A bomb, nothing, and a text: no collection is made, and the report names all three."""
    folder, out = tmp_path / "pictures", tmp_path / "out"
    folder.mkdir()
    (folder / "bomb.png").write_bytes(png_of(20_000, 15_000, b""))
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("roses are red", encoding="utf-8")
    done = run("--source", f"folder:{folder}", "--encoder", "embedded", "--out", out)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    *warnings, sentence = done.stderr.strip().split("\n")
    assert sentence.startswith("Error: None of the 3 pictures of folder:")
    assert "bomb.png has 300 megapixels" in sentence
    assert len(warnings) == 1
    report = json.loads((tmp_path / "out.report.json").read_text(encoding="utf-8"))
    assert {failed["id"] for failed in report["failed"]} == {"bomb.png", "empty.jpg", "text.jpg"}


def test_a_place_that_cannot_be_written_to_is_one_sentence(paintings: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    done = run("--source", f"folder:{paintings}", "--encoder", "embedded", "--out", tmp_path / "file" / "below")
    assert_one_sentence(done, "cannot be written")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_wrong_options_are_told_with_exit_code_2(tmp_path: Path) -> None:
    for options in (["--limit", "many"], ["--images", "none"], []):
        done = run(*options)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert "usage:" in done.stderr


def test_killed_at_any_time_it_goes_on_and_nothing_is_lost(paintings: Path, clip: Any, tmp_path: Path) -> None:
    """Killed while it builds anew over an old collection: that one opens; run again, the result is that of one run."""
    folder, out = tmp_path / "pictures", tmp_path / "out"
    folder.mkdir()
    for number in range(300):  # five part files
        os.link(paintings / f"{number % 40:02d}.jpg", folder / f"{number:03d}.jpg")
    source = open_source(f"folder:{folder}")
    build_collection(source, clip, out, limit=3)
    arguments = ["--source", f"folder:{folder}", "--encoder", clip.id, "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), *arguments], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    progress = tmp_path / ".out.parts" / "progress.json"
    deadline = time.monotonic() + 100
    while not progress.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    consumed = json.loads(progress.read_text(encoding="utf-8"))["consumed"]
    assert 0 < consumed < 300
    assert open_collection(out).ids == ["000.jpg", "001.jpg", "002.jpg"]

    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == f"Going on after {consumed} works that are done already."
    resumed = open_collection(out)
    whole = build_collection(source, clip, tmp_path / "whole")
    assert resumed.ids == whole.ids == sorted(path.name for path in folder.iterdir())
    for aspect, block in resumed.state.spaces[0].raw_blocks().items():
        np.testing.assert_allclose(block, whole.state.spaces[0].raw_blocks()[aspect], atol=1e-5)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["out", "out.report.json", "pictures", "whole", "whole.report.json"]
