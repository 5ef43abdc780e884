"""Durable conversations: messages taken in, turns run and continued."""

from agent_runtime_framework.runtime.feed import Position, Told
from agent_runtime_framework.runtime.handle import ConversationHandle
from agent_runtime_framework.runtime.host import Host, LocalHost
from agent_runtime_framework.runtime.reply import Reply
from agent_runtime_framework.runtime.runtime import Runtime

__all__ = ["ConversationHandle", "Host", "LocalHost", "Position", "Reply", "Runtime", "Told"]
