"""`artsim build`: what it builds and says as a process, and refusals in one sentence, before anything is loaded."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from artsim import open_collection
from artsim.cli.main import main
from artsim.cli.run import run_main
from artsim.cli.source_options import column_types
from artsim.errors import SourceError
from artsim.sources import open_source

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_it_builds_a_collection_and_says_what_it_did(paintings: Path, tmp_path: Path) -> None:
    """A corrupt picture, an odd folder name, and a title; on stderr nothing but the warning."""
    folder, out = tmp_path / "my pictures, été", tmp_path / "out"
    folder.mkdir()
    for number in range(6):
        shutil.copy(paintings / f"{number:02d}.jpg", folder)
    (folder / "broken.jpg").write_bytes(b"not a picture")
    command = [sys.executable, ROOT / "scripts" / "build_collection.py", "--source", f"folder:{folder}"]
    command += ["--encoder", "embedded", "--out", out, "--title", "Été", "--keep-margins"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Pictures    JPEG 6 (" in done.stdout
    assert "Left out    text: 1. broken.jpg is not an image that artsim reads (text)." in done.stdout
    assert "Encoder: embedded (as requested)." in done.stdout
    assert f"6 works in {out}." in done.stdout
    (warning,) = done.stderr.strip().split("\n")
    assert "1 of 7 pictures cannot be used and are left out" in warning
    report = json.loads((tmp_path / "out.report.json").read_text(encoding="utf-8"))
    assert [failed["id"] for failed in report["failed"]] == ["broken.jpg"]
    collection = open_collection(out)
    assert collection.manifest.title == "Été"
    assert all(space.preprocessing.keep_margins for space in collection.state.spaces)
    assert [space.name for space in collection.state.spaces] == ["embedded"]
    assert collection.search(image=paintings / "03.jpg", k=1)[0].id == "03.jpg"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--source", "louvre"], "There is no folder or source 'louvre'"),
        (["--source", "met", "--config", "x"], "--config is for other sources; met has no use for it."),
        (["--source", "nowhere", "--limit", "0"], "The limit must be at least 1; it is 0."),
        (["--source", "nowhere", "--workers", "0"], "The number of workers must be at least 1; it is 0."),
        (["--source", "nowhere", "--index", "annoy"], "There is no index 'annoy': give faiss, or milvus:URI"),
        (["--source", "nowhere", "--index", "milvus:here"], "'here' is no address of Milvus: give http://HOST:19530"),
        (["--source", "nowhere", "--batch-size", "-1"], "The batch size must be at least 1; it is -1."),
        (["--source", "nowhere", "--device", "gpu"], "PyTorch has no device 'gpu' on this machine; it has cpu"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_refusal_is_one_sentence_and_exit_code_2(
    options: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        run_main(lambda: main(["build", *options, "--out", str(tmp_path / "out")]))
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.strip().split("\n")
    assert line.startswith(f"Error: {sentence}")
    assert not (tmp_path / "out").exists()


def test_the_type_of_a_column_is_given_by_its_name() -> None:
    assert column_types(["year:number", "a:b:text"]) == {"year": "number", "a:b": "text"}
    for wrong in ("year", "year:date", ":text"):
        with pytest.raises(argparse.ArgumentError, match="write NAME:text or NAME:number"):
            column_types([wrong])
    with pytest.raises(SourceError, match="--column is for other sources; met has no use for it"):
        open_source("met", columns={"year": "text"})
