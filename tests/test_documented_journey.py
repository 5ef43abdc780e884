"""The documented journey, through the parts that a user puts together."""

from collections.abc import Callable
from typing import Any

import pytest

from agent_runtime_framework import AgentContext, JourneyAgent, MemoryManager
from agent_runtime_framework.config import override_config
from agent_runtime_framework.testing import ScriptedLLM, call, say

Says = Callable[..., AgentContext]
Onboarding = Callable[..., JourneyAgent[Any, Any, Any]]


@pytest.mark.asyncio
async def test_prompt_and_tools_follow_the_step_inside_a_turn(onboarding: Onboarding, says: Says):
    llm = ScriptedLLM(call("save_name", name="Ada"), say("And your email?"))

    result = await onboarding(llm_client=llm).run(says("I'm Ada"))

    assert result.response == "And your email?"
    assert result.state == {"step": "collect_email", "name": "Ada", "email": ""}
    assert [request.tool_names for request in llm.requests] == [["save_name"], ["save_email"]]
    assert [request.system for request in llm.requests] == ["Ask for the name.", "Ask for the email."]


@pytest.mark.asyncio
async def test_a_conversation_goes_on_where_it_was(onboarding: Onboarding, says: Says, memory: MemoryManager):
    llm = ScriptedLLM(call("save_name", name="Ada"), say("Email?"), call("save_email", email="a@b.org"), say("Done."))

    await onboarding(llm_client=llm, memory=memory).run(says("I'm Ada"))
    result = await onboarding(llm_client=llm, memory=memory).run(says("a@b.org"))

    assert result.state == {"step": "complete", "name": "Ada", "email": "a@b.org"}
    assert [message["content"] for message in llm.requests[-1].messages if message["role"] == "user"] == [
        "I'm Ada",
        "a@b.org",
    ]


@pytest.mark.asyncio
async def test_a_tool_of_another_step_is_refused_and_changes_nothing(onboarding: Onboarding, says: Says):
    llm = ScriptedLLM(call("save_email", email="a@b.org"), say("What's your name?"))

    result = await onboarding(llm_client=llm).run(says("a@b.org"))

    assert result.state == {"step": "collect_name", "name": "", "email": ""}
    assert "Error: Unknown tool 'save_email'" in str(llm.requests[1].messages[-1]["content"])


@pytest.mark.asyncio
async def test_arguments_that_do_not_fit_are_explained_to_the_model(onboarding: Onboarding, says: Says):
    llm = ScriptedLLM(call("save_name", name=5), say("What's your name?"))

    result = await onboarding(llm_client=llm).run(says("five"))

    assert result.state == {"step": "collect_name", "name": "", "email": ""}
    assert "'name' is 5; expected a string" in str(llm.requests[1].messages[-1]["content"])


@pytest.mark.asyncio
async def test_in_production_the_model_is_told_of_a_failing_tool(onboarding: Onboarding, says: Says):
    llm = ScriptedLLM(call("save_name", name="Ada"), call("save_email", email="ada"), say("That is no address."))

    with override_config(debug=False):
        result = await onboarding(llm_client=llm).run(says("Ada, ada"))

    assert result.response == "That is no address."
    assert result.state == {"step": "collect_email", "name": "Ada", "email": ""}
    assert llm.requests[2].messages[-1]["content"] == "Error executing save_email: 'ada' is no email address"


@pytest.mark.asyncio
async def test_in_debug_mode_a_failing_tool_is_raised(onboarding: Onboarding, says: Says):
    llm = ScriptedLLM(call("save_name", name="Ada"), call("save_email", email="ada"))

    with override_config(debug=True), pytest.raises(ValueError, match="'ada' is no email address"):
        await onboarding(llm_client=llm).run(says("Ada, ada"))
