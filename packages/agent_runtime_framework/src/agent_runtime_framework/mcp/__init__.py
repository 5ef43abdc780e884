"""Tools of MCP servers in the steps of a journey; needs the extra `mcp`."""

from agent_runtime_framework.mcp.server import MCPServer

__all__ = ["MCPServer"]
