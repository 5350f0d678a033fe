"""The app, here and on a Space: settings -> collection -> interface."""

from __future__ import annotations

import artsim.encoders.zero_gpu  # noqa: F401 - on ZeroGPU it must come before torch
from artsim.cli.run import run_main
from artsim.ui.http.json_log import log_as_json
from artsim.ui.settings import read_settings


def main() -> int:
    settings = read_settings()
    if settings.log_format == "json":
        log_as_json()
    from artsim.ui.http.address import check_address
    from artsim.ui.launch import serve
    from artsim.ui.startup import open_or_build

    check_address(settings.host, settings.port)
    return serve(open_or_build(settings), settings)


if __name__ == "__main__":
    run_main(main)
