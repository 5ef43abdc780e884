"""What the model is told in each step."""

from agent_runtime_framework.prompts.manager import PromptManager, PromptTemplate, StepPromptMapping

__all__ = ["PromptManager", "PromptTemplate", "StepPromptMapping"]
