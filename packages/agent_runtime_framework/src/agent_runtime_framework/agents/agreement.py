"""Which calls of a journey class need a person's agreement, and what that person is shown of them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from agent_runtime_core.callables import CallableSchema
from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.approvals import APPROVAL_NEEDED, ApprovalNeeded
from agent_runtime_framework.config import should_swallow_exceptions
from agent_runtime_framework.journey import Journey
from agent_runtime_framework.journey.definition import ToolDefinition
from agent_runtime_framework.journey.form import MASK
from agent_runtime_framework.journey.prompting import render
from agent_runtime_framework.journey.sensitive import hide
from agent_runtime_framework.toolcalls import ToolCall
from agent_runtime_framework.tools.offer import ApprovalRule

logger = logging.getLogger(__name__)

Schemas = Callable[[ToolDefinition], CallableSchema]


def approval_rules(tools: Iterable[ToolDefinition], state: Journey, schemas: Schemas) -> dict[str, ApprovalRule]:
    """For each tool that may need agreement, what says so of a call."""
    return {tool.name: partial(_needed, tool, state, schemas) for tool in tools if tool.requires_approval}


def shown(arguments: Mapping[str, Any], state: Journey) -> JSONObject:
    """Arguments as a person may see them: sensitive values are masked, by their names and wherever they occur."""
    hidden, secrets = type(state).state_fields.sensitive, state.secrets()
    return {name: MASK if name in hidden else _masked(value, secrets) for name, value in arguments.items()}


def _needed(tool: ToolDefinition, state: Journey, schemas: Schemas, call: ToolCall) -> ApprovalNeeded | None:
    reason = APPROVAL_NEEDED if tool.approval is None else _reason(tool, tool.approval, state, schemas, call)
    if reason is None:
        return None
    note = None if tool.approval_note is None else render(tool.approval_note, state)
    return ApprovalNeeded(hide(reason, state.secrets()), shown(call.arguments, state), note)


def _reason(
    tool: ToolDefinition, rule: Callable[..., object], state: Journey, schemas: Schemas, call: ToolCall
) -> str | None:
    try:
        given = call.arguments if tool.borrowed is not None else schemas(tool).bind(call.arguments)
        wanted = list(inspect.signature(rule).parameters.values())[1:]
        defaults = inspect.signature(tool.function).parameters
        verdict = rule(state, **{each.name: given.get(each.name, _default(each, defaults)) for each in wanted})
    except Exception:  # the rule is the author's; one that breaks has not let anything through
        if not should_swallow_exceptions():
            raise
        logger.warning("whether tool %r needs agreement cannot be told; it does", tool.name, exc_info=True)
        return APPROVAL_NEEDED
    if isinstance(verdict, str) and verdict:
        return verdict
    return APPROVAL_NEEDED if verdict else None


def _default(wanted: inspect.Parameter, of_tool: Mapping[str, inspect.Parameter]) -> object:
    """What a rule gets for an argument that the call leaves out."""
    known = of_tool.get(wanted.name)
    if known is not None:
        return known.default
    # What a borrowed tool takes for it is not known here.
    return None if wanted.default is inspect.Parameter.empty else wanted.default


def _masked(value: object, secrets: Sequence[object]) -> object:
    if isinstance(value, str):
        return hide(value, secrets)
    if isinstance(value, dict):
        return {name: _masked(each, secrets) for name, each in cast("JSONObject", value).items()}
    if isinstance(value, list):
        return [_masked(each, secrets) for each in cast("list[object]", value)]
    is_plain = value is None or isinstance(value, bool)
    return value if is_plain or hide(str(value), secrets) == str(value) else MASK
