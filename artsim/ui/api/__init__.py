"""The HTTP API and the MCP tools."""
