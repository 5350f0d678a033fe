"""What every part of the interface works with."""

from __future__ import annotations

from dataclasses import dataclass

from artsim.collection import Collection
from artsim.encoders.base import Aspect
from artsim.facets import Facet
from artsim.thumbnails import Thumbnails
from artsim.ui.readiness import Readiness
from artsim.ui.strings import Strings


@dataclass(frozen=True)
class Context:
    collection: Collection
    thumbnails: Thumbnails
    readiness: Readiness
    strings: Strings
    facets: tuple[Facet, ...]
    examples: tuple[str, ...]
    """Ids of the works that an empty page offers."""
    aspects: tuple[Aspect, ...]
    """The sides of likeness that this collection's space has, in its order."""
    encoder: str
    encoder_reason: str
    """Why this encoder: for the log and the page."""
