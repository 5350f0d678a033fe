"""Say what artsim sees in a folder, a table, a dataset or a collection, before anything is built.

Every picture is opened. The exit code is 1 if a build would leave something out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artsim.building.progress_bar import ProgressBar
from artsim.cli.source_options import add_choice_arguments, choices_of

if TYPE_CHECKING:
    from artsim.building.inspection import PictureKind, SourceReport
    from artsim.sources import LeftOut, Source

HELP = "say what artsim sees in a source, before it is built"
_NAMED = 3  # examples of what is left out, and of duplicates


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="what build --source takes, a metadata table, or a folder or id of a collection",
    )
    add_choice_arguments(parser)
    parser.add_argument("--limit", type=int, help="only the first LIMIT works (default: all; of a Hub dataset, 1000)")
    parser.add_argument("--json", action="store_true", help="print it as JSON, with all names")


def run(arguments: argparse.Namespace) -> int:
    from artsim.building.inspection import inspect_source
    from artsim.building.pipeline import check_limit

    check_limit(arguments.limit)
    source = open_inspected(arguments.source, **choices_of(arguments))
    with closing(ProgressBar("Inspecting")) as bar:
        report = inspect_source(source, open_pictures=True, limit=arguments.limit, progress=bar)
    print(json.dumps(as_json(report), indent=2, ensure_ascii=False) if arguments.json else as_text(report))
    return 0 if report.is_complete else 1


def open_inspected(name: str, **choices: Any) -> Source:
    """The source `name`; the folder around a table; the works of a collection. Raises `SourceError` and others.

    `choices`: the keywords of `open_source`.
    """
    from artsim.opening import folder_of, open_collection
    from artsim.sources import open_source
    from artsim.storage.manifest import FILE_NAME

    path = Path(name).expanduser()
    if path.is_file():
        return open_source(f"folder:{path.parent}", **choices)
    if (path / FILE_NAME).is_file() or (folder_of(name) is None and ":" not in name):
        return _works_of(open_collection(name))
    return open_source(name, **choices)


def _works_of(collection: Any) -> Source:
    """The works of a collection as a source."""
    from artsim.sources import Source, Work

    manifest = collection.manifest

    def works(start: int) -> Iterator[Work]:
        for identity in collection.ids[start:]:
            read = {"read": lambda identity=identity: collection.picture(identity)}
            yield {**collection.work(identity), "image": read if manifest.embeds_pictures else None}

    return Source(
        name=str(manifest.source.get("name") or "a collection"),
        title=manifest.title,
        works=works,
        features=dict(collection.state.schema),
        fingerprint="",
        size=len(collection),
        license=manifest.license,
    )


def as_json(report: SourceReport) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "source": report.source.name,
        "title": report.source.title,
        "works": report.total if report.total is not None else report.source.size,
        "inspected": report.inspected,
        "opened": report.opened,
        "pictures": [
            {
                "format": name,
                "count": kind.count,
                "bytes": kind.bytes,
                "smallest": kind.smallest,
                "largest": kind.largest,
            }
            for name, kind in report.kinds.items()
        ],
        "left_out": [
            {
                "kind": item.kind,
                "count": len(item.names),
                "advice": item.advice,
                "expected": item.expected,
                "names": list(item.names),
                "reasons": {name: report.reasons[name] for name in item.names if name in report.reasons},
            }
            for item in report.left_out
        ],
        "columns": [
            {
                "name": column.name,
                "type": column.type,
                "roles": list(column.roles),
                "missing": column.missing,
                "examples": list(column.examples),
            }
            for column in report.columns
        ],
        "notes": list(report.source.notes),
        "license": report.source.license,
        "rights": report.rights,
        "duplicates": report.duplicates,
    }


def as_text(report: SourceReport) -> str:
    """The lines that people read."""
    source, total = report.source, report.total
    of = f" of {total:,}" if total is not None and total != report.inspected else ""
    lines = [
        f"Source      {_plain(source.name)}: {_plain(source.title)}",
        f"Works       {report.inspected:,}{of} inspected",
        *_block("Pictures", [_kind_line(name, kind) for name, kind in report.kinds.items()]),
        *_block(
            "Left out", [_left_out_line(report, item) for item in report.left_out if not item.expected] or ["nothing"]
        ),
        *_block("Ignored", [f"{item.kind}: {len(item.names):,}" for item in report.left_out if item.expected]),
        *_block("Notes", list(map(_plain, source.notes))),
        *_block("Columns", _column_lines(report)),
        *_block("Rights", [source.license, *_rights_lines(report)]),
        *_block("Duplicates", _duplicate_lines(report)),
    ]
    if not report.opened:
        lines.append("            Pictures are opened as they are embedded; artsim inspect opens them all beforehand.")
    return "\n".join(lines)


def _block(heading: str, lines: list[str]) -> list[str]:
    """Lines under one heading, which stands beside the first of them."""
    return [f"{heading if number == 0 else '':<12}{line}" for number, line in enumerate(lines)]


def _kind_line(name: str, kind: PictureKind) -> str:
    sides = [f"{size[0]} x {size[1]}" for size in (kind.smallest, kind.largest) if size is not None]
    sizes = f", {' to '.join(dict.fromkeys(sides))} pixels" if sides else ""
    return f"{name} {kind.count:,} ({_size(kind.bytes)}{sizes})"


def _left_out_line(report: SourceReport, item: LeftOut) -> str:
    """With its advice; where there is none, with the reasons that are known."""
    reasons = {} if item.advice else report.reasons
    more = f" and {len(item.names) - _NAMED:,} more" if len(item.names) > _NAMED else ""
    if item.names[0] in reasons:
        named = " ".join(_plain(reasons.get(name, name)) for name in item.names[:_NAMED]) + more
    else:
        named = f"{', '.join(map(_plain, item.names[:_NAMED]))}{more}."
    return f"{item.kind}: {len(item.names):,}. {named} {item.advice}".rstrip()


def _column_lines(report: SourceReport) -> list[str]:
    rows = [
        (
            _plain(column.name),
            column.type,
            ", ".join(column.roles) or "shown",
            "" if column.missing is None else f"{column.missing:.0%} missing" if column.missing else "complete",
            " | ".join(map(_plain, column.examples)),
        )
        for column in report.columns
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(4)] if rows else []
    return ["  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[4]]) for row in rows]


def _rights_lines(report: SourceReport) -> list[str]:
    return [
        f"{column}: " + ", ".join(f"{_plain(value) or 'none'} {count:,}" for value, count in list(values.items())[:5])
        for column, values in report.rights.items()
    ]


def _duplicate_lines(report: SourceReport) -> list[str]:
    if not report.duplicates:
        return []
    same = sum(map(len, report.duplicates))
    shown = [
        " = ".join(map(_plain, group[:_NAMED])) + (f" = {len(group) - _NAMED:,} more" if len(group) > _NAMED else "")
        for group in report.duplicates[:_NAMED]
    ]
    more = f" and {len(report.duplicates) - _NAMED:,} more" if len(report.duplicates) > _NAMED else ""
    return [f"{same:,} works have the same picture file as another: {'; '.join(shown)}{more}"]


def _plain(text: str) -> str:
    """A text of the source without new lines and other characters that a terminal would act on."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def _size(size: int) -> str:
    unit, name = next(((unit, name) for unit, name in ((1e9, "GB"), (1e6, "MB")) if size >= unit), (1e3, "kB"))
    return f"{size / unit:,.1f} {name}"
