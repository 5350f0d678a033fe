"""`python -m artsim`: the command, also where it is not installed."""

from artsim.cli.main import entry

if __name__ == "__main__":
    entry()
