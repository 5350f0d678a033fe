"""Make a picture folder of the National Gallery of Art's open data: `artsim prepare-nga` for a clone."""

import _clone  # noqa: F401

from artsim.cli.main import entry

if __name__ == "__main__":
    entry("prepare-nga")
