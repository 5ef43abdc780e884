"""From anything that can be talked to, to its agent."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias, TypeGuard, cast

from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey import Form, FormJourney, Journey

Agent: TypeAlias = JourneyAgent[Any, Any, Any]

EXPECTED = "a Journey class, a JourneyAgent or its class, a Pydantic model, a Form, or a function that makes one"


def is_talkable(value: object) -> bool:
    """True if `agent_of` knows what to do with it, functions aside."""
    return (
        isinstance(value, (JourneyAgent, Form)) or is_whole_journey(value) or _is_agent_class(value) or _is_model(value)
    )


def agent_of(subject: object, **options: Any) -> Agent:
    """The agent that holds conversations about `subject`.

    Args:
        subject: A `Journey` class, a `JourneyAgent` or its class, a Pydantic model, a `Form`, or a function that makes
            one of these.
        **options: What a journey class or a form is to be made with, such as `provide`.

    Raises:
        ConfigurationError: It is none of these, or cannot be made without arguments.
    """
    if isinstance(subject, JourneyAgent):
        agent = cast("Agent", subject)
        _refuse_options(agent, options)
        return agent
    if is_whole_journey(subject):
        return subject.agent(**options)
    if isinstance(subject, Form) or _is_model(subject):
        return FormJourney(cast("Any", subject)).agent(**options)
    if not callable(subject) or (isinstance(subject, type) and not _is_agent_class(subject)):
        raise ConfigurationError(f"nobody can talk to {subject!r:.80} ({_kind_of(subject)}); expected {EXPECTED}")
    _refuse_arguments(subject)
    _refuse_options(subject, options)
    made = cast("object", subject())
    if is_talkable(made):
        return agent_of(made)
    raise ConfigurationError(f"{_name_of(subject)}() made {made!r:.80} ({_kind_of(made)}); expected {EXPECTED}")


def is_whole_journey(value: object) -> TypeGuard[type[Journey]]:
    """True for a `Journey` class that is not only there to be derived from."""
    return isinstance(value, type) and issubclass(value, Journey) and "definition" in vars(value)


def _is_agent_class(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, JourneyAgent)


def _is_model(value: object) -> bool:
    return isinstance(value, type) and hasattr(value, "model_fields") and hasattr(value, "model_validate")


def _refuse_options(subject: object, options: dict[str, Any]) -> None:
    if options:
        raise ConfigurationError(
            f"{_name_of(subject)} is made without {', '.join(options)}; only a Journey class or a Pydantic model takes "
            "them, so pass an instance that is already made as you need it"
        )


def _refuse_arguments(subject: Callable[..., object]) -> None:
    if inspect.isabstract(subject):
        missing = ", ".join(sorted(cast("Any", subject).__abstractmethods__))
        raise ConfigurationError(f"{_name_of(subject)} is not complete; it still has to implement: {missing}")
    try:
        inspect.signature(subject).bind()
    except TypeError as error:
        raise ConfigurationError(
            f"{_name_of(subject)} cannot be made without arguments ({error}); pass an instance, or a function that "
            "makes it"
        ) from None
    except ValueError:
        return  # a builtin without a signature: calling it will tell


def _name_of(subject: object) -> str:
    return str(getattr(subject, "__name__", type(subject).__name__))


def _kind_of(subject: object) -> str:
    return "a class" if isinstance(subject, type) else type(subject).__name__
