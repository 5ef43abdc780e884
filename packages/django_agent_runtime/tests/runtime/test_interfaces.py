import agent_runtime_core.interfaces as core
from django_agent_runtime.runtime import interfaces


def test_they_are_those_of_the_core():
    for name in set(interfaces.__all__) - {"ToolCall"}:
        assert getattr(interfaces, name) is getattr(core, name)


def test_a_tool_call_keeps_its_older_name():
    assert interfaces.ToolCall is core.LLMToolCall
