from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.testing import ScriptedLLM, say
from agent_runtime_framework.testing.invariants import select

DOCS = Path(__file__).parents[5] / "docs" / "how-to"
QUERIES = [
    query.strip()
    for page in ("postgresql.md", "growing.md")
    for query in re.findall(r"```sql\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
]


class Greeter(Journey):
    """Greets."""

    greet = step("Greet.")


@pytest.mark.asyncio
async def test_the_queries_of_the_documentation_answer(postgres_url: str) -> None:
    async with Runtime(postgres_url, agents=[Greeter], llm_client=ScriptedLLM(say("Hello."))) as chats:
        await chats.send("ada", "hi")

    found = [select(postgres_url, query) for query in QUERIES]
    assert len(found) == 6
    assert found[0] == [(1, "user", "hi"), (2, "assistant", "Hello.")]
    assert [row[0] for row in found[3]] == ["answered"]
