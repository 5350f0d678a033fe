"""What analyses ask of a collection. They know only this, so that the collection can offer them as its methods."""

from __future__ import annotations

from typing import Any, Protocol

from artsim.encoders.protocol import Encoder
from artsim.search.engine import Match, Query
from artsim.snapshot.state import State


class SearchableCollection(Protocol):
    """Implemented by `artsim.Collection`, which says what each method does."""

    state: State

    def work(self, identity: str) -> dict[str, Any]: ...

    def picture(self, identity: str) -> bytes: ...

    def encoder(self, name: str | None = None) -> Encoder: ...

    def run(self, query: Query) -> list[Match]: ...
