"""`python app.py` as a process for tests: one that runs, or one that refuses its arguments."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarking.running import ROOT, TIMEOUT, RunningApp, app_environment, free_port, running_app

__all__ = ["ROOT", "RunningApp", "app_environment", "free_port", "run_app", "running_app", "shared_cache"]


def shared_cache(factory: pytest.TempPathFactory) -> Path:
    """Cache folder of the whole run, of all workers of pytest-xdist: the first app builds the collection there, the others
    open it."""
    base = factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "artsim-cache"


def run_app(cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the app with arguments that it refuses, until it exits."""
    return subprocess.run(
        [sys.executable, "app.py", *arguments],
        cwd=ROOT, env=app_environment(cache), capture_output=True, text=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
