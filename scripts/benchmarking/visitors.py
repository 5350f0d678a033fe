"""Visitors and an owner of a running app, who send what their browsers would: searches, pages, downloads; new works."""

from __future__ import annotations

import io
import random
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import httpx
import numpy as np
from PIL import Image

Outcome = Literal["answered", "busy", "error"]

TIMEOUT = 60.0
"""Seconds after which a request has failed."""
_PAUSE = (1.0, 3.0)  # seconds between two requests of a visitor
_POPULAR = 0.25  # of the searches by picture, those with the same one
_LOT = 5  # pictures that the owner adds at a time
_OWNER_PAUSE = 5.0
_PAGES = ("map", "browse", "explore", "timeline", "how", "why", "compare", "")  # "": the search page
_DOWNLOADS = ("csv", "json", "zip")
_BUSY = re.compile(r"try again in|queue is full", re.IGNORECASE)


@dataclass(frozen=True)
class Request:
    """One finished request; a search by picture or work is several exchanges."""

    kind: str
    seconds: float
    outcome: Outcome
    reason: str = ""


@dataclass
class Requests:
    """What was sent so far, by all threads."""

    all: list[Request] = field(default_factory=list)
    works_added: int = 0

    @contextmanager
    def timed(self, kind: str) -> Any:
        started = time.perf_counter()
        outcome, reason = "answered", ""
        try:
            yield
        except Busy:
            outcome = "busy"
        except (httpx.HTTPError, Failed, KeyError, ValueError, TypeError) as error:
            outcome, reason = "error", f"{type(error).__name__}: {str(error)[:200]}"
        self.all.append(Request(kind, time.perf_counter() - started, outcome, reason))  # type: ignore[arg-type]


class Busy(Exception):
    """The app asks to try again later."""


class Failed(Exception):
    """An answer that is none."""


class Visitor:
    """Somebody with a browser of their own: `kinds` has what they do, by name."""

    def __init__(self, url: str, event: int, works: Sequence[str], pictures: Sequence[bytes], seed: int) -> None:
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT, follow_redirects=True)
        self._event, self._works, self._pictures = event, works, pictures
        self._random = random.Random(seed)
        self._session = f"visitor-{seed}"
        self.kinds: Mapping[str, Callable[[], None]] = {
            "search by picture": self._search_by_picture,
            "search by work": self._search_by_work,
            "API, by picture": partial(self._call, "search_by_image", by_picture=True),
            "API, by work": partial(self._call, "search_by_work", by_picture=False),
            "page": self._page,
            "download": self._download,
            "thumbnails": self._thumbnails,
        }

    def visit(self, requests: Requests, until: float) -> None:
        """Send requests of random kinds until `until` (`time.monotonic`)."""
        time.sleep(self._random.uniform(0, _PAUSE[1]))
        while time.monotonic() < until:
            self.once(self._random.choice(list(self.kinds)), requests)
            time.sleep(max(0.0, min(self._random.uniform(*_PAUSE), until - time.monotonic())))

    def once(self, kind: str, requests: Requests) -> None:
        with requests.timed(kind):
            self.kinds[kind]()

    def close(self) -> None:
        self._client.close()

    def _search_by_picture(self) -> None:
        self._search({"query": "upload=1", "uploads": [self._upload()]})

    def _search_by_work(self) -> None:
        self._search({"query": f"work={self._work()}", "uploads": []})

    def _search(self, link: dict[str, Any]) -> None:
        """A search of the page: what it sends when it is opened with a link."""
        body = {"data": [link], "fn_index": self._event, "session_hash": self._session}
        _checked(self._client.post("gradio_api/queue/join", json=body))
        answer = self._client.get("gradio_api/queue/data", params={"session_hash": self._session})
        _check_text(_checked(answer).text, wanted=r"data-state=\"matches\"")

    def _call(self, endpoint: str, *, by_picture: bool) -> None:
        query = {"image": self._upload()} if by_picture else {"work": self._work()}
        asked = _checked(self._client.post(f"gradio_api/call/v2/{endpoint}", json={**query, "k": 10})).json()
        answer = _checked(self._client.get(f"gradio_api/call/{endpoint}/{asked['event_id']}"))
        _check_text(answer.text, wanted="event: complete")

    def _upload(self) -> dict[str, Any]:
        files = {"files": ("picture.jpg", self._picture(), "image/jpeg")}
        [path] = _checked(self._client.post("gradio_api/upload", files=files)).json()
        return {"path": path, "meta": {"_type": "gradio.FileData"}}

    def _picture(self) -> bytes:
        """One that several visitors have, or one that nobody else has: with a comment, so that no cache knows it."""
        if self._random.random() < _POPULAR:
            return self._pictures[0]
        return _with_comment(self._random.choice(self._pictures), self._random.randbytes(8))

    def see_everything(self, requests: Requests) -> None:
        """Each page and each kind of download once, so that all code is loaded."""
        for name in _PAGES:
            with requests.timed("page"):
                self._page(name)
        for kind in _DOWNLOADS:
            with requests.timed("download"):
                self._download(kind)

    def _page(self, name: str | None = None) -> None:
        name = self._random.choice(_PAGES) if name is None else name
        one, other = self._random.sample(self._works, 2)
        query = {"why": {"work": one, "match": other}, "compare": {"a": one, "b": other}, "timeline": {"work": one}}
        _checked(self._client.get(name, params=query.get(name, {})))

    def _download(self, kind: str | None = None) -> None:
        kind = kind or self._random.choice(_DOWNLOADS)
        _checked(self._client.get(f"download.{kind}", params={"work": self._work(), "k": 12}))

    def _thumbnails(self) -> None:
        for _ in range(6):
            _checked(self._client.get(f"thumbnails/400/{self._work()}"))

    def _work(self) -> str:
        return self._random.choice(self._works)


class OwnerAtWork:
    """The owner, who adds a few works at a time from the page My collection."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT, headers={"Origin": url.rstrip("/")})
        found = re.search(r'"pageKey": "([0-9a-f]{64})"', self._client.get("collection").text)
        if found is None:
            raise Failed("The app lets nobody change the collection.")
        self._client.headers["X-Artsim-Page"] = found[1]
        self._number = 0

    def add_until(self, requests: Requests, until: float) -> None:
        while time.monotonic() < until:
            with requests.timed(f"owner adds {_LOT} works"):
                requests.works_added += self._add()
            time.sleep(max(0.0, min(_OWNER_PAUSE, until - time.monotonic())))

    def _add(self) -> int:
        """Add works and wait until they are there; how many were added."""
        _checked(self._client.post("collection/begin", json={"title": None}))
        for _ in range(_LOT):
            self._number += 1
            data = _new_picture(self._number)
            name = {"name": f"new-{self._number}.jpg", "size": len(data)}
            _checked(self._client.put("collection/file", params=name, content=data))
        _checked(self._client.post("collection/complete", json={}))
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            intake = _checked(self._client.get("collection/state")).json()["intake"]
            if intake["phase"] == "done":
                return int(intake["added"])
            if intake["phase"] in ("failed", "cancelled"):
                raise Failed(f"The works were not added: {intake['failure']}")
            time.sleep(0.2)
        raise Failed(f"The works were not added within {TIMEOUT:.0f} s.")


def search_event(url: str) -> int:
    """The number of the event that the search page sends when it is opened with a link."""
    config = httpx.get(f"{url}config", timeout=TIMEOUT).json()
    addresses = {part["id"] for part in config["components"] if part["props"].get("elem_id") == "address"}
    return next(
        int(event["id"])
        for event in config["dependencies"]
        if event["backend_fn"] and len(event["inputs"]) == 1 and event["inputs"][0] in addresses
    )


def run_together(tasks: Sequence[Callable[[], None]]) -> None:
    """Run each task in a thread of its own, until all have ended."""
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.status_code == 503 or (answer.is_error and _BUSY.search(answer.text)):
        raise Busy
    return answer.raise_for_status()


def _check_text(text: str, *, wanted: str) -> None:
    if wanted not in text:
        if _BUSY.search(text):
            raise Busy
        raise Failed(text[-200:])


def _with_comment(jpeg: bytes, comment: bytes) -> bytes:
    """A JPEG file with another segment of comment after its first two bytes."""
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def _new_picture(number: int) -> bytes:
    """A JPEG file unlike any other: soft random colours."""
    colors = np.random.default_rng(number).integers(0, 256, (7, 9, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(colors).resize((640, 480), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
