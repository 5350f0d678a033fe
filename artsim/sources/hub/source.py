"""Works from any Hub dataset with pictures, such as `huggan/wikiart`, streamed: only rows in use are fetched.

Rows are written by strangers: a picture comes as bytes or as a file of the dataset itself; an address is fetched only where
the owner says so, and nothing else is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from artsim.errors import ImageError, SourceError
from artsim.sources.fetched_pictures import FetchedPictures
from artsim.sources.hub.columns import first_picture, use_columns
from artsim.sources.hub.files import OwnFiles
from artsim.sources.hub.stream import open_stream, reading
from artsim.sources.protocol import Source, Work
from artsim.web.http import TIMEOUT_S, WebClient, is_address
from artsim.web.hub_client import with_retries

_SAMPLE = 20  # rows that are looked at where features do not tell what a column holds
_RETRIES = 2  # of a picture on another server: in large datasets many are gone


def open_hub(
    name: str, *, config: str | None = None, image_column: str | None = None, fetch_images: bool = False
) -> Source:
    """`REPO`, `REPO:SPLIT` or `REPO:SPLIT@REVISION`. `SourceError` when it cannot be read or has no image column.

    `config` and `image_column` choose where there are several; `fetch_images` fetches pictures from addresses in rows.
    """
    name, _, revision = name.partition("@")
    repo, _, split = name.partition(":")
    info = _repo_info(repo, revision or None)
    own = OwnFiles(repo, info.sha, tuple(file.rfilename for file in info.siblings or ()))
    stream = open_stream(own, config, split or None)
    sample = (row for _, row in zip(range(_SAMPLE), stream.rows(0), strict=False))
    columns = use_columns(stream.features, sample, repo=repo, wanted=image_column, fetches=fetch_images)
    from datasets import Value

    features = {"id": Value("string"), **columns.metadata_features()}
    elsewhere = FetchedPictures(_client(repo), is_online=partial(_answers, repo)) if fetch_images else None

    def works(start: int) -> Iterator[Work]:
        for number, row in enumerate(stream.rows(start), start):
            name = f"{stream.split}-{number}"
            picture = _picture(row.get(columns.image), name, own, elsewhere)
            yield {**columns.metadata(row), "id": name, "image": picture}

    options = [f" {word}" for word in (config, image_column) if word]
    return Source(
        name=f"hub:{repo}:{stream.split}",
        title=repo.split("/")[-1].replace("-", " ").replace("_", " "),
        works=works,
        features=features,
        fingerprint=f"{repo}:{stream.split}@{info.sha}{''.join(options)}",
        size=stream.size,
        license=_license(info),
        homepage=f"https://huggingface.co/datasets/{repo}",
        has_urls="image_url" in features,
        remote=True,
        notes=(*stream.notes, *columns.notes()),
        seekable=stream.seekable,
    )


def _client(repo: str) -> WebClient:
    return WebClient(workers=2, purpose=f"reads the dataset {repo}", retries=_RETRIES, public_only=True)


def _repo_info(repo: str, revision: str | None) -> Any:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError

    try:
        with reading(repo):
            return HfApi().dataset_info(repo, revision=revision, timeout=TIMEOUT_S)
    except HFValidationError as error:
        raise SourceError(f"{repo!r} is not a Hub dataset id; give NAMESPACE/NAME, such as huggan/wikiart.") from error


def _answers(repo: str) -> bool:
    """Whether the Hub can be reached."""
    try:
        return bool(_repo_info(repo, None))
    except SourceError:
        return False


def _picture(value: Any, name: str, own: OwnFiles, elsewhere: FetchedPictures | None) -> dict[str, Any] | None:
    """The picture of a row for `read_picture`. A path is followed only when the picture is read."""
    data, path = first_picture(value)
    if data:
        return {"bytes": data}
    return {"read": partial(_fetch, own, elsewhere, path, name)} if path else None


def _fetch(own: OwnFiles, elsewhere: FetchedPictures | None, path: str, name: str) -> bytes:
    """The file of the dataset at `path`, or what `elsewhere` fetches from this address. `ImageError` for all others."""
    if elsewhere and is_address(path):
        return elsewhere.read(path, name=name)
    if is_address(path):
        raise ImageError(
            "{work} names {path!r} in place of its picture, which is not read: addresses need --fetch-images.",
            work=name,
            path=path[:200],
        )
    return with_retries(lambda: own.read(path, name=name), f"reading the dataset {own.repo}", SourceError)


def _license(info: Any) -> str:
    card = info.card_data
    license = card.get("license") if card else None
    return (license[0] if isinstance(license, list) and license else license) or "unknown"
