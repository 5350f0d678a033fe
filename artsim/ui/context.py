"""Context of the interface: the open collection, its services and the visitor's language."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

from starlette.requests import Request

from artsim.analysis.varied_works import varied_works
from artsim.collection import Collection
from artsim.encoders.presets import Presets
from artsim.encoders.protocol import Aspect
from artsim.messages.strings import Strings, load_strings
from artsim.snapshot.facets import Facet, choose_facets, possible_facets
from artsim.snapshot.state import State
from artsim.ui.auth import OwnerTools
from artsim.ui.readiness import Readiness
from artsim.ui.seats import Seats
from artsim.ui.thumbnail_cache import Thumbnails


@dataclass(frozen=True)
class Context:
    """The open collection with its services. Facets, examples and aspects follow its current state."""

    collection: Collection
    thumbnails: Thumbnails
    readiness: Readiness
    strings: Strings
    encoder: str
    encoder_reason: str
    """Why this encoder is used, for the log and the page."""
    owner_tools: OwnerTools | None = None
    """The owner's tools; None if the collection cannot be changed."""
    follows_folder: bool = False
    """Whether what another process saves in the collection's folder is served."""
    iiif_hosts: frozenset[str] = frozenset()
    """Image servers that visitors' browsers may ask when they zoom."""
    all_formats: bool = False
    """Whether visitors' pictures may have any format that is read, also rare ones."""
    seats: Seats = field(default_factory=Seats)
    """What searches and other slow calls wait for."""
    request: Request | None = None
    """The request that is answered, on the pages beside the search."""
    is_owner: bool = False
    """Whether the visitor is the owner."""

    @property
    def everyone_is_owner(self) -> bool:
        """Whether every visitor is the owner, because only this machine can reach the app and there is no log-in."""
        return self.owner_tools is not None and not self.owner_tools.owner.logs_in

    @property
    def can_change(self) -> bool:
        """Whether works can come and go while the app runs."""
        return self.owner_tools is not None or self.follows_folder

    @property
    def facets(self) -> tuple[Facet, ...]:
        return _facets_of(self.collection.state)

    @property
    def possible_facets(self) -> tuple[Facet, ...]:
        """Facets that may exist until the app stops, some without values; more than `facets` only if works can change."""
        if not self.can_change:
            return self.facets
        current = {facet.column: facet for facet in self.facets}
        possible = [current.pop(facet.column, facet) for facet in possible_facets(self.collection.state)]
        return (*possible, *current.values())

    @property
    def has_years(self) -> bool:
        """Whether the works have years: for the timeline, centuries and sorting."""
        return any(facet.column == "year" and facet.kind == "range" for facet in self.facets)

    @property
    def examples(self) -> tuple[str, ...]:
        """Ids of the works shown before the first search."""
        return _examples_of(self.collection.state)

    @property
    def presets(self) -> Presets:
        """Weights of the presets in the collection's first space."""
        return self.collection.state.spaces[0].presets

    @property
    def aspects(self) -> tuple[Aspect, ...]:
        """Aspects of the collection's first space, in its order."""
        return self.collection.state.spaces[0].statistics.aspects

    def in_language(self, language: str) -> Context:
        """The same context in another language, one of `artsim.messages.strings.languages()`."""
        return self if language == self.strings.language else replace(self, strings=load_strings(language))

    def for_visitor(self, language: str, request: Request) -> Context:
        """The same context for whoever sent the request, in a language."""
        is_owner = self.owner_tools is not None and self.owner_tools.owner.admits(request)
        return replace(self.in_language(language), is_owner=is_owner, request=request)


# One entry is enough: one collection is open at a time, and only its latest state is used.


@lru_cache(maxsize=1)
def _facets_of(state: State) -> tuple[Facet, ...]:
    return tuple(choose_facets(state))


@lru_cache(maxsize=1)
def _examples_of(state: State) -> tuple[str, ...]:
    return tuple(varied_works(state))
