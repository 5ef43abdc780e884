"""A database that an earlier version of the packages has written opens, and everything in it goes on or ends.

The databases are in `fixtures/databases`, each named by the schema it has; `write.py` there adds the present one.
"""

import asyncio
import gzip
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agent_runtime_framework.messages import INTERRUPTED
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.runtime.stranding import prospects
from agent_runtime_framework.store.open import open_durable_store
from agent_runtime_framework.store.sqlite.schema import migrations
from agent_runtime_framework.testing.invariants import broken_invariants

FOLDER = Path(__file__).parent / "fixtures" / "databases"
sys.path.append(str(FOLDER))

from desk_of_fixtures import Counter, Desk, Outside, Puppet, agents  # noqa: E402

KEPT = sorted(FOLDER.glob("*.db.gz"))
MOST_BYTES = 200_000
SECONDS = 20


@pytest.fixture(params=KEPT, ids=lambda path: path.name)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "chat.db"
    path.write_bytes(gzip.decompress(request.param.read_bytes()))
    return path


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest_asyncio.fixture
async def chats(database: Path, outside: Outside) -> AsyncIterator[Runtime]:
    async with Runtime(f"sqlite:///{database}", agents=agents(Puppet(), outside)) as runtime:
        async with asyncio.timeout(SECONDS):
            for conversation in ("half-way", "cut-off", "waiting"):
                await runtime.reply_to(conversation, "m1")
        yield runtime


@pytest.mark.asyncio
async def test_a_turn_that_was_left_half_way_goes_on_and_repeats_nothing(chats: Runtime, outside: Outside) -> None:
    reply = await chats.reply_to("half-way", "m1")

    assert (reply.status, reply.text) == ("answered", "charge is done.")
    assert (await chats.state("half-way")).charged == 1
    assert outside.done == []


@pytest.mark.asyncio
async def test_a_call_that_was_cut_off_is_told_as_unknown_and_not_run_again(chats: Runtime, outside: Outside) -> None:
    assert (await chats.reply_to("cut-off", "m1")).text == INTERRUPTED
    assert outside.done == []


@pytest.mark.asyncio
async def test_a_message_that_waited_is_answered(chats: Runtime) -> None:
    assert (await chats.reply_to("waiting", "m1")).text == "Noted."
    assert (await chats.state("waiting")).name == "Ada"


@pytest.mark.asyncio
async def test_a_call_that_waits_for_a_person_still_can_be_approved(chats: Runtime, outside: Outside) -> None:
    (pending,) = await chats.pending("paused")
    await chats.approve("paused", pending.call_id, by="eve")
    reply = await chats.reply_to("paused", "m1")

    assert (reply.status, reply.text, outside.done) == ("answered", "refund is done.", ["refund"])


@pytest.mark.asyncio
async def test_a_person_still_has_the_conversation_and_can_hand_it_back(chats: Runtime) -> None:
    assert [each.conversation_id for each in await chats.handed_over()] == ["with-a-person"]
    await chats.say("with-a-person", "I am here.", by="eve")
    await chats.hand_back("with-a-person", by="eve")

    assert (await chats.send("with-a-person", "do: note")).text == "Noted."


@pytest.mark.asyncio
async def test_finished_and_open_conversations_are_as_they_were_and_go_on(chats: Runtime) -> None:
    assert (await chats.state("finished")).step == Desk.done
    assert [each.content for each in await chats.history("finished") if each.role == "user"] == ["do: note", "do: buy"]
    again = await chats.send("finished", "do: note", message_id="m1")
    assert (again.text, len(await chats.turns("finished"))) == ("Noted.", 2)
    assert (await chats.send("open", "do: buy")).text == "Done, Ada."
    assert (await chats.send("long", "do: count")).text == "2"
    assert (await chats.send("form", "12 High Street")).status == "answered"


@pytest.mark.asyncio
async def test_nothing_is_wrong_with_it_afterwards(chats: Runtime, database: Path) -> None:
    (pending,) = await chats.pending("paused")
    await chats.reject("paused", pending.call_id)
    await chats.reply_to("paused", "m1")
    await chats.aclose()

    assert broken_invariants(database) == []
    connection = sqlite3.connect(database)
    (version,) = connection.execute("SELECT max(version) FROM schema_version").fetchone()
    connection.close()
    assert version == len(migrations())


@pytest.mark.asyncio
async def test_no_conversation_in_it_would_be_stranded(database: Path) -> None:
    store = open_durable_store(f"sqlite:///{database}")
    found = [
        each
        for agent in (Desk.agent(Puppet(), provide=[Outside()]), Counter(Puppet()))
        async for each in prospects(agent, store)
    ]
    await store.aclose()

    assert {each.conversation_id for each in found} >= {"open", "half-way", "cut-off", "paused", "long"}
    assert [each for each in found if each.problems] == []


def test_a_database_can_be_written_for_the_versions_to_come(tmp_path: Path) -> None:
    written = subprocess.run(
        [sys.executable, FOLDER / "write.py", "--into", tmp_path], capture_output=True, text=True, check=False
    )

    assert written.returncode == 0, written.stderr
    assert [each.name for each in tmp_path.iterdir()] == [f"sqlite-{migrations()[-1][0]}.db.gz"]


def test_they_are_few_bytes() -> None:
    assert sum(each.stat().st_size for each in KEPT) < MOST_BYTES
