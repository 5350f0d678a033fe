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
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from artsim.errors import CollectionError, SourceError
from artsim.files.atomic import replacing_file
from artsim.sources.nga import open_data, pictures
from artsim.web import http as web

CSV_BASE_URL = "https://raw.githubusercontent.com/NationalGalleryOfArt/opendata/main/data"
CSV_MAX_BYTES = 500_000_000  # GitHub holds no file over 100 MB
CSV_MAX_SECONDS = 3600.0
WORKS_PER_FOLDER = 10_000
FAILURES_SHOWN = 10


@dataclass(frozen=True)
class Options:
    """Options of `artsim prepare-nga`; its --help explains each of them."""

    data: Path
    out: Path
    classification: str = "painting"
    limit: int | None = None
    size: int = 640
    workers: int = 4
    download: bool = False
    csv_base_url: str = CSV_BASE_URL
    iiif_base: str | None = None
    retry_wait: float = 1.0


@dataclass(frozen=True)
class Report:
    """Outcome of a run: one result for each selected work, and how many others had no open-access picture."""

    results: tuple[pictures.Result, ...]
    without_picture: int

    def count(self, outcome: pictures.Outcome) -> int:
        return sum(result.outcome is outcome for result in self.results)

    @property
    def in_place(self) -> int:
        return self.count(pictures.Outcome.FETCHED) + self.count(pictures.Outcome.ALREADY_THERE)

    @property
    def failures(self) -> list[pictures.Result]:
        return [result for result in self.results if result.outcome is pictures.Outcome.FAILED]

    @property
    def problem(self) -> str | None:
        """Why the run failed, as a message; None if every picture was tried and at most half of them failed."""
        works = len(self.results)
        if not self.in_place:
            return f"None of the {works:,} pictures could be fetched."
        if not_tried := self.count(pictures.Outcome.NOT_TRIED):
            tries = pictures.GIVE_UP_AFTER
            return f"The server failed on {tries} works in a row, so {not_tried:,} were not tried. Run it again later."
        if 2 * len(self.failures) > works:
            return f"More than half of the pictures could not be fetched ({len(self.failures):,} of {works:,})."
        return None

    def as_json(self) -> dict[str, object]:
        """The content of report.json."""
        return {
            "works": len(self.results),
            **{outcome.name.lower(): self.count(outcome) for outcome in pictures.Outcome},
            "without_open_access_picture": self.without_picture,
            "failures": [{"id": result.id, "reason": result.reason} for result in self.failures],
        }


def run(options: Options) -> int:
    """Prepare the folder and print a summary; the exit code is 0, 1 (too many failures), 2 (cannot start) or 130 (stopped)."""
    try:
        report = prepare(options)
    except (SourceError, CollectionError) as error:
        print(f"prepare_nga: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("prepare_nga: stopped. Run the same command again to resume.", file=sys.stderr)
        return 130
    _print_summary(report, options.out)
    return 1 if report.problem else 0


def prepare(options: Options) -> Report:
    """Read the tables, fetch the pictures, write report and metadata.

    Raises `SourceError`, or `CollectionError` when a file cannot be written.
    """
    for name, base in (("--csv-base-url", options.csv_base_url), ("--iiif-base", options.iiif_base)):
        try:
            web.parse(base or CSV_BASE_URL)
        except web.FetchError as error:
            raise SourceError(f"{name}: {error}.") from None
    with web.WebClient(
        workers=options.workers,
        purpose="prepares the National Gallery of Art's open data",
        trusted=pictures.TRUSTED_HOSTS,
        retry_wait=options.retry_wait,
    ) as client:
        if options.download:
            download_tables(options.data, client=client, base_url=options.csv_base_url)
        print(f"Reading the museum's tables in {options.data}", flush=True)  # takes some seconds
        selection = open_data.read_works(options.data, classification=options.classification, limit=options.limit)
        results = _fetch(selection.works, options, client)
    report = Report(results, selection.without_picture)
    _write_json_lines(options.out / "report.json", [report.as_json()], indent=2)
    in_place = {
        result.id for result in results if result.outcome in (pictures.Outcome.FETCHED, pictures.Outcome.ALREADY_THERE)
    }
    if in_place:
        rows = [_metadata(work, options.size) for work in selection.works if work.id in in_place]
        _write_json_lines(options.out / "metadata.jsonl", rows)
    return report


def download_tables(folder: Path, *, client: web.WebClient, base_url: str = CSV_BASE_URL) -> None:
    """Fetch those of the three tables that `folder` lacks, each atomically. Raises `SourceError`."""
    for name in (open_data.OBJECTS, open_data.IMAGES, open_data.TERMS):
        path = folder / name
        if path.exists():
            print(f"{path} is already there; delete it to fetch the museum's latest.")
            continue
        url = f"{base_url.rstrip('/')}/{name}"
        print(f"Fetching {url}", flush=True)
        try:
            with replacing_file(path) as file:
                client.download(url, file, max_bytes=CSV_MAX_BYTES, max_seconds=CSV_MAX_SECONDS)
                file.seek(0)
                open_data.check_first_line(path, file.readline(10_000))
        except web.FetchError as error:
            raise SourceError(f"{url} could not be fetched: {error}.") from None


def _fetch(works: Sequence[open_data.NgaWork], options: Options, client: web.WebClient) -> tuple[pictures.Result, ...]:
    """One result per work, in the order of `works`."""
    results: dict[str, pictures.Result] = {}
    downloads = []
    for work in works:
        try:
            base = pictures.resolve_base(work.image.iiif_url, base=options.iiif_base)
        except web.FetchError as error:
            results[work.id] = pictures.Result(work.id, pictures.Outcome.FAILED, str(error))
        else:
            path = options.out / _file_name(work, options.size)
            downloads.append(pictures.Download(work.id, pictures.image_url(base, options.size), path))
    fetching = pictures.fetch_images(downloads, client=client, workers=options.workers, size=options.size)
    with closing(fetching), tqdm(total=len(downloads), desc="pictures", unit="work", mininterval=0.5) as bar:
        for result in fetching:
            results[result.id] = result
            bar.update()
    return tuple(results[work.id] for work in works)


def _file_name(work: open_data.NgaWork, size: int) -> str:
    digest = hashlib.sha256(pictures.image_url(work.image.iiif_url, size).encode()).hexdigest()[:8]
    return f"images/{work.object_id // WORKS_PER_FOLDER:04}/{work.id}-{digest}.jpg"


def _metadata(work: open_data.NgaWork, size: int) -> dict[str, object]:
    return {
        "file_name": _file_name(work, size),
        **work.columns(),
        "image_url": pictures.image_url(work.image.iiif_url, size),
    }


def _write_json_lines(path: Path, rows: Sequence[dict[str, object]], *, indent: int | None = None) -> None:
    with replacing_file(path) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False, indent=indent).encode() + b"\n")


def _print_summary(report: Report, out: Path) -> None:
    """Print how many pictures were fetched, and the first failures with their reasons."""
    counts = Counter(result.outcome for result in report.results)
    outcomes = [f"{counts[outcome]:,} {outcome.value}" for outcome in pictures.Outcome if counts[outcome]]
    print(f"{len(report.results):,} works: {', '.join(outcomes)}. The folder is {out}.")
    if report.without_picture:
        print(f"{report.without_picture:,} more works of this classification have no open-access picture.")
    for result in report.failures[:FAILURES_SHOWN]:
        print(f"  {result.id}: {result.reason}")
    if len(report.failures) > FAILURES_SHOWN:
        print(f"  and {len(report.failures) - FAILURES_SHOWN:,} more, all in {out / 'report.json'}")
    if report.problem:
        print(f"prepare_nga: {report.problem}", file=sys.stderr)
