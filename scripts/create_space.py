"""Create or update a Space that serves a published collection: `artsim space` for a clone."""

import _clone  # noqa: F401

from artsim.cli.main import entry

if __name__ == "__main__":
    entry("space")
