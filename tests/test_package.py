"""The package as a whole: light to import, honest about its names, free of this machine."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import artsim

ROOT = Path(__file__).resolve().parent.parent
HEAVY = "torch transformers datasets faiss gradio pyarrow huggingface_hub".split()
ROOMS = ("artsim", "scripts", "app.py")


def scripts() -> list[str]:
    return sorted(path.name for path in (ROOT / "scripts").glob("*.py"))


def python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_artsim_imports_nothing_heavy() -> None:
    loaded = python(f"import sys, artsim; print([name for name in {HEAVY} if name in sys.modules])")
    assert loaded.strip() == "[]"


@pytest.mark.parametrize("script", scripts())
def test_help_of_a_script_imports_nothing_heavy(script: str) -> None:
    """Run as a script is run, and looked at when argparse ends it."""
    code = f"""
import runpy, sys
sys.argv = sys.argv[1:] + ["--help"]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    assert end.code in (0, None), end.code
print("LOADED", [name for name in {HEAVY} if name in sys.modules])
"""
    printed = python(code, f"scripts/{script}")
    assert "usage:" in printed
    assert printed.rstrip().endswith("LOADED []")


def test_every_public_name_is_there() -> None:
    for name in artsim.__all__:
        assert getattr(artsim, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'paint'"):
        artsim.paint  # noqa: B018


def test_every_error_for_people_is_an_artsim_error() -> None:
    for name in artsim.__all__:
        if name.endswith("Error"):
            assert issubclass(getattr(artsim, name), artsim.ArtsimError)


def sources() -> list[Path]:
    found = [
        path for room in ROOMS for path in ([ROOT / room] if room.endswith(".py") else (ROOT / room).rglob("*.py"))
    ]
    return [path for path in found if path.is_file()]


def test_no_code_runs_what_a_file_says() -> None:
    """No pickle, no marshal, no remote code."""
    forbidden = re.compile(
        r"^\s*(import|from) (pickle|marshal|shelve|dill|joblib)\b|trust_remote_code\s*=\s*True", re.M
    )
    assert [str(path) for path in sources() if forbidden.search(path.read_text(encoding="utf-8"))] == []


def test_files_stay_readable() -> None:
    """A stranger reads a file in one sitting: no module of the package is much over 300 lines."""
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert {name: length for name, length in lengths.items() if length > 330} == {}


def test_the_drawing_of_the_packages_is_the_contract() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    drawing = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("```mermaid")[1].split("```")[0]
    inside = re.findall(r"subgraph \w+ \[.*?\]\n(.*?)\n  end", drawing, re.S)
    drawn = [name.strip() for chain in inside for name in chain.split("-->")]
    assert drawn == contracts[0]["layers"]


def test_the_version_is_one_string() -> None:
    text = (ROOT / "artsim" / "version.py").read_text(encoding="utf-8")
    assert f'VERSION = "{artsim.__version__}"' in text
