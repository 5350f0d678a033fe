"""`Federation`: the facade to search several collections at once.

Each collection searches for itself, by its own encoder, in a thread of its own, for as long as the deadline allows. A score means
the same in every collection, as it is calibrated on that collection's own works (`artsim.search.calibration`): so the matches of
all are merged by score, without another normalisation.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from types import MappingProxyType, TracebackType
from typing import Any, TypeVar

from PIL import Image

from artsim.collection import Collection
from artsim.encoders.presets import Ranking
from artsim.encoders.protocol import Aspect
from artsim.errors import ArtsimError, CollectionError, EncoderError, QueryError
from artsim.federation.answer import FederatedMatches, LeftOut, merge_by_places, merge_by_score, one_error, reason_of
from artsim.images.decode import ImageLike, load_image
from artsim.search.match import Match
from artsim.search.query import Part, TextMode
from artsim.search.recognition import check_recognition, find_work, read_photograph
from artsim.snapshot.filters import Where

TIMEOUT = 10.0
"""Seconds that a search waits for its collections, by default."""
_OVERDUE = 4  # searches of a collection that may go on after their deadline, each in a thread; then it is not asked

Result = TypeVar("Result")


class Federation:
    """Several collections that are searched as one; `open_collections` opens them. Searches are thread-safe.

    `with open_collections([...]) as federation:` closes it at the end.
    """

    def __init__(self, collections: Mapping[str, Collection], not_opened: Sequence[LeftOut] = ()) -> None:
        self.collections: Mapping[str, Collection] = MappingProxyType(dict(collections))
        """Name, as it was given -> the collection; `collections[match.collection].picture(match.id)` is a match's picture."""
        self.not_opened = tuple(not_opened)
        """The collections that could not be opened; every answer names them, too."""
        self._overdue: dict[str, list[Future[Any]]] = {name: [] for name in collections}
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Federation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the collections: nothing can be searched any more. Searches that run end as they would."""
        self._closed = True
        self.collections = MappingProxyType({})

    def search(
        self,
        image: ImageLike | None = None,
        text: str | None = None,
        work: str | None = None,
        *,
        of: str | None = None,
        text_mode: TextMode = "auto",
        k: int = 10,
        min_score: float = 0.0,
        aspects: Mapping[Aspect, float] | None = None,
        preset: str | None = None,
        where: Where | None = None,
        ranking: Ranking = "tuned",
        region: tuple[float, float, float, float] | None = None,
        timeout: float = TIMEOUT,
    ) -> FederatedMatches:
        """The `k` best matches of all collections, by score; arguments as in `Collection.search`, for each collection.

        `work` is the id of a work of one collection: of the one with the name `of`, if several have such an id. The others are
        searched by its picture. For a text alone, works with the text in their label come first; they have no score, so the
        first of each collection precede the second ones.

        `left_out` of the answer names each collection that is missing: because it takes longer than `timeout` seconds, fails,
        has an encoder that embeds no texts (of a text alone it has searched the metadata, and is `partial`), or lacks a
        column of `where`, so that nothing says which of its works meet that. If none is left, raises the error of the
        collections, if they have the same type (such as a `QueryError`, an `ImageError`), else a `CollectionError`.
        """
        collections = self._opened()
        home = _home_of(collections, work, of)
        picture = None if image is None else _decoded(image)

        def search(name: str, collection: Collection) -> tuple[list[Match], str]:
            at_home = name == home
            matches = collection.search(
                image=picture,
                text=text,
                work=work if at_home else None,
                text_mode=text_mode,
                k=k,
                min_score=min_score,
                aspects=aspects,
                preset=preset,
                where=where,
                ranking=ranking,
                region=region,
                parts=() if home is None or at_home else [Part(image=_picture(collections, home, work), region=region)],
            )
            words_alone = image is None and work is None and text_mode == "auto"
            return matches, _why_metadata_only(collection) if words_alone and len(matches) < k else ""

        found, left_out = self._ask_each(collections, search, timeout)
        merged = merge_by_score({name: matches for name, (matches, _) in found.items()}, k)
        if (
            sum(match.found_by == "label" for match in merged) < k
        ):  # else works that look like the text would not be shown
            left_out += [LeftOut(name, reason, partial=True) for name, (_, reason) in found.items() if reason]
        return self._answer(merged, left_out)

    def recognize(self, image: ImageLike, *, timeout: float = TIMEOUT) -> FederatedMatches:
        """The works that a picture shows, at most one of each collection, those that agree with it in the most places first.

        See `Collection.recognize` for what such a match has. `left_out` names each collection that takes longer than `timeout`
        seconds, fails, or was built without recognition. If none is left, raises as `search` does.
        """
        collections, picture = self._opened(), _decoded(image)
        able = [collection for collection in collections.values() if collection.state.recognition is not None]
        reading = _start(lambda: read_photograph(able[0], picture)) if able else None

        def recognize(name: str, collection: Collection) -> list[Match]:
            check_recognition(collection.state)
            match = None if reading is None else find_work(collection.state, reading.result())
            return [] if match is None else [match]

        found, left_out = self._ask_each(collections, recognize, timeout)
        return self._answer(merge_by_places(found), left_out)

    def _opened(self) -> Mapping[str, Collection]:
        collections = self.collections
        if self._closed:
            raise CollectionError("These collections are closed: open them again.")
        return collections

    def _ask_each(
        self, collections: Mapping[str, Collection], ask: Callable[[str, Collection], Result], timeout: float
    ) -> tuple[dict[str, Result], list[LeftOut]]:
        """What `ask` returns of each collection within the deadline, and why others are missing."""
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < math.inf:
            raise QueryError("The timeout must be a number of seconds above 0; it is {timeout}.", timeout=timeout)
        asked = {name: self._ask(name, collection, ask) for name, collection in collections.items()}
        done = wait(asked.values(), timeout).done
        found: dict[str, Result] = {}
        errors: dict[str, BaseException] = {}
        for name, future in asked.items():
            if future not in done:
                with self._lock:
                    self._overdue[name].append(future)
                errors[name] = CollectionError("No answer within {timeout} seconds.", timeout=f"{timeout:g}")
            elif (error := future.exception()) is not None:
                errors[name] = error
            else:
                found[name] = future.result()
        if not found:
            raise one_error("No collection answers.", errors)
        return found, [LeftOut(name, reason_of(error)) for name, error in errors.items()]

    def _ask(self, name: str, collection: Collection, ask: Callable[[str, Collection], Result]) -> Future[Result]:
        with self._lock:
            self._overdue[name] = [future for future in self._overdue[name] if not future.done()]
            overdue = len(self._overdue[name])
        if overdue < _OVERDUE:
            return _start(lambda: ask(name, collection))
        refused: Future[Result] = Future()
        refused.set_exception(CollectionError("Not asked: {count} earlier searches still run.", count=overdue))
        return refused

    def _answer(self, matches: Sequence[Match], left_out: Sequence[LeftOut]) -> FederatedMatches:
        return FederatedMatches(tuple(matches), (*self.not_opened, *left_out))


def _home_of(collections: Mapping[str, Collection], work: str | None, of: str | None) -> str | None:
    """The name of the collection that a work is from; None without a work."""
    if work is None:
        if of is not None:
            raise QueryError("`of` names the collection of a work: give work, too.")
        return None
    if of is not None and of not in collections:
        raise QueryError("There is no open collection {name!r}; there are {names}.", name=of, names=list(collections))
    homes = [name for name, collection in collections.items() if work in collection.state.rows and of in (None, name)]
    if not homes:
        raise QueryError("There is no work {work!r}.", work=work)
    if len(homes) > 1:
        raise QueryError("Several collections have a work {work!r}; give one as of: {names}.", work=work, names=homes)
    return homes[0]


def _picture(collections: Mapping[str, Collection], home: str, work: str | None) -> bytes:
    """The picture of a work, for other collections."""
    try:
        return collections[home].picture(work or "")
    except ArtsimError as error:
        raise CollectionError(
            "It is searched by the picture of {work!r}, which {home} does not give: {reason}",
            work=work,
            home=home,
            reason=error,
        ) from error


def _decoded(image: ImageLike) -> ImageLike:
    """A picture that several threads can read: PIL reads the file of an opened one only when its pixels are asked for."""
    return load_image(image) if isinstance(image, Image.Image) else image


def _why_metadata_only(collection: Collection) -> str:
    """Why a text alone was looked for only in the metadata; empty if it was not."""
    embedding = collection.query_embedding
    try:
        if any(embedding.embeds_text(space) for space in collection.state.spaces):
            return ""
    except EncoderError as error:
        return f"Only its metadata was searched: {error}"
    return "Only its metadata was searched: its encoder embeds no texts."


def _start(work: Callable[[], Result]) -> Future[Result]:
    """Run `work` in a thread that does not hold up the end of the program."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 - `result` raises it
            future.set_exception(error)

    threading.Thread(target=run, name="artsim-federation", daemon=True).start()
    return future
