"""Measure how good a collection's answers are: `artsim evaluate` for a clone."""

import _clone  # noqa: F401

from artsim.cli.main import entry

if __name__ == "__main__":
    entry("evaluate")
