"""The packages that artsim needs, and which of them are installed. Imports none of them: `doctor` runs on a bare Python."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from artsim.errors import ArtsimError

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)\s*(\[[^]]*\])?\s*(?P<versions>[^;]*)")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_CLONE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Package:
    """A requirement of artsim, and what is installed for it."""

    name: str
    requirement: str
    """As pip takes it: `gradio[mcp]>=6.31,<7`."""
    extra: str | None
    """The extra of artsim that it belongs to; None for what artsim always needs."""
    version: str | None
    """The installed one, if any."""
    fits: bool
    """Whether the installed version meets the requirement."""


def find_packages() -> list[Package]:
    """Every requirement of this artsim, those of its extras last. Raises `ArtsimError` when it has no list of them."""
    return [_look_up(requirement, extra) for requirement, extra in _requirements()]


def _requirements() -> list[tuple[str, str | None]]:
    """(requirement, extra) from the files of a clone or a Space, else from what pip recorded when it installed artsim."""
    if (_CLONE / "app.py").is_file() and (_CLONE / "requirements.txt").is_file():
        lines = (_CLONE / "requirements.txt").read_text(encoding="utf-8").splitlines()
        found: list[tuple[str, str | None]] = [(line.partition("#")[0].strip(), None) for line in lines]
        project = _CLONE / "pyproject.toml"
        extras = tomllib.loads(project.read_text(encoding="utf-8"))["project"] if project.is_file() else {}
        found += [(line, extra) for extra, lines in extras.get("optional-dependencies", {}).items() for line in lines]
        return [(line, extra) for line, extra in found if line]
    try:
        recorded = metadata.requires("artsim") or []
    except metadata.PackageNotFoundError:
        raise ArtsimError(
            "This installation of artsim has no list of its dependencies; "
            "install it with pip, or run it from a clone of its repository."
        ) from None
    with_markers = (line.partition(";") for line in recorded)
    return [(line.strip(), named[1] if (named := _EXTRA.search(marker)) else None) for line, _, marker in with_markers]


def _look_up(requirement: str, extra: str | None) -> Package:
    match = _REQUIREMENT.match(requirement)
    name, versions = (match["name"], match["versions"].strip()) if match else (requirement, "")
    try:
        version: str | None = metadata.version(name)
    except metadata.PackageNotFoundError:
        version = None
    return Package(name, requirement, extra, version, version is not None and _meets(version, versions))


def _meets(version: str, versions: str) -> bool:
    """Whether `version` is one of `versions` (`>=2,<3`). Where `packaging` is missing, that is said and no more is known."""
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:
        return True
    return SpecifierSet(versions).contains(version, prereleases=True)
