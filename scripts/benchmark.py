"""Measure speed on this machine: encoding, search, startup, page, edits, load; alternatives are measured in the same run."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import _clone  # noqa: F401

from artsim.cli.run import run_main
from artsim.errors import ArtsimError

ROOT = Path(__file__).resolve().parent.parent


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", type=Path, metavar="FILE", help="figures, machine and command as JSON")
    common.add_argument("--threads", type=int, metavar="N", help="arithmetic threads (default: the libraries' own)")
    commands = parser.add_subparsers(dest="command", required=True)

    encode = commands.add_parser("encode", parents=[common], help="pictures per second, from JPEG files to vectors")
    encode.add_argument(
        "--encoder", action="append", default=[], help="encoder to measure; may be repeated (default: embedded)"
    )
    encode.add_argument(
        "--random",
        action="append",
        default=[],
        choices=("vit-b-32", "vit-b-16", "dinov2-s", "dinov3-s", "resnet-50", "tiny"),
        help="full-size model with random weights, made on the spot: as fast as the real one (vit: CLIP; tiny: for tests)",
    )
    encode.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="JPEG files (default: the paintings of The Met)"
    )
    encode.add_argument("--works", type=int, default=174, help="largest number of pictures (default: 174)")
    encode.add_argument("--repeats", type=int, default=3, help="number of runs; the median is reported (default: 3)")
    encode.add_argument(
        "--precision",
        choices=("float32", "bf16"),
        default="float32",
        help="number format of artsim's models (default: float32)",
    )
    encode.add_argument("--alone", action="store_true", help="measure artsim only, without alternatives")

    agreement = commands.add_parser(
        "agreement", parents=[common], help="cosines and top-10 overlap of bf16 and float32; queries follow"
    )
    agreement.add_argument("--encoder", action="append", required=True, help="encoder to measure; may be repeated")
    agreement.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="JPEG files (default: the paintings of The Met)"
    )
    agreement.add_argument("--works", type=int, default=174, help="largest number of pictures (default: 174)")

    search = commands.add_parser("search", parents=[common], help="memory, milliseconds per query, and recall@10")
    search.add_argument("--sizes", default="81444", help="works, comma-separated (default: 81444)")
    search.add_argument("--plot", type=Path, metavar="FILE.svg", help="curves over the sizes (needs matplotlib)")
    search.add_argument("--queries", type=int, default=200, help="queries per figure (default: 200)")
    search.add_argument("--seed", type=int, default=12, help="seed of the works and queries (default: 12)")

    milvus = commands.add_parser(
        "milvus", parents=[common], help="Milvus Lite beside FAISS: filling, disk, memory, milliseconds per query"
    )
    milvus.add_argument("--sizes", default="10000", help="works, comma-separated (default: 10000)")
    milvus.add_argument("--queries", type=int, default=30, help="queries per figure (default: 30)")
    milvus.add_argument("--seed", type=int, default=12, help="seed of the works and queries (default: 12)")

    rehearse = commands.add_parser(
        "rehearse", parents=[common], help="ten million works on one machine: build, memory, query, recall@10"
    )
    rehearse.add_argument("--works", type=int, default=10_000_000, help="number of works (default: 10000000)")
    rehearse.add_argument("--queries", type=int, default=50, help="queries per figure (default: 50)")
    rehearse.add_argument("--seed", type=int, default=12, help="seed of the works and queries (default: 12)")
    rehearse.add_argument(
        "--folder", type=Path, metavar="DIR", help="where its files lie for as long as it runs (default: the system's)"
    )

    recognition = commands.add_parser(
        "recognition", parents=[common], help="milliseconds from a photograph to its work, beyond encoding"
    )
    recognition.add_argument("--collection", required=True, metavar="DIR", help="collection with 40 works or more")
    recognition.add_argument(
        "--works", type=int, default=81_444, help="works: those of the collection, repeated (default: 81444)"
    )
    recognition.add_argument("--queries", type=int, default=24, help="number of photographs (default: 24)")

    startup = commands.add_parser(
        "startup", parents=[common], help="seconds from `python app.py` to the page and the first answer, memory"
    )
    startup.add_argument("--app", type=Path, default=ROOT / "app.py", help="script to start (default: app.py)")
    startup.add_argument(
        "--works", type=int, metavar="N", help="serve N variants of the paintings instead, made on the spot"
    )
    startup.add_argument(
        "--random",
        choices=("vit-b-32", "vit-b-16", "tiny"),
        help="embed the paintings with such a CLIP, with random weights (see encode), instead of the embedded encoder",
    )
    startup.add_argument(
        "--starts", type=int, default=3, help="number of later starts; the median is reported (default: 3)"
    )
    startup.add_argument("--limit", type=float, default=300.0, help="seconds after which a start failed (default: 300)")

    page = commands.add_parser(
        "page", parents=[common], help="milliseconds from a dropped picture to the gallery, bytes"
    )
    page.add_argument("--collection", metavar="DIR", help="collection to serve (default: the paintings of The Met)")
    page.add_argument("--works", type=int, metavar="N", help="serve N variants of its works instead, made on the spot")
    page.add_argument(
        "--queries", type=int, default=10, help="number of dropped pictures, after one to warm up (default: 10)"
    )

    edit = commands.add_parser("edit", parents=[common], help="seconds and bytes of a change of a saved collection")
    edit.add_argument("--collection", metavar="DIR", help="collection to change a copy of (default: The Met)")
    edit.add_argument("--works", type=int, metavar="N", help="change N variants of its works instead")
    edit.add_argument("--repeats", type=int, default=5, help="number of changes; the median is reported (default: 5)")

    duplicates = commands.add_parser(
        "duplicates", parents=[common], help="seconds and memory of looking for duplicates among made-up pictures"
    )
    duplicates.add_argument("--works", type=int, default=81_444, help="number of pictures (default: 81444)")

    scaling = commands.add_parser(
        "scaling", parents=[common], help="what 10,000 to 100 million works need, computed from what others measured"
    )
    scaling.add_argument(
        "--from",
        dest="files",
        action="append",
        type=Path,
        required=True,
        metavar="FILE",
        help="what search, encode, startup, rehearse or this one wrote with --json; given again, several",
    )

    load = commands.add_parser(
        "load", parents=[common], help="errors, milliseconds and memory, with many visitors and an owner who adds works"
    )
    load.add_argument("--collection", metavar="DIR", help="collection to serve a copy of (default: The Met)")
    load.add_argument("--visitors", type=int, default=50, help="visitors at the same time (default: 50)")
    load.add_argument("--seconds", type=float, default=300.0, help="how long they stay (default: 300)")
    load.add_argument(
        "--processes",
        type=int,
        default=1,
        metavar="N",
        help="processes that serve them; the owner has one (default: 1)",
    )
    return parser.parse_args(arguments)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    if arguments.threads is not None:
        if arguments.threads < 1:
            raise ArtsimError(f"The number of threads must be at least 1; it is {arguments.threads}.")
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[name] = str(arguments.threads)  # numpy, torch and faiss read it when they are imported, below
    from benchmarking.machine import machine_facts

    machine = machine_facts()
    command = shlex.join(["python", "scripts/benchmark.py", *(sys.argv[1:] if argv is None else argv)])
    result = {"benchmark": arguments.command, "command": command, "machine": machine}
    result |= _MEASURES[arguments.command](arguments)
    if arguments.json is not None:
        from artsim.evaluation.figures_file import write_figures

        write_figures(arguments.json, result)
        print(f"Figures: {arguments.json}")
    return 0 if result.get("holds", True) else 1


def _encode(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarking.encode import measure_encoders

    encoders = arguments.encoder or ([] if arguments.random else ["embedded"])
    return measure_encoders(
        encoders,
        arguments.random,
        pictures=arguments.pictures,
        works=arguments.works,
        repeats=arguments.repeats,
        alone=arguments.alone,
        precision=arguments.precision,
    )


def _agreement(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarking.agreement import measure_agreements

    return measure_agreements(arguments.encoder, pictures=arguments.pictures, works=arguments.works)


def _search(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarking.search import measure_searches

    results = measure_searches(_sizes(arguments), queries=arguments.queries, seed=arguments.seed)
    if arguments.plot is not None:
        from benchmarking.curves import draw_searches

        draw_searches(results, arguments.plot)
        print(f"Curves: {arguments.plot}")
    return {"results": results}


def _sizes(arguments: argparse.Namespace) -> list[int]:
    try:
        return [int(size) for size in arguments.sizes.split(",") if size.strip()]
    except ValueError:
        raise ArtsimError(f"The sizes {arguments.sizes!r} cannot be read; write numbers such as 3039,81444.") from None


def _milvus(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarking.on_milvus import measure_milvus

    return {"results": measure_milvus(_sizes(arguments), queries=arguments.queries, seed=arguments.seed)}


def _rehearse(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarking.rehearse import rehearse

    figures = rehearse(arguments.works, queries=arguments.queries, seed=arguments.seed, folder=arguments.folder)
    return {"results": [figures]}


def _recognition(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarking.recognition import measure_recognition_time

    return dict(measure_recognition_time(arguments.collection, works=arguments.works, queries=arguments.queries))


def _startup(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarking.startup import measure_startup

    if arguments.works and arguments.random:
        raise ArtsimError("Give --works or --random: the variants have vectors of the embedded encoder.")
    return measure_startup(
        arguments.app,
        works=arguments.works,
        random_model=arguments.random,
        starts=arguments.starts,
        limit=arguments.limit,
    )


def _page(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarking.page import measure_page

    return measure_page(arguments.collection, works=arguments.works, queries=arguments.queries)


def _edit(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarking.edit import measure_edits

    return measure_edits(arguments.collection, works=arguments.works, repeats=arguments.repeats)


def _duplicates(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarking.duplicates import measure_duplicates

    return measure_duplicates(arguments.works)


def _scaling(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarking.scaling import compute_scaling

    return compute_scaling(arguments.files)


def _load(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarking.load import measure_load

    return measure_load(
        arguments.collection,
        visitors=arguments.visitors,
        seconds=arguments.seconds,
        processes=arguments.processes,
    )


_MEASURES = {
    "encode": _encode, "agreement": _agreement, "search": _search, "milvus": _milvus, "rehearse": _rehearse,
    "recognition": _recognition, "startup": _startup, "page": _page, "edit": _edit, "duplicates": _duplicates,
    "scaling": _scaling, "load": _load,
}  # fmt: skip


if __name__ == "__main__":
    run_main(main)
