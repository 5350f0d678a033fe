"""What every part of the interface works with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from artsim.collection import Collection
from artsim.encoders.protocol import Aspect
from artsim.messages.strings import Strings, load_strings
from artsim.snapshot.facets import Facet, choose_facets, possible_facets, varied_works
from artsim.snapshot.state import State
from artsim.ui.auth import OwnerTools
from artsim.ui.readiness import Readiness
from artsim.ui.thumbnail_cache import Thumbnails


@dataclass(frozen=True)
class Context:
    """Facets, examples and aspects are those of the collection as it is now: they follow when works come and go."""

    collection: Collection
    thumbnails: Thumbnails
    readiness: Readiness
    strings: Strings
    encoder: str
    encoder_reason: str
    """Why this encoder: for the log and the page."""
    owner_tools: OwnerTools | None = None
    """Where the owner changes the collection; None where it cannot be changed."""

    @property
    def facets(self) -> tuple[Facet, ...]:
        return _facets_of(self.collection.state)

    @property
    def possible_facets(self) -> tuple[Facet, ...]:
        """Those that there may be until the app stops, some without values: where works can change, more than now."""
        if self.owner_tools is None:
            return self.facets
        now = {facet.column: facet for facet in self.facets}
        possible = [now.pop(facet.column, facet) for facet in possible_facets(self.collection.state)]
        return (*possible, *now.values())

    @property
    def examples(self) -> tuple[str, ...]:
        """Ids of the works that an empty page offers."""
        return _examples_of(self.collection.state)

    @property
    def aspects(self) -> tuple[Aspect, ...]:
        """The sides of likeness that this collection's space has, in its order."""
        return self.collection.state.spaces[0].statistics.aspects

    def speaking(self, language: str) -> Context:
        """The same in another language: one of `artsim.messages.strings.languages()`."""
        return self if language == self.strings.language else replace(self, strings=load_strings(language))


# One collection is open at a time; its latest state is the one that is asked for.


@lru_cache(maxsize=1)
def _facets_of(state: State) -> tuple[Facet, ...]:
    return tuple(choose_facets(state))


@lru_cache(maxsize=1)
def _examples_of(state: State) -> tuple[str, ...]:
    return tuple(varied_works(state))
