"""Where works come from and on what terms: what is stated of a collection holds for the works that it was stated of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from artsim.storage.manifest import Manifest

_NOT_STATED = ("", "unknown", "other")


def stated_license(manifest: Manifest) -> str:
    """The licence of all works that state none themselves; empty if there is none."""
    return "" if manifest.license in _NOT_STATED else manifest.license


def license_of(work: Mapping[str, Any], manifest: Manifest) -> str:
    """The licence of a work: its own, else that of its collection; empty if neither is stated."""
    own = str(work.get("license") or "")
    return stated_license(manifest) if own in _NOT_STATED else own


def extended(manifest: Manifest) -> Manifest:
    """The manifest once works of others are added: the words and the licence of the source are not said of them.

    The source's description and home page become `begun` and `begun_homepage`, and the licence unknown; works that had it
    state it themselves from now on (`snapshot.edits.before_others`). What the owner states later stays.
    """
    if "begun" in manifest.source or manifest.source.get("name") == "own":
        return manifest
    source = {**manifest.source, "description": "", "homepage": ""}
    source["begun"] = manifest.source.get("description", "")
    source["begun_homepage"] = manifest.source.get("homepage", "")
    return replace(manifest, source=source, license="unknown")
