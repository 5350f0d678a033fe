"""Works from IIIF manifests: each page with a picture is a work; its picture is fetched when it is read."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from artsim.errors import ImageError, SourceError
from artsim.sources.fetched_pictures import FetchedPictures
from artsim.sources.iiif.documents import Documents
from artsim.sources.iiif.image_api import IiifImage
from artsim.sources.iiif.presentation import OWN_COLUMNS, Page, pages
from artsim.sources.protocol import Source, Work
from artsim.web.http import FetchError, is_address

_MAX_COLUMNS = 60  # of `metadata`: the most frequent ones; a few manifests have hundreds of odd ones
_SHOWN = 20  # documents that are left out


@dataclass(frozen=True)
class _Illustrated:
    """A page with a picture."""

    columns: dict[str, str]
    image: IiifImage


def open_iiif(start: str) -> Source:
    """The works of a manifest, a collection or a list of them, at an address or in a file.

    All manifests are read now, politely; answers are kept in artsim's cache for a week. Raises `SourceError` when `start`
    cannot be read, a server is down, or no page has a picture.
    """
    documents = Documents(start)
    found: dict[str, _Illustrated] = {}
    manifests = empty = 0
    for manifest in documents.manifests():
        manifests += 1
        for page in pages(manifest):
            if page.image is None:
                empty += 1
            else:
                found.setdefault(_id(page), _Illustrated(page.columns, page.image))
    if not found:
        raise SourceError(f"{start} names no page with a picture. {' '.join(documents.left_out[:_SHOWN])}".strip())
    columns, left_out = _columns(found.values())
    fetched = FetchedPictures(documents.client, cache=documents.cache)
    from datasets import Value

    def works(first: int) -> Iterator[Work]:
        for identity, page in itertools.islice(found.items(), first, None):
            metadata = {name: page.columns.get(name) for name in columns}
            image = {"read": partial(_read, fetched, page.image, identity)}
            yield {**metadata, "image_url": page.image.address(), "id": identity, "image": image}

    names = ["id", *columns, "image_url"]
    return Source(
        name=f"iiif:{start}",
        title=documents.title or re.split(r"[/\\]", start.rstrip("/"))[-1],
        works=works,
        features={name: Value("string") for name in names},
        fingerprint=_fingerprint(found),
        size=len(found),
        license=_license(found.values()),
        homepage=start if is_address(start) else "",
        has_urls=True,
        remote=True,
        notes=tuple(_notes(manifests, len(found), empty, columns, left_out, documents.left_out)),
    )


def _read(fetched: FetchedPictures, image: IiifImage, name: str) -> bytes:
    """The picture at the size needed; if the service refuses that, the file that the manifest names."""
    address = _listed_address(fetched, image, name) if image.lists_sizes else image.address()
    try:
        return fetched.read(address, name=name)
    except ImageError as error:
        if _passes(error) or image.file in ("", address):
            raise
        return fetched.read(image.file, name=name)


def _listed_address(fetched: FetchedPictures, image: IiifImage, name: str) -> str:
    try:
        return image.listed_address(json.loads(fetched.read(f"{image.service}/info.json", name=name)))
    except (ValueError, RecursionError):  # no JSON
        return image.address()
    except ImageError as error:
        if _passes(error):
            raise
        return image.address()


def _passes(error: ImageError) -> bool:
    """Whether the server may give the picture later."""
    return isinstance(error.__cause__, FetchError) and error.__cause__.temporary


def _id(page: Page) -> str:
    """An id that stays as other manifests come and go."""
    return f"iiif-{hashlib.sha256(page.id.encode(errors='replace')).hexdigest()[:16]}"


def _columns(found: Collection[_Illustrated]) -> tuple[list[str], list[str]]:
    """The names of the metadata columns, and of those that are too many."""
    counts = Counter(name for page in found for name in page.columns)
    metadata = [name for name, _ in counts.most_common() if name not in OWN_COLUMNS]
    return [name for name in OWN_COLUMNS if name in counts] + metadata[:_MAX_COLUMNS], metadata[_MAX_COLUMNS:]


def _fingerprint(found: Mapping[str, _Illustrated]) -> str:
    digest = hashlib.sha256()
    for identity, page in found.items():
        digest.update(json.dumps([identity, page.image.address(), page.columns], sort_keys=True).encode())
    return digest.hexdigest()


def _license(found: Collection[_Illustrated]) -> str:
    """The licence as the Hub spells it, if all works have the same Creative Commons one."""
    licenses = {_creative_commons(page.columns.get("license", "").lower()) for page in found}
    return licenses.pop() if len(licenses) == 1 else "unknown"


def _creative_commons(address: str) -> str:
    found = re.search(r"creativecommons\.org/(licenses|publicdomain)/([a-z-]+)/([0-9.]+)", address)
    if found and found[1] == "licenses":
        return f"cc-{found[2]}-{found[3]}"
    return "cc0-1.0" if found and found[2] == "zero" else "unknown"


def _notes(
    manifests: int, works: int, empty: int, columns: list[str], left_out: list[str], unread: list[str]
) -> Iterator[str]:
    """What was found, and how it is used, as sentences."""
    pages_without = f"; {empty:,} pages have no picture and are left out" if empty else ""
    yield f"{manifests:,} manifests; each of their {works:,} pages with a picture is a work{pages_without}."
    yield f"Columns: {', '.join(columns)}."
    if left_out:
        yield f"Columns left out, as more than {_MAX_COLUMNS} are too many: {', '.join(left_out[:20])}."
    if unread:
        yield f"Documents left out: {len(unread):,}. {'; '.join(unread[:_SHOWN])}."
