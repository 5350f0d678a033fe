"""Build a collection: source -> encoders -> dataset with its index, and publish it on the Hub if told to.

Run again after an interruption, it goes on. What it needs from the Hub for publishing is checked before any work starts.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from artsim.building.progress_bar import ProgressBar
from artsim.cli.source_options import add_source_arguments, open_given_source

if TYPE_CHECKING:
    from artsim.building.pipeline import Engine
    from artsim.sources import Source

HELP = "build a collection of pictures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source_arguments(parser)
    parser.add_argument(
        "--encoder",
        action="append",
        help="auto, embedded, a Hub model id, or a folder with a model (default: auto); several if given again",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "bf16"),
        default="float32",
        help="number format in which encoders compute, but the embedded one (default: float32)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the collection")
    parser.add_argument("--limit", type=int, help="only the first LIMIT works")
    parser.add_argument("--images", choices=("bytes", "urls"), default="bytes", help="keep pictures, or only addresses")
    parser.add_argument(
        "--regions",
        action="store_true",
        help="keep vectors of regions of each work, to find details in (2.2 kB a work)",
    )
    parser.add_argument(
        "--keep-margins",
        action="store_true",
        help="also search by uniform mounts and black borders (default: vectors leave them out)",
    )
    parser.add_argument(
        "--no-recognition",
        action="store_true",
        help="leave out what works are recognised by in photographs (256 bytes a work; 15 kB with --images urls)",
    )
    parser.add_argument(
        "--index",
        default="faiss",
        metavar="INDEX",
        help="where it is searched: faiss, or milvus:URI with http://HOST:19530, or FILE.db (default: faiss)",
    )
    parser.add_argument("--device", help="where the encoders run: cpu, cuda, cuda:1, mps (default: the fastest)")
    parser.add_argument(
        "--batch-size", type=int, metavar="N", help="pictures that a model takes at once, at most (default: by device)"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="threads that embed (default: one for each core, of 2 to 8)"
    )
    parser.add_argument(
        "--engine",
        metavar="ray[:ADDRESS]",
        help="embed on Ray: on this machine, on the cluster that runs here (ray:auto), or at HOST:PORT; --workers is then the "
        "cores of each of its workers (docs/scaling.md)",
    )
    parser.add_argument("--title", help="title of the collection (default: the source's)")
    parser.add_argument("--license", help="licence of the works, as the Hub spells it, for example cc0-1.0")
    parser.add_argument("--push-to", metavar="NAMESPACE/NAME", help="publish it as this dataset on the Hub")
    parser.add_argument(
        "--private", action="store_true", help="with --push-to: only you and those you let in can see it"
    )
    parser.add_argument("--figures", type=Path, help="with --push-to: what evaluate.py --json wrote, for the card")


def run(arguments: argparse.Namespace) -> int:
    if arguments.push_to is None and (arguments.private or arguments.figures):
        raise argparse.ArgumentError(
            None, "--private and --figures are about publishing; they need --push-to NAMESPACE/NAME"
        )
    if arguments.engine is not None and arguments.device is not None:
        raise argparse.ArgumentError(
            None, "--device is about this machine; the workers of --engine take the GPUs that they find"
        )
    from artsim.building.embedded_batches import count_workers
    from artsim.building.pipeline import check_limit
    from artsim.building.ray_engine import open_engine
    from artsim.cli.publish import publish_folder, read_figures_file
    from artsim.embedding.vector_columns import check_given_once
    from artsim.encoders.load_options import check_load_options
    from artsim.hub import check_license, check_publication
    from artsim.index.registry import milvus_of

    check_limit(arguments.limit)
    milvus_of(arguments.index)
    count_workers(arguments.workers)
    check_load_options(device=arguments.device, batch_size=arguments.batch_size)
    check_given_once((name, "") for name in arguments.encoder or ())
    engine = None
    if arguments.engine is not None:
        engine = open_engine(arguments.engine, threads=arguments.workers, batch_size=arguments.batch_size)
    figures = read_figures_file(arguments.figures)
    if arguments.push_to:
        check_publication(arguments.push_to)
    source = open_given_source(arguments)
    if arguments.push_to:
        check_license(arguments.license or source.license)
    _build(arguments, source, engine)
    if arguments.push_to:
        publish_folder(arguments.out, arguments.push_to, private=arguments.private, figures=figures)
    return 0


def _build(arguments: argparse.Namespace, source: Source, engine: Engine | None) -> None:
    from artsim.building.inspection import inspect_source
    from artsim.building.pipeline import build_collection, report_path
    from artsim.cli.inspect import as_text
    from artsim.encoders import choose_encoder, load_encoder, precision_of

    print(as_text(inspect_source(source, open_pictures=False, limit=arguments.limit)), flush=True)
    choices = [choose_encoder(name) for name in arguments.encoder or ["auto"]]
    for choice in choices:
        print(f"Encoder: {choice.name} ({choice.reason}).")
    options = {"device": arguments.device, "batch_size": arguments.batch_size, "precision": arguments.precision}
    encoders = [load_encoder(choice.name, **options) for choice in choices]
    for encoder in encoders:
        print(f"{encoder.id} computes in {precision_of(encoder)} on {encoder.device}.")
    with closing(ProgressBar("Embedding")) as bar:
        collection = build_collection(
            source,
            encoders,
            arguments.out,
            limit=arguments.limit,
            images=arguments.images,
            regions=arguments.regions,
            keep_margins=arguments.keep_margins,
            recognition=not arguments.no_recognition,
            workers=arguments.workers,
            engine=engine,
            title=arguments.title,
            license=arguments.license,
            index=arguments.index,
            progress=bar,
        )
    print(f"{len(collection)} {'work' if len(collection) == 1 else 'works'} in {arguments.out}.")
    print(f"Report: {report_path(arguments.out)}")
