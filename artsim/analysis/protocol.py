"""The interface of a collection that analyses depend on, so that `Collection` can offer them as methods."""

from __future__ import annotations

from typing import Any, Protocol

from artsim.encoders.protocol import Encoder
from artsim.search.match import Match
from artsim.search.query import Query
from artsim.snapshot.state import State


class SearchableCollection(Protocol):
    """Implemented by `artsim.Collection`, which documents the methods."""

    state: State

    def work(self, identity: str) -> dict[str, Any]: ...

    def picture(self, identity: str) -> bytes: ...

    def encoder(self, name: str | None = None) -> Encoder: ...

    def run(self, query: Query) -> list[Match]: ...
