"""Imports point downwards only.

A room may import from lower floors, anywhere. On its own floor it may import from the rooms named in `BESIDE`. Upwards,
only at call time or for type checkers, and only where `DOORS` says why.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parent.parent / "packages"
CORE, FRAMEWORK, DJANGO = "agent_runtime_core", "agent_runtime_framework", "django_agent_runtime"

FLOORS = {
    "errors": 0,
    "config": 1,
    "messages": 1,
    "toolcalls": 1,
    "events": 1,
    "crash_points": 1,
    "approvals": 1,
    "state": 1,
    "executor.policy": 1,
    "executor.turn": 1,
    "tools": 2,
    "prompts": 2,
    "router": 2,
    "journey": 2,
    "store": 2,
    "store.sql": 3,
    "store.sqlite": 3,
    "store.postgres": 3,
    "executor": 3,
    "memory": 3,
    "mcp": 3,
    "agents": 4,
    "runtime": 5,
    "adapters": 5,
    "testing": 6,
    "cli": 6,
    "server": 6,
}
"""The rooms of the framework; the longest name that fits a module is its room."""

BESIDE: dict[tuple[str, str], str] = {
    ("messages", "toolcalls"): "a message holds calls",
    ("executor.turn", "executor.policy"): "a turn keeps to its policy",
    ("executor.turn", "messages"): "a turn is made of messages",
    ("executor.turn", "toolcalls"): "a turn is made of calls",
    ("router", "tools"): "a route is a tool",
    ("journey", "tools"): "a step may offer tools of others",
    ("store.sqlite", "store.sql"): "one text of SQL for all databases",
    ("store.postgres", "store.sql"): "one text of SQL for all databases",
    ("cli", "testing"): "a command runs scenarios, and a conversation becomes one",
    ("cli", "server"): "serving is a command",
    ("server", "testing"): "a conversation becomes a scenario",
}
"""Which room of its own floor a room may import from, with the reason for each; there is no way round in a circle."""

DOORS: dict[tuple[str, str], str] = {
    ("store", "store.sqlite"): "the URL decides which store is opened",
    ("store", "store.postgres"): "the URL decides which store is opened",
    ("testing", "cli"): "a scenario names its agent as the command line does",
    ("journey", "agents"): "a journey makes its own agent",
    ("journey", "executor"): "the types of what that agent is given",
    ("journey", "memory"): "the types of what that agent is given",
}
"""Imports at call time, or for type checkers, that lead upwards, with the reason for each."""

CORE_ALWAYS = {"interfaces", "errors", "registry", "sums", "tools", "callables", "_version"}
CORE_AT_CALL_TIME = {"llm", "testing", "config", "usage", "logs", "masking"}

VENDORS = {"openai", "anthropic", "litellm", "asyncpg", "mcp", "mcp_types", "httpx2"}
"""Each is imported by one module at most."""


@dataclass(frozen=True)
class Import:
    module: str
    target: str
    line: int
    kind: str  # "top", "types" or "call"

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


def modules(package: str) -> dict[str, Path]:
    source = PACKAGES / package / "src"
    found = (path.relative_to(source).with_suffix("") for path in (source / package).rglob("*.py"))
    return {".".join(path.parts).removesuffix(".__init__"): source / path.with_suffix(".py") for path in found}


ALL_MODULES = {name: path for package in (CORE, FRAMEWORK, DJANGO) for name, path in modules(package).items()}


def imports(module: str, source: str, is_package: bool) -> Iterator[Import]:
    package = module if is_package else module.rpartition(".")[0]

    def visit(node: ast.AST, kind: str) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(module, alias.name, node.lineno, kind) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package) if node.level else str(node.module)
            for alias in node.names:
                deeper = f"{base}.{alias.name}"
                yield Import(module, deeper if deeper in ALL_MODULES else base, node.lineno, kind)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            kind = "call"
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for child in node.body:
                yield from visit(child, "types" if kind == "top" else kind)
            for child in node.orelse:
                yield from visit(child, kind)
            return
        for child in ast.iter_child_nodes(node):
            yield from visit(child, kind)

    yield from visit(ast.parse(source), "top")


def imports_of(*packages: str) -> list[Import]:
    return [
        found
        for package in packages
        for module, path in modules(package).items()
        for found in imports(module, path.read_text(encoding="utf-8"), path.name == "__init__.py")
    ]


def room(module: str) -> str | None:
    """The room of a framework module; None for the package itself, which only gathers what the rooms export."""
    name = module.removeprefix(FRAMEWORK).removeprefix(".")
    while name and name not in FLOORS:
        name = name.rpartition(".")[0]
    return name or None


def complaint(found: Import) -> str | None:
    """What is wrong with an import inside the framework."""
    here, there = room(found.module), room(found.target)
    if here is None or here == there:
        return None
    if there is None:
        return None if FLOORS[here] >= 6 else "the package gathers the rooms; import from the room itself"
    if FLOORS[there] < FLOORS[here] or (here, there) in BESIDE or (found.kind != "top" and (here, there) in DOORS):
        return None
    return f"{there} (floor {FLOORS[there]}) is not below {here} (floor {FLOORS[here]})"


def within(package: str, name: str) -> bool:
    return name == package or name.startswith(package + ".")


def test_every_room_has_a_floor():
    homeless = [module for module in modules(FRAMEWORK) if module != FRAMEWORK and room(module) is None]

    assert not homeless, f"give them a floor in {Path(__file__).name}: {homeless}"


def test_framework_imports_point_downwards():
    found = [each for each in imports_of(FRAMEWORK) if within(FRAMEWORK, each.target)]

    assert [f"{each}: {wrong}" for each in found if (wrong := complaint(each))] == []


def test_rooms_beside_each_other_form_no_circle():
    beside: dict[str, set[str]] = {}
    for here, there in BESIDE:
        beside.setdefault(here, set()).add(there)

    TopologicalSorter(beside).prepare()


def test_every_exception_is_needed():
    used = {(room(each.module), room(each.target)) for each in imports_of(FRAMEWORK) if within(FRAMEWORK, each.target)}

    built = {room(module) for module in modules(FRAMEWORK)}

    assert [pair for pair in (*BESIDE, *DOORS) if pair not in used and pair[0] in built] == []


def test_framework_takes_from_core_what_it_may():
    def allowed(found: Import) -> bool:
        part = found.target.removeprefix(CORE).removeprefix(".").partition(".")[0]
        here = room(found.module)
        late = found.kind != "top" or here is None or FLOORS[here] >= 6
        return part in CORE_ALWAYS or (late and part in CORE_AT_CALL_TIME) or (here == "cli" and not part)

    found = [each for each in imports_of(FRAMEWORK) if within(CORE, each.target)]

    assert [str(each) for each in found if not allowed(each)] == []


def test_core_knows_nothing_above_it():
    above = [each for each in imports_of(CORE) if within(FRAMEWORK, each.target) or within(DJANGO, each.target)]

    assert [str(each) for each in above] == []


def test_framework_knows_no_django():
    found = [each for each in imports_of(FRAMEWORK) if within(DJANGO, each.target) or within("django", each.target)]

    assert [str(each) for each in found] == []


def test_django_uses_neither_command_line_nor_server():
    rooms = {"store", "store.sqlite", "store.postgres", "runtime", "journey", "agents", "adapters", "errors", None}
    found = [each for each in imports_of(DJANGO) if within(FRAMEWORK, each.target)]

    assert [str(each) for each in found if room(each.target) not in rooms] == []


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_a_vendor_is_imported_in_one_place(vendor: str):
    found = [each for each in imports_of(CORE, FRAMEWORK, DJANGO) if within(vendor, each.target)]

    assert len({each.module for each in found if each.kind != "types"}) <= 1, [str(each) for each in found]


@pytest.mark.parametrize(
    ("module", "line", "is_right"),
    [
        ("tools.base", "from agent_runtime_framework.errors import X", True),
        ("tools.base", "from agent_runtime_framework.agents import X", False),
        ("tools.base", "from ..agents import X", False),
        ("tools.base", "import agent_runtime_framework.agents.base", False),
        ("tools.base", "def f():\n    from agent_runtime_framework.agents import X", False),
        ("tools.base", "from agent_runtime_framework import agents", False),
        ("tools.base", "from agent_runtime_framework import JourneyAgent", False),
        ("tools.base", "from agent_runtime_framework.prompts import X", False),
        ("tools.base", "from agent_runtime_framework.tools.schema import X", True),
        ("router.intent", "from agent_runtime_framework.tools.schema import X", True),
        ("executor.turn", "from agent_runtime_framework.executor.loop import X", False),
        ("executor.loop", "from agent_runtime_framework.executor.turn import X", True),
        ("store.open", "from agent_runtime_framework.store.sqlite import X", False),
        ("store.open", "def f():\n    from agent_runtime_framework.store.sqlite import X", True),
        ("store.open", "if TYPE_CHECKING:\n    from agent_runtime_framework.store.sqlite import X", True),
    ],
)
def test_the_rules_themselves(module: str, line: str, is_right: bool):
    (found,) = imports(f"{FRAMEWORK}.{module}", line, is_package=False)

    assert (complaint(found) is None) == is_right
