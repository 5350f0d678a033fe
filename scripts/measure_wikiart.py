"""What a collection of WikiArt's size costs: a measured build of generated pictures, scaled up. See docs/wikiart.md.

python scripts/measure_wikiart.py --works 5000 --model vit-b-32

Embedding and writing grow with the number of works, so they are scaled from the build. Fitting and indexing do not (they
compare works with each other), so they are measured once more with drawn vectors at the full size. Each measurement is a
process of its own, for its peak of memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import _clone  # noqa: F401


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--works", type=int, default=5000, help="pictures that are built (default: 5000)")
    parser.add_argument("--total", type=int, default=81_444, help="works to scale to (default: 81444, all of WikiArt)")
    parser.add_argument(
        "--model", choices=("vit-b-16", "vit-b-32", "tiny"), default="vit-b-16", help="CLIP, random weights"
    )
    parser.add_argument("--size", default="1200x900", help="pixels of a generated picture (default: 1200x900)")
    parser.add_argument("--scratch", type=Path, help="folder for all files, removed afterwards (default: the system's)")
    parser.add_argument("--phase", choices=("build", "fit"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def make_pictures(folder: Path, count: int, size: tuple[int, int]) -> float:
    """JPEG files of soft noise, about as hard to decode and as large as photographs; returns their mean size in bytes."""
    import numpy as np
    from PIL import Image

    folder.mkdir()
    for number in range(count):
        rng = np.random.default_rng(number)
        coarse = Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)).resize(
            size, Image.Resampling.BICUBIC
        )
        grain = rng.normal(0, 6, (size[1], size[0], 1))
        pixels = np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:06d}.jpg", quality=90)
    return sum(path.stat().st_size for path in folder.iterdir()) / count


def build(folder: Path) -> dict[str, float]:
    """Build the pictures; seconds of embedding and of the rest, peak of disk, size of the collection."""
    from artsim.building.pipeline import build_collection
    from artsim.encoders import load_encoder
    from artsim.sources import open_source

    encoder = load_encoder(str(folder / "model"))
    begun, out = time.perf_counter(), folder / "out"
    embedding = checkpoint = 0.0

    def progress(count: int, total: int | None) -> None:
        nonlocal embedding, checkpoint
        embedding = time.perf_counter() - begun
        if count == total:
            checkpoint = disk_use(out)

    build_collection(open_source(f"folder:{folder / 'pictures'}"), encoder, out / "works", progress=progress)
    seconds, size = time.perf_counter() - begun, disk_use(out)
    # the checkpoint is removed once the collection is written
    return {"embedding": embedding, "rest": seconds - embedding, "disk_peak": checkpoint + size, "disk": size}


def fit(folder: Path, rows: int) -> dict[str, float]:
    """Fit and index drawn vectors of the collection's dimensions; seconds and size of the index."""
    import numpy as np

    from artsim.encoders.protocol import unit_rows
    from artsim.opening import open_collection
    from artsim.snapshot.space import make_space

    space = open_collection(folder / "out" / "works").state.spaces[0]
    rng = np.random.default_rng(0)
    blocks: Any = {a: unit_rows(rng.random((rows, d), np.float32)) for a, d in space.statistics.raw_dims.items()}
    begun = time.perf_counter()
    made = make_space(space.name, "drawn", "drawn", space.columns, blocks, segments=space.statistics.segments)
    seconds = time.perf_counter() - begun
    made.index.save(folder / "drawn.faiss")
    return {"seconds": seconds, "index": (folder / "drawn.faiss").stat().st_size}


def disk_use(folder: Path) -> int:
    """Bytes below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure(phase: str, folder: Path, works: int) -> dict[str, float]:
    """Run one phase in a process of its own; adds `memory`, its peak in bytes."""
    command = [sys.executable, __file__, "--phase", phase, "--folder", str(folder), "--works", str(works)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    arguments = parse_arguments()
    if arguments.phase:
        result = build(arguments.folder) if arguments.phase == "build" else fit(arguments.folder, arguments.works)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        print(json.dumps({**result, "memory": peak}))
        return
    from benchmarking.checkpoints import make_random_clip

    with tempfile.TemporaryDirectory(dir=arguments.scratch) as scratch:
        folder = Path(scratch)
        width, height = (int(side) for side in arguments.size.split("x"))
        (folder / "out").mkdir()
        make_random_clip(arguments.model, folder / "model")
        picture = make_pictures(folder / "pictures", arguments.works, (width, height))
        print(
            f"{arguments.works} pictures of {arguments.size}, {picture / 1000:.0f} kB each; load {os.getloadavg()[0]:.1f}"
        )
        built = measure("build", folder, arguments.works)
        small, full = measure("fit", folder, arguments.works), measure("fit", folder, arguments.total)
    report(arguments, picture, built, small, full)


def report(
    arguments: argparse.Namespace,
    picture: float,
    built: dict[str, float],
    small: dict[str, float],
    full: dict[str, float],
) -> None:
    scale = arguments.total / arguments.works
    writing = max(0.0, built["rest"] - small["seconds"])
    extra = built["disk_peak"] - built["disk"]
    rows = [
        ("embedding, works/s", f"{arguments.works / built['embedding']:.1f}", "the same"),
        ("embedding, hours", f"{built['embedding'] / 3600:.2f}", f"{built['embedding'] * scale / 3600:.2f}"),
        ("fitting and indexing, minutes", f"{small['seconds'] / 60:.1f}", f"{full['seconds'] / 60:.1f} (measured)"),
        ("writing, minutes", f"{writing / 60:.1f}", f"{writing * scale / 60:.1f}"),
        (
            "peak of memory, GB",
            f"{built['memory'] / 1e9:.1f}",
            f"{max(built['memory'], full['memory']) / 1e9:.1f} (measured)",
        ),
        ("collection on disk, GB", f"{built['disk'] / 1e9:.2f}", f"{built['disk'] * scale / 1e9:.1f}"),
        (
            "... of which pictures, GB",
            f"{picture * arguments.works / 1e9:.2f}",
            f"{picture * arguments.total / 1e9:.1f}",
        ),
        ("... of which index, GB", f"{small['index'] / 1e9:.3f}", f"{full['index'] / 1e9:.2f} (measured)"),
        ("more on disk while building, GB", f"{extra / 1e9:.2f}", f"{extra * scale / 1e9:.1f}"),
    ]
    print(
        f"\n| {arguments.model}, {arguments.size} | {arguments.works:,} works, measured | {arguments.total:,} works |"
    )
    print("| --- | ---: | ---: |")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
