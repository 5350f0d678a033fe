"""Say what is installed here, which encoder would run and why, and what is missing.

The exit code is 0 when the app can run, and 1 when something that it needs is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from artsim.files.cache import cache_folder
from artsim.version import VERSION

if TYPE_CHECKING:
    from artsim.cli.installed import Package

HELP = "say what is installed, which encoder would run, and what is missing"
_REPLACEABLE = frozenset({"openvino"})  # PyTorch takes its place, at half the speed


@dataclass(frozen=True)
class Diagnosis:
    """What `--json` prints."""

    can_run: bool
    artsim: str
    python: str
    system: str
    cores: int
    memory_bytes: int | None
    """None where the system does not tell."""
    cache: str | None
    """None where `platformdirs`, which knows its place, is missing; so are the numbers."""
    cache_bytes: int | None
    cache_free_bytes: int | None
    encoder: str | None
    """What `--encoder auto` takes; None when that cannot be told."""
    encoder_reason: str
    embedded_runs_with: str | None
    """ "OpenVINO" or "PyTorch"; None when neither is installed."""
    packages: Sequence[Package]
    problems: Sequence[str]
    """What the app needs and lacks, each with what to do."""
    hints: Sequence[str]
    """What it can do without, each with what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(arguments: argparse.Namespace) -> int:
    found = diagnose()
    if arguments.json:
        print(json.dumps(asdict(found), indent=2, ensure_ascii=False))
    else:
        print("\n".join(as_lines(found)))
    return 0 if found.can_run else 1


def diagnose() -> Diagnosis:
    """Look at this machine. Asks the Hub once, for a few seconds at most; changes nothing."""
    from artsim.cli.installed import find_packages

    packages, cache = find_packages(), _cache()
    home = next((folder for folder in (cache, *cache.parents) if folder.is_dir()), None) if cache else None
    problems, hints = _lacks(packages)
    if home is not None and not _can_write(home):
        problems.append(f"{home} cannot be written to. Set ARTSIM_CACHE to a folder that can.")
    encoder, reason = _choose_encoder()
    installed = {package.name for package in packages if package.fits}
    return Diagnosis(
        can_run=not problems,
        artsim=VERSION,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count() or 1,
        memory_bytes=_memory(),
        cache=str(cache) if cache else None,
        cache_bytes=sum(_file_sizes(cache)) if cache else None,
        cache_free_bytes=shutil.disk_usage(home).free if home else None,
        encoder=encoder,
        encoder_reason=reason,
        embedded_runs_with="OpenVINO" if "openvino" in installed else "PyTorch" if "torch" in installed else None,
        packages=packages,
        problems=problems,
        hints=hints,
    )


def _cache() -> Path | None:
    try:
        return cache_folder()
    except ImportError:  # told among the packages
        return None


def _can_write(folder: Path) -> bool:
    """Whether a file can be created in `folder`. File systems such as /proc are not told by their permissions."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _lacks(packages: Sequence[Package]) -> tuple[list[str], list[str]]:
    """What is missing or of another version: what the app needs, and what it can do without."""
    problems, hints = [], []
    for package in packages:
        if package.fits:
            continue
        what = f"{package.name} is not installed" if package.version is None else f"{package.name} is {package.version}"
        sentence = f'{what}. Run: pip install "{package.requirement}"'
        if package.extra is not None:
            hints.append(f"For {package.extra}: {sentence}")
        elif package.name in _REPLACEABLE:
            hints.append(f"For twice the speed: {sentence}")
        else:
            problems.append(sentence)
    return problems, hints


def _choose_encoder() -> tuple[str | None, str]:
    try:
        from artsim.encoders.registry import choose_encoder

        choice = choose_encoder("auto")
    except ImportError as error:
        return None, f"{error.name} is missing"
    return choice.name, str(choice.reason)


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not told by this system
        return None


def _file_sizes(folder: Path) -> Iterator[int]:
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                yield (Path(root) / name).lstat().st_size
            except OSError:  # removed meanwhile
                continue


def as_lines(found: Diagnosis) -> Iterator[str]:
    """The lines that people read."""
    memory = "" if found.memory_bytes is None else f", {found.memory_bytes / 1e9:.1f} GB of memory"
    yield f"artsim {found.artsim}, Python {found.python}, {found.system}"
    yield f"Machine   {found.cores} cores{memory}"
    if found.cache_bytes is not None and found.cache_free_bytes is not None:
        sizes = f"{found.cache_bytes / 1e9:.1f} GB, {found.cache_free_bytes / 1e9:.0f} GB are free"
        yield f"Cache     {found.cache}: {sizes}"
    yield f"Encoder   auto takes {found.encoder or 'none'} ({found.encoder_reason})"
    yield f"Embedded  {'runs with ' + found.embedded_runs_with if found.embedded_runs_with else 'cannot run'}"
    there = [f"{package.name} {package.version}" for package in found.packages if package.version]
    yield f"Packages  {', '.join(there) or 'none'}"
    yield from (f"Missing   {problem}" for problem in found.problems)
    yield from (f"Optional  {hint}" for hint in found.hints)
    yield "The app can run." if found.can_run else "The app cannot run until this is fixed."
