"""Faults that the loopback Hub simulates."""

from dataclasses import dataclass, replace
from typing import Literal

from hub_server.calls import Answer
from hub_server.store import HubError

FaultKind = Literal["status", "drop", "lost_answer", "cut", "corrupt", "wrong_size", "slow", "trickle", "portal"]


@dataclass(frozen=True)
class Fault:
    """A fault: its kind, the requests that it affects, and how often.

    `route` is a name from `hub_server.ROUTES` (`create`, `preupload`, `lfs_batch`, `lfs_upload`, `commit`, `tree`,
    `resolve`, ...) or `*`; `method` and `path` (a part of the address) restrict it; `times` is how many
    requests it affects, None for all. The kinds:

    - `status`: answers `status` without doing anything; `retry_after` adds that header
    - `drop`: closes the connection without doing anything and without an answer
    - `lost_answer`: handles the request, then closes the connection without an answer
    - `cut`: sends the headers and the first half of the body, then closes the connection
    - `corrupt`: sends a body of the right length with bytes changed in the middle (neither this nor `cut` affects a HEAD)
    - `wrong_size`: answers with half the body as if it were complete; reads only half of the body of a PUT
    - `slow`: waits `seconds`, then answers normally
    - `trickle`: sends the headers, then a byte every `seconds`
    - `portal`: answers with a page in HTML, as a network that asks its guests to log in
    """

    route: str
    kind: FaultKind = "status"
    method: str | None = None
    path: str = ""
    status: int = 503
    seconds: float = 0.0
    retry_after: int | None = None
    times: int | None = 1


class ArmedFault:
    """A fault in a running server; `hits` counts the affected requests."""

    def __init__(self, fault: Fault):
        self.fault, self.hits = fault, 0

    def takes(self, route: str, method: str, path: str) -> bool:
        fault = self.fault
        if fault.times is not None and self.hits >= fault.times:
            return False
        if fault.route not in ("*", route) or fault.method not in (None, method) or fault.path not in path:
            return False
        if fault.kind in ("cut", "corrupt") and method == "HEAD":
            return False
        self.hits += 1
        return True


def refuse(fault: Fault) -> Answer:
    """The answer of a `status` fault."""
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return Answer.refusal(HubError(fault.status, f"Injected fault {fault.status}", headers=headers))


def spoil(answer: Answer, kind: FaultKind | None) -> Answer:
    """The answer with its body changed by `corrupt` or `wrong_size`; other kinds do not change it."""
    half = len(answer.body) // 2
    if kind == "corrupt" and answer.body:
        flipped = bytes(byte ^ 0xFF for byte in answer.body[half : half + 16])
        return replace(answer, body=answer.body[:half] + flipped + answer.body[half + len(flipped) :])
    if kind == "portal":
        return Answer(200, b"<!doctype html><title>Welcome to our network</title>", {"Content-Type": "text/html"})
    if kind == "wrong_size":
        return replace(answer, body=answer.body[:half])
    return answer
