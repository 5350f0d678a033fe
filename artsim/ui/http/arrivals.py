"""Request bodies on their way in: how slow they may be, and how many bytes of them are held at the same time.

When there are too many, the visitor who sends most loses the body that has been on its way for longest: whoever floods the app
with unfinished requests floods nobody else's.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from starlette.types import Message, Receive

PAUSE = 20.0
"""Seconds without a byte after which a body is given up, and that any body may take."""
SLOWEST = 16 * 1024
"""Bytes a second, on average, of a body that takes longer."""


class GivenUp(Exception):
    """The rest of a body is not waited for. `status` is that of the answer."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Arrivals:
    """The bodies on their way in, of at most `most` bytes together."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.bodies: list[Arrival] = []  # the oldest first

    def begin(self, visitor: str) -> Arrival:
        """A new one; `end` it when its request is answered."""
        body = Arrival(self, visitor)
        self.bodies.append(body)
        return body

    def make_room(self, newest: Arrival) -> None:
        """Give up bodies until there is room: unfinished ones, or the one that has just come; not one that is being handled."""
        while sum(body.size for body in self.bodies) > self.most:
            unfinished = [body for body in self.bodies if body.size and (body is newest or not body.whole)]
            if not unfinished:
                return
            sizes: Counter[str] = Counter()
            for body in self.bodies:
                sizes[body.visitor] += body.size
            most = max(sizes[body.visitor] for body in unfinished)
            next(body for body in unfinished if sizes[body.visitor] == most).give_up()


class Arrival:
    """One body. `receive` passes its messages on, and raises `GivenUp`."""

    def __init__(self, arrivals: Arrivals, visitor: str) -> None:
        self.visitor, self.size, self.whole = visitor, 0, False
        self._arrivals, self._given_up = arrivals, False
        self._begun = asyncio.get_running_loop().time()
        self._wait: asyncio.Timeout | None = None

    async def receive(self, receive: Receive) -> Message:
        if self.whole:
            return await receive()  # what comes after a body: that the client went away
        latest = min(asyncio.get_running_loop().time(), self._begun + self.size / SLOWEST) + PAUSE
        try:
            async with asyncio.timeout_at(latest) as self._wait:
                message = await receive()
        except TimeoutError:
            raise self._failure() from None
        finally:
            self._wait = None
        self.size += len(message.get("body", b""))
        self.whole = not message.get("more_body", False)
        self._arrivals.make_room(self)
        if self._given_up:
            raise self._failure()
        return message

    def give_up(self) -> None:
        self._given_up, self.size = True, 0
        if self._wait is not None:
            self._wait.reschedule(asyncio.get_running_loop().time())

    def end(self) -> None:
        """The body is no longer held."""
        if self in self._arrivals.bodies:
            self._arrivals.bodies.remove(self)

    def _failure(self) -> GivenUp:
        if self._given_up:
            return GivenUp(503, "The app is busy with other requests; try again in 10 s.")
        return GivenUp(408, "The request took too long to arrive.")
