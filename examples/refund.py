"""A person decides: large refunds wait for one, and so does whoever asks for a person.

    python examples/refund.py refund.db

You are the customer. What starts with a slash is said and done at the other side of the desk: `/pending`,
`/approve`, `/reject REASON`, `/say WORDS`, `/back NOTE`. End the program whenever you like, and start it again.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from agent_runtime_core.llm import get_llm_client
from agent_runtime_framework import Journey, step
from agent_runtime_framework.journey import IdempotencyKey
from agent_runtime_framework.runtime import Runtime


class Refunds(Journey):
    """The refund desk of a small shop. Brief and friendly."""

    refunded: int = 0

    serve = step("Ask how much they want back.")
    human = step(say="I get a colleague for you.", handoff="support", to=serve)
    done = step(say="$refunded euros are on their way.", final=True)

    def large(self, amount: int) -> bool | str:
        return amount > 50 and f"{amount} euros are more than the desk may give back"

    @serve.tool(to=done, effect="once", requires_approval=large, approval_note="I have to ask about that.")
    async def refund(self, amount: int, key: IdempotencyKey) -> None:
        """Give money back.

        Args:
            amount: How much, in full euros.
            key: Names this very refund, for whoever pays it out.
        """
        self.refunded += amount

    @serve.tool(to=human, effect="state")
    async def call_colleague(self) -> None:
        """Call a colleague, a human person."""


async def at_the_desk(runtime: Runtime, command: str, words: str) -> object:
    pending = await runtime.pending("you")
    match command:
        case "/approve" if pending:
            await runtime.approve("you", pending[0].call_id, by="anna")
        case "/reject" if pending:
            await runtime.reject("you", pending[0].call_id, by="anna", reason=words)
        case "/say":
            return (await runtime.say("you", words, by="anna")).status
        case "/back":
            return await runtime.hand_back("you", by="anna", note=words)
        case _:
            return [f"{each.tool} {each.arguments}: {each.reason}" for each in pending]
    return await runtime.reply_to("you", f"turn {pending[0].turn}")


async def main(store: str) -> None:
    async with Runtime(f"sqlite:///{store}", agents=[Refunds], llm_client=get_llm_client("offline")) as runtime:
        async for line in lines():
            command, _, words = line.partition(" ")
            if line.startswith("/"):
                sys.stdout.write(f"  {await at_the_desk(runtime, command, words)}\n")
                continue
            # Named after its turn, so that a later start of the program finds the reply.
            name = f"turn {len(await runtime.turns('you')) + 1}"
            reply = await runtime.send("you", line, message_id=name, policy="reject")
            sys.stdout.write(f"{reply.text or '(nothing is answered)'}\n")


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        if line.strip():
            yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "refund.db"))
