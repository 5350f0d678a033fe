"""How well arrangements of a collection keep like works side by side: the map's own, UMAP moved to a grid, and chance.

Prints a Markdown table. UMAP is in it where umap-learn is installed (pip install umap-learn).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from artsim.cli.run import run_main


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--collection", required=True, help="folder or Hub id of a collection; its first 20,000 works count"
    )
    arguments = parser.parse_args()
    from artsim.evaluation.maps import compare_maps
    from artsim.opening import open_collection

    print(compare_maps(open_collection(arguments.collection)))
    return 0


if __name__ == "__main__":
    run_main(main)
