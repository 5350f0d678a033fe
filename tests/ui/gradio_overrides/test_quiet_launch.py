"""What a launch prints."""

import httpx
import pytest
from app_process import free_port
from tiny_apps import app_of, launched, still_needed

from artsim.ui.gradio_overrides.quiet_launch import launch_quietly


def test_a_launch_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = app_of()
    port = free_port()
    launch_quietly(blocks, server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, mcp_server=True)
    try:
        assert httpx.get(blocks.local_url).status_code == 200
        assert capsys.readouterr().out == ""
    finally:
        blocks.close(verbose=False)


def test_gradio_still_announces_its_mcp_server(capsys: pytest.CaptureFixture[str]) -> None:
    with launched(app_of(), mcp_server=True):  # with quiet=True
        pass
    still_needed("MCP" in capsys.readouterr().out, "quiet_launch")
