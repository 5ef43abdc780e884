"""Agents: what answers a conversation."""

from agent_runtime_framework.agents.base import AgentContext, AgentMessage, AgentResult, BaseAgent
from agent_runtime_framework.agents.journey import JourneyAgent, JourneyConfig

__all__ = ["AgentContext", "AgentMessage", "AgentResult", "BaseAgent", "JourneyAgent", "JourneyConfig"]
