"""Create or update a Hugging Face Space that serves a published collection, from this checkout.

Run again, it sends only what changed, and nothing when nothing did.
"""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "create or update a Hugging Face Space that serves a published collection"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("space", metavar="NAMESPACE/NAME", help="the Space")
    parser.add_argument(
        "--collection", required=True, metavar="NAMESPACE/NAME", help="the published collection it serves"
    )
    parser.add_argument("--encoder", help="the encoder it must have been made with (default: whichever it was)")
    parser.add_argument(
        "--hardware",
        choices=("cpu-basic", "zero-gpu"),
        default="cpu-basic",
        help="zero-gpu: a GPU for the moments of computing (default: cpu-basic)",
    )
    parser.add_argument("--private", action="store_true", help="only you and those you let in can see it")


def run(arguments: argparse.Namespace) -> int:
    from artsim.hub import create_space

    made = create_space(
        arguments.space,
        arguments.collection,
        checkout=Path(__file__).resolve().parents[2],  # an installed artsim has none: HubError says so
        encoder=arguments.encoder,
        hardware=arguments.hardware,
        private=arguments.private,
    )
    if made.changed:
        print(f"The Space is at {made.url} (commit {made.commit[:12]}; {len(made.sent)} files sent). It builds now.")
    else:
        print(f"Nothing changed: {made.url} is at commit {made.commit[:12]} already.")
    return 0
