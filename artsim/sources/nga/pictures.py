"""Fetches pictures from an IIIF image server (https://iiif.io/api/image/2.1/), verified, atomically, and only once."""

from __future__ import annotations

import io
import threading
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from artsim.errors import ImageError
from artsim.files.atomic import replacing_file
from artsim.images.decode import load_image
from artsim.web import http as web

MAX_BYTES = 30_000_000  # the largest a JPEG of 4096 x 4096 may reasonably be
MAX_SECONDS = 120.0
TRUSTED_HOSTS = ("nga.gov", "githubusercontent.com")  # the museum, and GitHub, which has its tables
GIVE_UP_AFTER = 20  # works in a row for which the server failed: it is down, or blocks us

Outcome = Literal["fetched", "already there", "failed", "not tried"]
OUTCOMES: tuple[Outcome, ...] = ("fetched", "already there", "failed", "not tried")


@dataclass(frozen=True)
class Download:
    """One picture to fetch: the id of its work, its address, and its target file."""

    id: str
    url: str
    path: Path


@dataclass(frozen=True)
class Result:
    id: str
    outcome: Outcome
    reason: str = ""
    server_failed: bool = False


def image_url(iiif_url: str, size: int) -> str:
    """The address of the picture that fits a square of `size` pixels, aspect ratio kept."""
    return f"{iiif_url.rstrip('/')}/full/!{size},{size}/0/default.jpg"


def check_address(url: str) -> None:
    """Raise `web.FetchError` unless `url` is an address of the museum over https, or of this machine.

    Tables are not trusted: they cannot direct requests to other servers.
    """
    address = web.parse(url)
    if address.query or address.fragment:
        raise web.FetchError(f"'{url[:200]}' is not an IIIF address")
    if not (web.is_trusted(address, TRUSTED_HOSTS) or web.is_this_machine(address)):
        raise web.FetchError(f"{address.scheme}://{address.host} is not a server of the museum")


def check_jpeg(data: bytes, *, size: int) -> None:
    """Raise `ImageError` unless `data` is a complete, decodable JPEG of at most `size` pixels per side."""
    if data[:64].lstrip()[:1] == b"<":
        raise ImageError("the response is a web page instead of a picture")
    if not data.startswith(b"\xff\xd8\xff"):
        raise ImageError(f"the response is not a JPEG ({len(data):,} bytes)")
    if b"\xff\xd9" not in data[-1024:]:
        raise ImageError(f"the JPEG is cut off after {len(data):,} bytes")
    width, height = load_image(data, name="the JPEG").size
    if max(width, height) > size + 1:  # + 1: servers round the shorter side up or down
        raise ImageError(f"the picture is {width} x {height} pixels where at most {size} were requested")


def fetch_images(
    downloads: Iterable[Download], *, client: web.WebClient, workers: int, size: int
) -> Generator[Result, None, None]:
    """Fetch all pictures; yields results as they complete. Existing complete files are not fetched again.

    After `GIVE_UP_AFTER` works in a row for which the server failed, the rest is not tried. Raises `SourceError` when a
    file cannot be written.
    """
    failed_in_a_row, lock = 0, threading.Lock()

    def fetch(download: Download) -> Result:
        nonlocal failed_in_a_row
        result = _fetch(download, client, size)
        with lock:  # here, and not where results are taken: that may be long after
            failed_in_a_row = failed_in_a_row + 1 if result.server_failed else 0
            if failed_in_a_row == GIVE_UP_AFTER:
                client.stop()
        return result

    executor = ThreadPoolExecutor(workers, thread_name_prefix="iiif")
    try:
        for future in as_completed([executor.submit(fetch, download) for download in downloads]):
            yield future.result()
    finally:  # also when the caller is interrupted: no thread keeps running
        client.stop()
        executor.shutdown(cancel_futures=True)


def _fetch(download: Download, client: web.WebClient, size: int) -> Result:
    if _is_whole(download.path, size):
        return Result(download.id, "already there")
    buffer = io.BytesIO()
    try:
        check_address(download.url)
        client.download(download.url, buffer, max_bytes=MAX_BYTES, max_seconds=MAX_SECONDS)
        check_jpeg(buffer.getvalue(), size=size)
    except web.Stopped:
        return Result(download.id, "not tried", "not tried: the server failed on too many works in a row")
    except web.FetchError as error:
        return Result(download.id, "failed", str(error), server_failed=error.temporary)
    except ImageError as error:
        return Result(download.id, "failed", str(error))
    with replacing_file(download.path) as file:
        file.write(buffer.getvalue())
    return Result(download.id, "fetched")


def _is_whole(path: Path, size: int) -> bool:
    try:
        check_jpeg(path.read_bytes(), size=size)
    except (ImageError, OSError):
        return False  # fetched again
    return True
