"""Ctrl-C: every command ends with its code and one sentence, whatever its native libraries are doing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def interrupt(seconds: float, *arguments: str) -> tuple[int, str]:
    """Exit code and stderr of a command that is interrupted after so many seconds; 0 if it was over before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "artsim", *arguments], cwd=ROOT, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "2", "HF_HUB_OFFLINE": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    return process.returncode, said


@pytest.mark.parametrize("seconds", [pytest.param(second, marks=pytest.mark.sweep) for second in (3, 5, 12)] + [8])
@pytest.mark.slow
def test_builds_and_evaluations_end_with_130_and_one_sentence(seconds: float, saved: Path, tmp_path: Path) -> None:
    build = ("build", "--source", "met", "--encoder", "embedded", "--out", str(tmp_path / "out"))
    evaluate = ("evaluate", "--collection", str(saved), "--label", "artist")
    for command in (build, evaluate):
        code, said = interrupt(seconds, *command)
        assert code == 130 or (code == 0 and command is evaluate), said
        assert "terminate called" not in said and "Traceback" not in said
        assert code == 0 or "Stopped. Run the same command again to go on." in said
