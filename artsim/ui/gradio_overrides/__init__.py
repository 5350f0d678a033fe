"""Everything that reaches into Gradio: one module per override. All other modules of artsim use Gradio's public API and these.

- Components: `no_stubs`, `html_component`, `json_component`, `uploads`
- Calls: `address_guard`, `malformed_calls`, `no_fetching`, `upload_parser`, `lean_sessions`, `refusal`
- Endpoints and MCP tools: `unqueued_endpoint`, `tool_docstrings`, `mcp_io`
- Pages: `page_head`, `compressed_pages`, `refresh`
- Start: `late_app`, `no_matplotlib`, `quiet_launch`, `self_check`

The docstring of each module ends with three lines: `Gradio:` the version it was tried with, `Reason:` what Gradio does and
why that hurts, with its issue where one is known, and `Remove when:` what has to change in Gradio.

When Gradio is raised, run `pytest tests/ui/gradio_overrides`. For each override there is a test that it still does its
work, and a test that plain Gradio still needs it. Where the second one fails, Gradio has caught up: remove the override.
Where the first one fails, Gradio's inside has changed: adapt it. Then write the new version into all modules.
"""
