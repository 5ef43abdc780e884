"""Every exception of this package, in one tree.

    AgentRuntimeError
    ├── ConfigurationError (ValueError)          the developer has to change something
    │   ├── OpenAIConfigurationError
    │   └── AnthropicConfigurationError
    ├── UnknownRuntimeError (KeyError)           no runtime of that key is registered
    ├── RunError                                 this run ends; the next may succeed
    │   ├── StepExecutionError                   a workflow step used up its attempts
    │   └── ProviderError                        a model provider did not answer
    │       ├── AuthenticationError
    │       ├── RateLimited
    │       ├── ContextTooLong
    │       ├── ContentFiltered
    │       ├── InvalidRequest
    │       ├── ProviderUnavailable
    │       └── ProviderProtocolError            it answered, but not in its own protocol
    └── ToolError                                the text is sent back to the model
    StepCancelledError (asyncio.CancelledError)  cancelled inside a workflow step

`ConfigurationError` speaks to the developer, `RunError` to whoever operates the run, `ToolError` to the model.
"""

from __future__ import annotations

import asyncio


class AgentRuntimeError(Exception):
    """The root of every error these packages raise on purpose."""


class ConfigurationError(AgentRuntimeError, ValueError):
    """A setting, a class or a call is wrong; the text says which and what to do."""


class OpenAIConfigurationError(ConfigurationError):
    """The OpenAI client cannot be made: no key, or an unusable address."""


class AnthropicConfigurationError(ConfigurationError):
    """The Anthropic client cannot be made: no key, or an unusable address."""


class UnknownRuntimeError(AgentRuntimeError, KeyError):
    """No runtime of that key is registered."""

    def __str__(self) -> str:
        # KeyError would print the repr of the message.
        return str(self.args[0]) if self.args else ""


class RunError(AgentRuntimeError):
    """This run cannot go on; the conversation itself is intact."""


class StepExecutionError(RunError):
    """A workflow step failed for good.

    Attributes:
        step_name: The step.
        attempts: How often it was tried.
    """

    def __init__(self, step_name: str, message: str, attempts: int = 1) -> None:
        super().__init__(f"Step '{step_name}' failed after {attempts} attempts: {message}")
        self.step_name = step_name
        self.attempts = attempts


class ProviderError(RunError):
    """A model provider could not or would not answer.

    Attributes:
        provider: Which provider, as in `get_llm_client`; empty when unknown.
        status: The HTTP status, where there was one.
        is_retryable: True if the same request may succeed later.
        retry_after: Seconds the provider asked to wait, where it did.
    """

    is_retryable = False

    def __init__(
        self, message: str, *, provider: str = "", status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.provider = provider
        self.status = status
        self.retry_after = retry_after


class AuthenticationError(ProviderError):
    """The provider refused the key, or the key may not use this model."""


class RateLimited(ProviderError):
    """Too many requests or tokens, or the quota is used up."""

    is_retryable = True


class ContextTooLong(ProviderError):
    """The messages do not fit the model's context window."""


class ContentFiltered(ProviderError):
    """The provider's content policy stopped the request or the reply."""


class InvalidRequest(ProviderError):
    """The provider found the request malformed; sending it again cannot help."""


class ProviderUnavailable(ProviderError):
    """Unreachable, overloaded, timed out, or the connection broke."""

    is_retryable = True


class ProviderProtocolError(ProviderError):
    """The provider's answer is not in its own protocol: malformed JSON, or a stream without an end."""

    is_retryable = True


class ToolError(AgentRuntimeError):
    """A tool could not do what was asked; the text is what the model is told."""


class StepCancelledError(asyncio.CancelledError):
    """The run was cancelled during a workflow step.

    It is a `CancelledError`, so that no `except Exception` on the way swallows it.
    """

    def __init__(self, step_name: str) -> None:
        super().__init__(f"Execution cancelled during step '{step_name}'")
        self.step_name = step_name
