"""`artsim COMMAND`: the list of commands, and how one is called.

A new command is one file with `HELP`, `add_arguments` and `run`, and one line in `COMMANDS`.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Mapping, Sequence
from typing import Protocol

from artsim.cli import build, doctor, evaluate, finetune, info, prepare_nga, publish, recognize, remove, serve, space
from artsim.cli import inspect as inspect_command
from artsim.cli.run import run_main
from artsim.version import VERSION


class Command(Protocol):
    """A module of this package. Its docstring stands above the options in its `--help`.

    It imports what is heavy inside `run`, so that `--help` is instant.
    """

    HELP: str
    """One line for the list of commands."""

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Declare the options."""

    def run(self, arguments: argparse.Namespace, /) -> int:
        """Do it; returns the exit code.

        Raises `argparse.ArgumentError` for options that do not go together, `ArtsimError` for what cannot be done.
        """


COMMANDS: Mapping[str, Command] = {
    "build": build,
    "serve": serve,
    "recognize": recognize,
    "evaluate": evaluate,
    "finetune": finetune,
    "remove": remove,
    "publish": publish,
    "space": space,
    "prepare-nga": prepare_nga,
    "inspect": inspect_command,
    "info": info,
    "doctor": doctor,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (default: `sys.argv`) and return its exit code. Exits on `--help` and wrong options."""
    parser = argparse.ArgumentParser(prog="artsim", description="Find artworks that look alike.")
    parser.add_argument("--version", action="version", version=f"artsim {VERSION}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        _describe(commands.add_parser(name, help=command.HELP), command)
    return _run(parser.parse_args(argv))


def main_of(name: str) -> int:
    """Run one command with `sys.argv` as its options, under the name of the file that was started."""
    parser = argparse.ArgumentParser()
    _describe(parser, COMMANDS[name])
    return _run(parser.parse_args())


def entry(name: str | None = None) -> None:
    """Run and exit, errors as one sentence: what `artsim`, `python -m artsim`, `app.py` and the scripts call.

    `name` is the one command that a script stands for.
    """
    run_main(main if name is None else lambda: main_of(name))


def _describe(parser: argparse.ArgumentParser, command: Command) -> None:
    parser.description = inspect.cleandoc(command.__doc__ or "")
    parser.set_defaults(command=command, parser=parser)
    command.add_arguments(parser)


def _run(arguments: argparse.Namespace) -> int:
    command: Command = arguments.command
    parser: argparse.ArgumentParser = arguments.parser
    try:
        return command.run(arguments)
    except argparse.ArgumentError as error:
        parser.error(str(error))
