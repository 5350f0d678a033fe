"""Write constraints.txt: the exact versions of this environment, of what requirements-dev.txt asks for and of what that needs.

torch has no exact version: which one a machine takes depends on its processor and on ZeroGPU.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import _clone  # noqa: F401
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
FREE = "torch"

_HEAD = """\
# Exact versions of everything but torch, with which the tests passed: PIP_CONSTRAINT=constraints.txt pip install -r ...
# Written by scripts/make_constraints.py, on Python {python} under {platform}. Libraries that use artsim have the ranges of
# requirements.txt instead.
"""


def read_requirements(path: Path) -> Iterator[Requirement]:
    """The requirements in a file and in those that it includes."""
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.partition(" #")[0].strip()
        if text.startswith("-r "):
            yield from read_requirements(path.parent / text.removeprefix("-r ").strip())
        elif text and not text.startswith("#"):
            yield Requirement(text)


def needed(requirements: Iterable[Requirement], *, below: bool) -> dict[str, str]:
    """Name -> installed version of `requirements` and of all that they need here. `below`: also what torch needs.

    Raises `PackageNotFoundError` if one is not installed.
    """
    versions: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen or (name == FREE and not below):
            continue
        seen.add((name, extras))
        installed = distribution(name)
        versions[name] = installed.version
        for text in installed.requires or ():
            found = Requirement(text)
            if found.marker is None or any(found.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                waiting.append(found)
    versions.pop(FREE, None)
    return versions


def constraints() -> str:
    """The text of the file, for this environment. What only torch needs is not of the app: see `END_OF_APP`."""
    from artsim.hub.hosting import END_OF_APP

    app = needed(read_requirements(ROOT / "requirements.txt"), below=False)
    everything = needed(read_requirements(ROOT / "requirements-dev.txt"), below=True)
    rest = {name: version for name, version in everything.items() if name not in app}
    head = _HEAD.format(python=f"{sys.version_info.major}.{sys.version_info.minor}", platform=sys.platform)
    return "\n".join([head.rstrip(), *_lines(app), END_OF_APP, *_lines(rest), ""])


def _lines(versions: dict[str, str]) -> list[str]:
    return [f"{name}=={version}" for name, version in sorted(versions.items())]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "constraints.txt", help="file (default: constraints.txt)")
    out: Path = parser.parse_args(argv).out
    try:
        text = constraints()
    except PackageNotFoundError as error:
        print(f"{error.name} is not installed here. Run: pip install -r requirements-dev.txt", file=sys.stderr)
        return 1
    out.write_text(text, encoding="utf-8")
    print(f"{out}: {text.count('==')} versions.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
