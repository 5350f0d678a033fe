"""Converts the museum's tables to a Hugging Face `imagefolder`: pictures, `report.json` and `metadata.jsonl`.

    images/0004/nga-46114-1f0c2a9b.jpg     10,000 object numbers per folder, so never more than 10,000 files
    report.json                            how many works were fetched, already there or failed, and why
    metadata.jsonl                         one line for each picture in place; written last, when the folder is complete

The eight characters are a digest of the picture's address: another size or a new photograph gets another file, so a
stopped run can resume without a record of its progress. `metadata.jsonl` lists the files that belong to the collection.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from artsim.errors import SourceError
from artsim.files.atomic import replacing_file
from artsim.sources.nga.open_data import NgaWork, read_works
from artsim.sources.nga.pictures import (
    GIVE_UP_AFTER,
    OUTCOMES,
    TRUSTED_HOSTS,
    Download,
    Outcome,
    Result,
    fetch_images,
    image_url,
)
from artsim.sources.nga.rows import IMAGES, OBJECTS, TERMS, read_header
from artsim.web.http import FetchError, WebClient

CSV_BASE_URL = "https://raw.githubusercontent.com/NationalGalleryOfArt/opendata/main/data"
CSV_MAX_BYTES = 500_000_000  # GitHub holds no file over 100 MB
CSV_MAX_SECONDS = 3600.0
WORKS_PER_FOLDER = 10_000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Report:
    """Outcome of a run: one result for each selected work, how many others had no open-access picture, and malformed rows."""

    results: tuple[Result, ...]
    without_picture: int
    malformed: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[Outcome, int]:
        return {outcome: sum(result.outcome == outcome for result in self.results) for outcome in OUTCOMES}

    @property
    def in_place(self) -> set[str]:
        """The ids of the works whose picture is in the folder."""
        return {result.id for result in self.results if result.outcome in ("fetched", "already there")}

    @property
    def failures(self) -> list[Result]:
        return [result for result in self.results if result.outcome == "failed"]

    @property
    def problem(self) -> str | None:
        """Why the run failed, as a message; None if every picture was tried and at most half of them failed."""
        works = len(self.results)
        if not self.in_place:
            return f"None of the {works:,} pictures could be fetched."
        if not_tried := self.counts["not tried"]:
            return (
                f"The server failed on {GIVE_UP_AFTER} works in a row, so {not_tried:,} were not tried. "
                "Run it again later."
            )
        if 2 * len(self.failures) > works:
            return f"More than half of the pictures could not be fetched ({len(self.failures):,} of {works:,})."
        return None

    def as_json(self) -> dict[str, object]:
        """The content of report.json."""
        return {
            "works": len(self.results),
            **{outcome.replace(" ", "_"): count for outcome, count in self.counts.items()},
            "without_open_access_picture": self.without_picture,
            "malformed_rows": list(self.malformed),
            "failures": [{"id": result.id, "reason": result.reason} for result in self.failures],
        }


def prepare(
    data: Path,
    out: Path,
    *,
    classification: str = "painting",
    limit: int | None = None,
    size: int = 640,
    workers: int = 4,
    download: bool = False,
    retry_wait: float = 1.0,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Read the tables in `data`, fetch the pictures, write report and metadata into `out`. Raises `SourceError`.

    `download` first fetches the tables that `data` lacks. `progress` is called with the number of pictures done and of
    all; `retry_wait` is in seconds. `artsim prepare-nga --help` explains the others.
    """
    with WebClient(
        workers=workers,
        purpose="prepares the National Gallery of Art's open data",
        trusted=TRUSTED_HOSTS,
        retry_wait=retry_wait,
    ) as client:
        if download:
            _download_tables(data, client)
        log.info("Reading the museum's tables in %s", data)  # takes some seconds
        works, without_picture, malformed = read_works(data, classification=classification, limit=limit)
        downloads = [Download(work.id, image_url(work.iiif_url, size), out / _file_name(work, size)) for work in works]
        results: dict[str, Result] = {}
        with closing(fetch_images(downloads, client=client, workers=workers, size=size)) as fetching:
            for result in fetching:
                results[result.id] = result
                if progress:
                    progress(len(results), len(downloads))
    report = Report(tuple(results[work.id] for work in works), without_picture, tuple(malformed))
    _write_json_lines(out / "report.json", [report.as_json()], indent=2)
    if report.in_place:
        rows = [_metadata(work, size) for work in works if work.id in report.in_place]
        _write_json_lines(out / "metadata.jsonl", rows)
    return report


def _download_tables(folder: Path, client: WebClient) -> None:
    """Fetch those of the three tables that `folder` lacks, each atomically. Raises `SourceError`."""
    for name in (OBJECTS, IMAGES, TERMS):
        path, url = folder / name, f"{CSV_BASE_URL}/{name}"
        if path.exists():
            log.info("%s is already there; delete it to fetch the museum's latest.", path)
            continue
        log.info("Fetching %s", url)
        try:
            with replacing_file(path) as file:
                client.download(url, file, max_bytes=CSV_MAX_BYTES, max_seconds=CSV_MAX_SECONDS)
                file.seek(0)
                read_header(path, file.readline(10_000).decode("utf-8-sig", "replace"))  # it may be a web page
        except FetchError as error:
            raise SourceError(f"{url} could not be fetched: {error}.") from None


def _file_name(work: NgaWork, size: int) -> str:
    digest = hashlib.sha256(image_url(work.iiif_url, size).encode()).hexdigest()[:8]
    return f"images/{work.number // WORKS_PER_FOLDER:04}/{work.id}-{digest}.jpg"


def _metadata(work: NgaWork, size: int) -> dict[str, object]:
    return {"file_name": _file_name(work, size), **work.columns, "image_url": image_url(work.iiif_url, size)}


def _write_json_lines(path: Path, rows: Sequence[dict[str, object]], *, indent: int | None = None) -> None:
    with replacing_file(path) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False, indent=indent).encode() + b"\n")
