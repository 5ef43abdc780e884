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


class UntalkableError(ConfigurationError):
    """Nobody can talk to it: it is nothing of the kind, or cannot be made."""


def is_talkable(value: object, also: tuple[type, ...] = ()) -> bool:
    """True if `talkable` knows what to do with it, functions aside."""
    return (
        isinstance(value, (JourneyAgent, Form, *also))
        or is_whole_journey(value)
        or is_agent_class(value, also)
        or _is_model(value)
    )


def talkable(subject: object, also: tuple[type, ...] = ()) -> object:
    """What conversations are held about: a `Journey` class, or an agent.

    Args:
        subject: A `Journey` class, a `JourneyAgent` or its class, a Pydantic model, a `Form`, or a function that makes
            one of these.
        also: Further classes whose instances are agents of a kind.

    Raises:
        UntalkableError: It is none of these, or cannot be made without arguments.
    """
    if isinstance(subject, (JourneyAgent, *also)) or is_whole_journey(subject):
        return cast("object", subject)
    if isinstance(subject, Form) or _is_model(subject):
        return FormJourney(cast("Any", subject))
    if not callable(subject) or (isinstance(subject, type) and not is_agent_class(subject, also)):
        raise UntalkableError(f"nobody can talk to {subject!r:.80} ({_kind_of(subject)}); expected {EXPECTED}")
    _refuse_arguments(subject)
    made = cast("object", subject())
    if is_talkable(made, also):
        return talkable(made, also)
    raise UntalkableError(f"{_name_of(subject)}() made {made!r:.80} ({_kind_of(made)}); expected {EXPECTED}")


def agent_of(subject: object, **options: Any) -> Agent:
    """The agent that holds conversations about `subject`.

    Args:
        subject: As `talkable` takes it.
        **options: What a journey class or a form is to be made with, such as `provide`.

    Raises:
        UntalkableError: As `talkable`.
        ConfigurationError: It takes no options.
    """
    found = cast("Any", subject)
    if is_whole_journey(found) or isinstance(found, Form) or _is_model(found):
        return cast("Any", talkable(subject)).agent(**options)
    _refuse_options(found, options)
    made = cast("Any", talkable(subject))
    return made.agent() if is_whole_journey(made) else made


def is_whole_journey(value: object) -> TypeGuard[type[Journey]]:
    """True for a `Journey` class that is not only there to be derived from."""
    return isinstance(value, type) and issubclass(value, Journey) and "definition" in vars(value)


def is_agent_class(value: object, also: tuple[type, ...] = ()) -> TypeGuard[type]:
    """True for a class whose instances are agents."""
    return isinstance(value, type) and issubclass(value, (JourneyAgent, *also))


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
        raise UntalkableError(f"{_name_of(subject)} is not complete; it still has to implement: {missing}")
    try:
        inspect.signature(subject).bind()
    except TypeError as error:
        raise UntalkableError(
            f"{_name_of(subject)} cannot be made without arguments ({error}); pass an instance, or a function that "
            "makes it"
        ) from None
    except ValueError:
        return  # a builtin without a signature: calling it will tell


def _name_of(subject: object) -> str:
    return str(getattr(subject, "__name__", type(subject).__name__))


def _kind_of(subject: object) -> str:
    return "a class" if isinstance(subject, type) else type(subject).__name__
