"""A prompt for every step, with what is known of the conversation put in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, Self, TypeAlias, TypeVar, cast

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.prompts.template import PromptTemplate

__all__ = ["PromptManager", "PromptTemplate", "StepPromptMapping", "preference_enricher"]

StepT = TypeVar("StepT")

PromptEnricher: TypeAlias = Callable[[str, dict[str, Any]], str]
"""Takes a prompt and the context, answers with the prompt to use."""


@dataclass
class StepPromptMapping(Generic[StepT]):
    """The prompt of each step.

    Attributes:
        prompts: Text, used as it is, or a `PromptTemplate`, rendered.
        default: For steps that have none.
    """

    prompts: dict[StepT, str | PromptTemplate] = field(default_factory=dict[StepT, str | PromptTemplate])
    default: str | PromptTemplate = ""

    def __post_init__(self) -> None:
        self.prompts = dict(self.prompts)  # `add` must not reach into the author's table

    def get(self, step: StepT, /, **variables: Any) -> str:
        """The prompt of a step; the variables are for templates, and may be called anything."""
        prompt = self.prompts.get(step, self.default)
        return prompt.render(**variables) if isinstance(prompt, PromptTemplate) else prompt

    def add(self, step: StepT, prompt: str | PromptTemplate) -> Self:
        """Set the prompt of a step."""
        self.prompts[step] = prompt
        return self


class PromptManager(Generic[StepT]):
    """Prompts by step, or by the state that is in that step.

    >>> manager = PromptManager[str](mapping=StepPromptMapping({"ask": PromptTemplate("Ask $name.")}))
    >>> manager.get_prompt("ask", name="Ada")
    'Ask Ada.'

    Args:
        step_prompts: The prompts: a `StepPromptMapping`, or a plain table of them.
        mapping: The same, by its other name.
        context_enricher: Takes the state, answers with values for templates and enrichers. It is asked only where
            `get_prompt` is given a state.

    Attributes:
        step_prompts: The prompts.
        context_enricher: As given.

    Raises:
        ConfigurationError: Prompts are given under both names.
    """

    def __init__(
        self,
        step_prompts: StepPromptMapping[StepT] | Mapping[StepT, str | PromptTemplate] | None = None,
        *,
        mapping: StepPromptMapping[StepT] | Mapping[StepT, str | PromptTemplate] | None = None,
        context_enricher: Callable[[Any], Mapping[str, Any]] | None = None,
    ) -> None:
        if step_prompts is not None and mapping is not None:
            raise ConfigurationError("PromptManager got its prompts twice; pass mapping or step_prompts, not both")
        prompts = mapping if step_prompts is None else step_prompts
        if not isinstance(prompts, StepPromptMapping):
            prompts = StepPromptMapping(dict(prompts or {}))
        self.step_prompts: StepPromptMapping[StepT] = prompts
        self.context_enricher = context_enricher
        self._enrichers: list[PromptEnricher] = []

    def add_enricher(self, enricher: PromptEnricher) -> Self:
        """Let a function rework every prompt, after those that were added before."""
        self._enrichers.append(enricher)
        return self

    def set_prompt(self, step: StepT, prompt: str | PromptTemplate) -> Self:
        """Set the prompt of a step."""
        self.step_prompts.add(step, prompt)
        return self

    def set_default(self, prompt: str | PromptTemplate) -> Self:
        """Set the prompt of steps that have none."""
        self.step_prompts.default = prompt
        return self

    def get_prompt(self, step_or_state: Any, /, context: Mapping[str, Any] | None = None, **template_vars: Any) -> str:
        """The prompt to use.

        Args:
            step_or_state: A step, or a state: what has `get_step`, or a field `step`. For a state, what the
                `context_enricher` says of it counts as context and as template variables.
            context: What the enrichers are told.
            template_vars: Values for templates; they win over those of the `context_enricher`.
        """
        step, known = self._read(step_or_state)
        prompt = self.step_prompts.get(step, **{**known, **template_vars})
        told = {**known, **(context or {})}
        for enrich in self._enrichers:
            prompt = enrich(prompt, told)
        return prompt

    def _read(self, step_or_state: Any) -> tuple[StepT, dict[str, Any]]:
        """The step, and what is known of the state if it is one."""
        if isinstance(step_or_state, Enum | str):
            return cast("StepT", step_or_state), {}
        if callable(get_step := getattr(step_or_state, "get_step", None)):
            step = get_step()
        elif hasattr(step_or_state, "step"):
            step = step_or_state.step
        else:
            return cast("StepT", step_or_state), {}
        known = {} if self.context_enricher is None else dict(self.context_enricher(step_or_state))
        return cast("StepT", step), known


def preference_enricher(preference_key: str, format_string: str = "\n\nNote: User prefers {value}.") -> PromptEnricher:
    """An enricher that adds a sentence where the context has a value of that name, and nothing else.

    Args:
        preference_key: The name in the context.
        format_string: The sentence; `{value}` stands for the value, other braces for themselves.
    """

    def enrich(prompt: str, context: dict[str, Any]) -> str:
        value = context.get(preference_key)
        return prompt + format_string.replace("{value}", str(value)) if value else prompt

    return enrich
