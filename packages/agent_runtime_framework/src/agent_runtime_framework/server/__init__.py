"""A runtime as a web application: `app = create_app(runtime)`; needs the extra `server`."""

from agent_runtime_framework.server.app import AgentApp, create_app
from agent_runtime_framework.server.auth import ApiKeys, Auth
from agent_runtime_framework.server.limits import Limits
from agent_runtime_framework.server.problems import Problem

__all__ = ["AgentApp", "ApiKeys", "Auth", "Limits", "Problem", "create_app"]
