"""What every part of the interface works with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from artsim.collection import Collection
from artsim.encoders.base import Aspect
from artsim.facets import Facet
from artsim.thumbnails import Thumbnails
from artsim.ui.readiness import Readiness
from artsim.ui.strings import Strings, load_strings


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

    def speaking(self, language: str) -> Context:
        """The same in another language: one of `artsim.ui.strings.languages()`."""
        return self if language == self.strings.language else replace(self, strings=load_strings(language))
