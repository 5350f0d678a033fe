"""Serve a collection in the browser; by default the embedded paintings of The Met."""

from __future__ import annotations

import argparse

from artsim.cli.run import leave
from artsim.ui import settings

HELP = "serve a collection in the browser"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    settings.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    given = settings.settings_from(arguments)
    if given.log_format == "json":
        from artsim.ui.http.json_log import log_as_json

        log_as_json()
    from artsim.ui.allocator import give_memory_back
    from artsim.ui.http.address import check_address
    from artsim.ui.launch import serve

    check_address(given.host, given.port)
    give_memory_back()
    leave(serve(given))
