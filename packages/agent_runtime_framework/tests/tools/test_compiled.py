import copy
import gc
import pickle
import weakref
from enum import Enum
from typing import Any

import pytest

from agent_runtime_core.interfaces import Tool
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.tools import ToolParameter, ToolSchema, ToolSchemaBuilder, compiled
from agent_runtime_framework.tools.compiled import offered


def save_name(description: str = "Save the name") -> ToolSchema:
    return ToolSchemaBuilder("save_name").description(description).param("name", "string", required=True).build()


def test_offered_tool_has_name_wire_and_check():
    schema = save_name()

    tool = offered(schema)

    assert tool.name == "save_name"
    assert tool.wire == schema.to_openai_format()
    assert tool.check({"name": "Ada"}) == []
    assert tool.check({}) == ["'name' is missing; expected a string"]


def test_schema_is_compiled_once():
    schema = save_name()

    assert offered(schema) is offered(schema)


def test_equal_schemas_share_one_tool():
    assert offered(save_name()) is offered(save_name())


def test_different_schemas_do_not():
    assert offered(save_name()) is not offered(save_name("Note the name"))


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), ("1", 1)])
def test_values_that_are_equal_in_python_only_are_kept_apart(one: Any, other: Any):
    first = ToolSchema("pick", "", [ToolParameter("n", "number", enum=[one])])
    second = ToolSchema("pick", "", [ToolParameter("n", "number", enum=[other])])

    assert offered(first) is not offered(second)


def test_a_changed_copy_is_a_schema_of_its_own():
    schema = save_name()
    offered(schema)

    changed = copy.copy(schema)
    changed.name = "note_name"

    assert offered(changed).name == "note_name"


def test_an_offered_schema_stays_as_it_was():
    schema, untouched = save_name(), save_name()

    offered(schema)

    assert schema == untouched
    assert vars(schema) == vars(untouched)
    assert pickle.loads(pickle.dumps(schema)) == schema


def test_schemas_are_not_kept_alive():
    schema = save_name()
    offered(schema)
    gone = weakref.ref(schema)
    before = len(compiled._by_identity)  # pyright: ignore[reportPrivateUsage] -- the leak would be in there

    del schema
    gc.collect()

    assert gone() is None
    assert len(compiled._by_identity) < before  # pyright: ignore[reportPrivateUsage]


def test_ever_new_schemas_do_not_fill_the_memory():
    for number in range(1_100):
        offered(save_name(f"Save name {number}"))

    assert len(compiled._by_content) <= 1_000  # pyright: ignore[reportPrivateUsage] -- the leak would be in there


def test_tools_of_core_can_be_offered():
    tool = Tool("add", "Add", {"type": "object", "properties": {"n": {"type": "integer"}}}, handler=abs)

    assert offered(tool).check({"n": "1"}) == ["'n' is '1'; expected an integer"]


class Slotted:
    __slots__ = ()
    name = "ping"

    def to_openai_format(self) -> dict[str, Any]:
        return {"type": "function", "function": {"name": self.name}}


def test_a_schema_without_parameters_takes_anything():
    assert offered(Slotted()).check({"whatever": 1}) == []


class Kind(Enum):
    CAR = "car"


def test_values_that_are_no_json_are_no_reason_to_fail():
    schema = ToolSchema("pick", "", [ToolParameter("kind", "string", default=Kind.CAR)])

    assert offered(schema) is offered(schema)


def test_a_senseless_schema_names_the_tool():
    schema = ToolSchema("pick", "", [ToolParameter("kind", "str")])

    with pytest.raises(ConfigurationError, match=r"parameters of tool 'pick' are no valid JSON Schema: .*'str'"):
        offered(schema)


@pytest.mark.parametrize(("name", "wire"), [("x", {}), ("x", {"function": 1}), ("", {"function": {"name": ""}})])
def test_a_shapeless_tool_is_refused(name: str, wire: dict[str, Any]):
    class Shapeless:
        def __init__(self) -> None:
            self.name = name

        def to_openai_format(self) -> dict[str, Any]:
            return wire

    with pytest.raises(ConfigurationError, match="expected a name and"):
        offered(Shapeless())


def test_offered_tools_are_frozen():
    with pytest.raises(AttributeError):
        offered(save_name()).name = "other"  # pyright: ignore[reportAttributeAccessIssue] -- what is tested
