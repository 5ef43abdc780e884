"""What is wrong in a class body is said when the class is made: where, what, and the way out."""

import dataclasses
import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import pydantic
import pytest

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey import Field, Journey, derived, step
from agent_runtime_framework.journey.class_fields import RESERVED


class Other(Journey):
    start = step("Start.")
    there = step("There.")


class Person(pydantic.BaseModel):
    name: str


def no_steps() -> None:
    class Bad(Journey):  # here
        name: str = ""


def unknown_target() -> None:
    class Bad(Journey):
        start = step("Start.")

        @start.tool(to="strat")  # here
        def go(self) -> None: ...


def target_of_another_journey() -> None:
    class Bad(Journey):
        start = step("Start.")
        there = step("There.")

        @start.tool(to=Other.there)  # here
        def go(self) -> None: ...


def tool_of_another_journey() -> None:
    class Bad(Journey):
        start = step("Start.")

        @Other.start.tool  # here
        def go(self) -> None: ...


def say_to_nowhere() -> None:
    class Bad(Journey):
        start = step(say="Hi.", to="nowhere")  # here


def two_kinds() -> None:
    class Bad(Journey):
        start = step(say="Hi.", collect=Person, to="end")  # type: ignore[call-overload]  # here
        end = step("End.")


def form_to_nowhere() -> None:
    class Bad(Journey):
        start = step(collect=Person)  # here


def final_with_target() -> None:
    class Bad(Journey):
        start = step("Start.", final=True)  # here

        @start.tool(to="start")
        def go(self) -> None: ...


def prompt_with_target() -> None:
    class Bad(Journey):
        start = step("Start.", to="end")  # here
        end = step("End.")


def say_with_choice() -> None:
    class Bad(Journey):
        start = step(say="Hi.", to=["one", "two"])  # here
        one = step("One.")
        two = step("Two.")


def run_with_tools() -> None:
    class Bad(Journey):
        def work(self) -> None: ...

        start = step(run=work)  # here

        @start.tool
        def go(self) -> None: ...


def final_run() -> None:
    class Bad(Journey):
        def work(self) -> None: ...

        start = step(run=work, final=True)  # here


def run_with_arguments() -> None:
    class Bad(Journey):
        def work(self, how: str) -> None: ...  # here

        start = step(run=work)


def waiting_without_model() -> None:
    class Bad(Journey):
        start = step(say="Hi.", awaits_user=True)  # here


def nothing_to_require() -> None:
    class Bad(Journey):
        start = step("Start.", requires_tool=True)  # here


def patience_without_rescue() -> None:
    class Bad(Journey):
        start = step("Start.", patience=3)  # here


def no_patience() -> None:
    class Bad(Journey):
        start = step("Start.", patience=0, stuck="help")  # here
        help = step("Help.")


def two_first_steps() -> None:
    class Bad(Journey):
        start = step("Start.", first=True)
        other = step("Other.", first=True)  # here


def one_step_twice() -> None:
    class Bad(Journey):
        start = step("Start.")  # here
        again = start


def reserved_step() -> None:
    class Bad(Journey):
        forms = step("Start.")  # type: ignore[assignment]  # here


def reserved_field() -> None:
    class Bad(Journey):
        start = step("Start.")
        arrived_in: str = ""  # here


def key_as_field() -> None:
    class Bad(Journey):
        start = step("Start.")
        key: str = "x"  # type: ignore[misc]  # here


def private_field() -> None:
    class Bad(Journey):
        start = step("Start.")
        _name: str = ""  # here


def field_without_default() -> None:
    class Bad(Journey):
        start = step("Start.")
        name: str  # here


def field_without_hint() -> None:
    class Bad(Journey):
        start = step("Start.")
        name = ""  # here


def derived_without_hint() -> None:
    class Bad(Journey):
        start = step("Start.")
        kind: str = ""
        price = derived("kind")  # type: ignore[func-returns-value]  # here


def field_and_method() -> None:
    class Bad(Journey):
        start = step("Start.")
        name: str = ""  # here

        def name(self) -> str:  # type: ignore[no-redef]  # noqa: F811
            return ""


def wrong_field() -> None:
    class Bad(Journey):
        start = step("Start.")
        name: str = pydantic.Field("")  # here


def derived_from_nothing() -> None:
    class Bad(Journey):
        start = step("Start.")
        kind: str = ""
        price: int | None = derived("kindd")  # here


def derived_in_a_circle() -> None:
    class Bad(Journey):
        start = step("Start.")
        one: int | None = derived("two")
        two: int | None = derived("one")  # here


def post_init() -> None:
    class Bad(Journey):
        start = step("Start.")

        def __post_init__(self) -> None:  # here
            pass


class Mixin:
    street: str = ""  # mixin


def mixin_with_fields() -> None:
    class Bad(Mixin, Journey):
        start = step("Start.")


def untyped_parameter() -> None:
    class Bad(Journey):
        start = step("Start.")

        @start.tool  # here
        def go(self, where) -> None: ...  # type: ignore[no-untyped-def]


def starred_parameter() -> None:
    class Bad(Journey):
        start = step("Start.")

        @start.tool  # here
        def go(self, *where: str) -> None: ...


def two_tools_of_one_name() -> None:
    class Bad(Journey):
        start = step("Start.")

        @start.tool
        def go(self) -> None: ...

        @start.tool(name="go")  # here
        def run(self) -> None: ...


def private_tool() -> None:
    class Bad(Journey):
        start = step("Start.")

        @start.tool  # here
        def _go(self) -> None: ...


def reserved_tool() -> None:
    class Bad(Journey):
        start = step("Start.")

        @start.tool  # here
        def reopen(self, step: str) -> None: ...


def static_tool() -> None:
    class Bad(Journey):
        start = step("Start.")

        @start.tool
        @staticmethod
        def go() -> None:  # here
            pass


def unknown_effect() -> None:
    class Bad(Journey):
        start = step("Start.")

        @start.tool(effect="never")  # type: ignore[arg-type]  # here
        def go(self) -> None: ...


def independent_move() -> None:
    class Bad(Journey):
        start = step("Start.")
        end = step("End.")

        @start.tool(to=end, independent=True)  # here
        def go(self) -> None: ...


def sync_timeout() -> None:
    class Bad(Journey):
        start = step("Start.")

        @start.tool(timeout=3)  # here
        def go(self) -> None: ...


def no_time() -> None:
    class Bad(Journey):
        start = step("Start.")

        @start.tool(timeout=0)  # here
        async def go(self) -> None: ...


def guard_by_name() -> None:
    class Bad(Journey):
        start = step("Start.")

        @start.tool(when="adult")  # type: ignore[arg-type]  # here
        def go(self) -> None: ...


def async_guard() -> None:
    class Bad(Journey):
        start = step("Start.")

        async def adult(self) -> bool:  # here
            return True

        @start.tool(when=adult)  # type: ignore[arg-type]
        def go(self) -> None: ...


def guard_with_arguments() -> None:
    class Bad(Journey):
        start = step("Start.")

        def older(self, than: int) -> bool:  # here
            return True

        @start.tool(when=older)  # type: ignore[arg-type]
        def go(self) -> None: ...


def hook_with_arguments() -> None:
    class Bad(Journey):
        start = step("Start.")

        @start.on_enter  # here
        def greet(self, name: str) -> None: ...


def collecting_no_model() -> None:
    class Bad(Journey):
        start = step(collect=dict, to="start")  # type: ignore[type-var]  # here


MISTAKES: dict[Callable[[], None], str] = {
    no_steps: r"has no steps; .*abstract=True",
    unknown_target: r"'go' leads to 'strat'.*did you mean 'start'\?",
    target_of_another_journey: r"<step Other.there>, a step of another journey",
    tool_of_another_journey: r"'go' belongs to Other.start, which is no step of Bad",
    say_to_nowhere: r"step 'start' leads to 'nowhere'.*the steps are: start",
    two_kinds: r"say and collect; a step is one of them",
    form_to_nowhere: r"collects answers, but leads nowhere; give it to=",
    final_with_target: r"is final, but leads on; drop final=True",
    prompt_with_target: r"asks the model.*put to= on one of them",
    say_with_choice: r"has 2 steps in to=",
    run_with_tools: r"no model is asked in it",
    final_run: r"use on_enter",
    run_with_arguments: r"run= takes \(self, how: str\).*self and nothing else",
    waiting_without_model: r"passed by code.*drop awaits_user",
    nothing_to_require: r"requires a tool, but has none",
    patience_without_rescue: r"both patience=.* and stuck=",
    no_patience: r"patience=0; expected 1 or more",
    two_first_steps: r"both 'start' and 'other' are first=True",
    one_step_twice: r"declared as 'start' and as Bad.again; call step",
    reserved_step: r"a step cannot be called 'forms'",
    reserved_field: r"Bad.arrived_in cannot be a field.*choose another name",
    key_as_field: r"Bad.key cannot be a field.*write `key = \.\.\.`",
    private_field: r"Bad._name cannot be a field.*leading underscore",
    field_without_default: r"Bad.name has no default.*\| None = None",
    field_without_hint: r"Bad.name has no type hint.*ClassVar",
    derived_without_hint: r"Bad.price has no type hint",
    field_and_method: r"Bad.name is declared twice.*rename one",
    wrong_field: r"Bad.name uses Pydantic's Field; import Field from",
    derived_from_nothing: r"Bad.price is derived from 'kindd', which is no field; did you mean 'kind'\?",
    derived_in_a_circle: r"Bad.two is derived from itself: two -> one -> two; drop one of these",
    post_init: r"has a __post_init__.*use defaults",
    mixin_with_fields: r"Mixin.street is no field.*class Mixin\(Journey, abstract=True\)",
    untyped_parameter: r"takes 'where' without a type hint.*write `where: \.\.\.`",
    starred_parameter: r"takes \*where: str.*passed by name",
    two_tools_of_one_name: r"two tools called 'go'.*another name=",
    private_tool: r"a tool cannot be called '_go'",
    reserved_tool: r"a tool cannot be called 'reopen'",
    static_tool: r"Bad.go is declared as a tool or hook, but is <staticmethod.*expected a method",
    unknown_effect: r"effect='never'; expected one of: state, read, idempotent, once",
    independent_move: r"is independent, but moves",
    sync_timeout: r"has a timeout, but is not async.*`async def`",
    no_time: r"timeout=0; expected seconds",
    guard_by_name: r"when= of tool 'go' is 'adult'; expected a method",
    async_guard: r"guard 'adult' is async.*keep the answer in a field",
    guard_with_arguments: r"guard 'older' takes \(self, than: int\)",
    hook_with_arguments: r"on_enter takes \(self, name: str\)",
    collecting_no_model: r"collect=<class 'dict'>; expected a Pydantic model",
}


def line_marked(function: Callable[[], None]) -> int:
    """The line that carries the mistake."""
    with open(__file__, encoding="utf-8") as file:  # noqa: PTH123
        lines = file.read().splitlines()
    first = function.__code__.co_firstlineno
    mark = "# mixin" if function is mixin_with_fields else "# here"
    start = 1 if function is mixin_with_fields else first
    return next(number for number, line in enumerate(lines[start - 1 :], start) if line.endswith(mark))


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each.__name__)
def test_a_mistake_is_told_with_its_line_and_the_way_out(mistake: Callable[[], None]):
    with pytest.raises(ConfigurationError) as caught:
        mistake()

    where, _, text = str(caught.value).partition(": ")
    assert re.search(MISTAKES[mistake], text), text
    assert where == f"{__file__}:{line_marked(mistake)}"


def test_good_classes_pass():
    class Good(Journey):
        LIMIT = 3
        names: ClassVar[list[str]] = []
        key = "good"
        version = 3
        text: Annotated[str, "note"] = Field("", description="A text")
        start: Any = step("Start.")

        @property
        def length(self) -> int:
            return len(self.text)

    assert [each.name for each in dataclasses.fields(Good)] == ["text"]
    assert list(Good.definition.steps) == ["start"]


def test_every_public_name_of_a_journey_is_reserved():
    assert {name for name in dir(Other()) if not name.startswith("_")} - {"start", "there"} == RESERVED


def test_a_class_without_a_file_is_told_without_a_line():
    with pytest.raises(ConfigurationError, match=r"^Made.name has no default"):
        type("Made", (Journey,), {"__annotations__": {"name": str}, "__module__": "nowhere", "start": step("Start.")})


def test_an_abstract_journey_holds_no_conversation():
    class Part(Journey, abstract=True):
        name: str = ""

    with pytest.raises(ConfigurationError, match="Part is abstract; derive"):
        Part.agent()
    with pytest.raises(ConfigurationError, match="Part is abstract; derive"):
        Part()
