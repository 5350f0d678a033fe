"""`pip install .` gives a package that works from anywhere: with its command, its sentences and its assets."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from artsim import __version__

ROOT = Path(__file__).resolve().parent.parent


def install(folder: Path) -> Path:
    """Install the package by pip into a folder of its own, from a copy: setuptools builds in the folder it is given."""
    clone, site = folder / "clone", folder / "site"
    clone.mkdir()
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    shutil.copytree(ROOT / "artsim", clone / "artsim", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*command, "--target", site, clone], capture_output=True, text=True, timeout=300, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return site


def run(site: Path, *arguments: str) -> str:
    """This Python with the installed package first, far from the clone."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=site.parent, env=os.environ | {"PYTHONPATH": str(site), "HF_HUB_OFFLINE": "1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_every_file_of_the_package_is_installed_and_the_command_runs_from_anywhere(tmp_path: Path) -> None:
    site = install(tmp_path)
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "artsim").rglob("*") if path.is_file()}
    installed = {path.relative_to(site).as_posix() for path in (site / "artsim").rglob("*") if path.is_file()}
    assert {name for name in there - installed if "__pycache__" not in name} == set()
    assert {"artsim/py.typed", "artsim/ui/assets/style.css", "artsim/messages/locales/de/page.json"} <= installed
    assert list(site.glob("artsim-*.dist-info/licenses/LICENSE"))
    assert run(site, "-m", "artsim", "--version") == f"artsim {__version__}\n"
    assert run(site, str(site / "bin" / "artsim"), "--version") == f"artsim {__version__}\n"
    told = run(site, "-m", "artsim", "doctor")  # from what pip recorded, since requirements.txt stays behind
    assert "gradio" in told
    assert told.endswith("The app can run.\n")
