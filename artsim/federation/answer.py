"""The answer of several collections, and why some of them have no part in it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import overload

from artsim.errors import ArtsimError, CollectionError, ImageError
from artsim.search.match import Match

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LeftOut:
    """A collection that has no part in an answer, or only a part of it, and why."""

    collection: str
    reason: str
    partial: bool = False
    """Whether the answer has its matches, but it may have more, which could not be looked for."""

    def __str__(self) -> str:
        return f"{self.collection}: {self.reason}"


@dataclass(frozen=True)
class FederatedMatches(Sequence[Match]):
    """The matches of several collections, best first; `match.collection` names the collection of each."""

    matches: tuple[Match, ...]
    left_out: tuple[LeftOut, ...]
    """In the order in which the collections were given."""

    @overload
    def __getitem__(self, index: int) -> Match: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Match, ...]: ...

    def __getitem__(self, index: int | slice) -> Match | tuple[Match, ...]:
        return self.matches[index]

    def __len__(self) -> int:
        return len(self.matches)


def merge_by_score(found: Mapping[str, Sequence[Match]], k: int) -> tuple[Match, ...]:
    """The `k` best matches by score. Those by label have none and come first: the first of each collection, then the second."""

    def order(match: Match) -> tuple[int, float]:
        return (0, match.rank) if match.score is None else (1, -match.score)

    return tuple(
        replace(match, rank=rank) for rank, match in enumerate(sorted(_of_collections(found), key=order)[:k], start=1)
    )


def merge_by_places(found: Mapping[str, Sequence[Match]]) -> tuple[Match, ...]:
    """All recognised works, those that agree in the most places first."""
    matches = sorted(_of_collections(found), key=lambda match: -(match.places or 0))
    return tuple(replace(match, rank=rank) for rank, match in enumerate(matches, start=1))


def _of_collections(found: Mapping[str, Sequence[Match]]) -> list[Match]:
    return [replace(match, collection=name) for name, matches in found.items() for match in matches]


def reason_of(error: BaseException) -> str:
    """The error as a sentence. One that nobody foresaw is logged with its traceback."""
    if isinstance(error, ArtsimError):
        return str(error)
    log.error("A collection fails.", exc_info=error)
    return f"{type(error).__name__}: {error}"


def one_error(what: str, errors: Mapping[str, BaseException]) -> ArtsimError:
    """That the picture cannot be read, or what all collections say, where it is the same; else one error that names each."""
    for error in errors.values():
        if isinstance(error, ImageError):
            return error
    reasons = {name: reason_of(error) for name, error in errors.items()}
    first, *others = errors.values()
    if isinstance(first, ArtsimError) and len(set(reasons.values())) == 1:
        return first
    kind = type(first) if isinstance(first, ArtsimError) and {*map(type, others)} <= {type(first)} else CollectionError
    return kind(
        "{what} {reasons}", what=what, reasons=" ".join(f"{name}: {reason}" for name, reason in reasons.items())
    )
