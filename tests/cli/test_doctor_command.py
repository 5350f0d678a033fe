"""`artsim doctor` on this machine, on a Python with nothing installed, and where the Hub is out of reach."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from artsim.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


def doctor(*python_options: str, **variables: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report of a process of its own."""
    done = subprocess.run(
        [sys.executable, *python_options, "-m", "artsim", "doctor", "--json"], cwd=ROOT, env=os.environ | variables,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_it_tells_what_is_here_and_why_this_encoder(tmp_path: Path) -> None:
    """No Hub, a cache with a file in it, and nothing missing."""
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "thumbnail").write_bytes(b"x" * 1000)
    code, told = doctor(ARTSIM_CACHE=str(cache), HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "home"))
    assert (code, told["can_run"], told["problems"]) == (0, True, [])
    assert (told["cache"], told["cache_bytes"]) == (str(cache), 1000)
    assert told["cache_free_bytes"] > 0
    assert told["encoder"] == "embedded"
    assert "the Hub is switched off (HF_HUB_OFFLINE)" in told["encoder_reason"]
    assert told["embedded_runs_with"] in ("OpenVINO", "PyTorch")
    versions = {package["name"]: (package["version"], package["extra"]) for package in told["packages"]}
    assert versions["numpy"][0] is not None
    assert versions["ranx"][1] == "train"


def test_on_a_bare_python_it_names_everything_with_what_to_run() -> None:
    code, told = doctor("-S")
    assert (code, told["can_run"], told["encoder"], told["embedded_runs_with"]) == (1, False, None, None)
    assert 'numpy is not installed. Run: pip install "numpy>=2"' in told["problems"]
    assert len(told["problems"]) + len(told["hints"]) == len(told["packages"])
    assert any(hint.startswith("For twice the speed: openvino is not installed") for hint in told["hints"])


def test_another_version_than_is_needed_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [("numpy>=2000", None), ("no-such-package>=1", "evaluate")]
    monkeypatch.setattr("artsim.cli.installed._requirements", lambda: lines)
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert 'Run: pip install "numpy>=2000"' in printed
    assert "Optional  For evaluate: no-such-package is not installed" in printed
    assert printed.endswith("The app cannot run until this is fixed.\n")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write to, root included")
def test_a_cache_that_cannot_be_written_to_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARTSIM_CACHE", "/proc/nothing/cache")
    assert main(["doctor"]) == 1
    assert "/proc cannot be written to. Set ARTSIM_CACHE" in capsys.readouterr().out
