"""A person who falls silent: reminded after two hours and after a day, and let go after a week.

python examples/short/reminders.py             the week in a moment
agent-runtime chat examples/short/reminders.py
"""

import asyncio
from datetime import datetime, timedelta

from agent_runtime_core import ManualClock
from agent_runtime_core.llm import get_llm_client
from agent_runtime_framework import Journey, Step, expire, remind, step
from agent_runtime_framework.runtime import Runtime


class Insurance(Journey):
    """The desk of a small insurer. Brief and friendly."""

    plate: str = ""
    yearly_km: int = 0

    ask_plate = step("Ask for the licence plate.")
    ask_km = step("Ask how many kilometres they drive a year.")
    offer = step(
        "Offer the insurance for $plate at 300 euros a year. Ask whether they want it.",
        awaits_user=True,
        on_idle=[
            remind("1d", say="Your offer for $plate is still here."),
            remind("3d", tell="They have not answered for three days. Ask what keeps them, in one sentence."),
            expire("7d", to="put_away"),
        ],
    )
    insured = step(say="$plate is insured.", final=True)
    put_away = step(say="I have put your request away. Write to me, and we go on where we were.", to="resume")
    resume = step("Ask whether to go on with the request. What is known: $recap.")

    on_idle = (remind("2h", say="Are you still there? $recap"), expire("7d", to=put_away))

    @ask_plate.tool(to=ask_km, effect="state")
    def save_plate(self, plate: str) -> str:
        """Save the licence plate."""
        self.plate = plate
        return f"Saved {plate}."

    @ask_km.tool(to=offer, effect="state")
    def save_km(self, yearly_km: int) -> str:
        """Save the kilometres a year."""
        self.yearly_km = yearly_km
        return f"Saved {yearly_km} km."

    @offer.tool(to=insured, effect="once")
    def accept_offer(self) -> str:
        """Accept the offer."""
        return "Insured."

    @resume.tool(to=[ask_plate, ask_km, offer], effect="state")
    def go_on(self) -> Step:
        """Go on with the request."""
        return self.offer if self.yearly_km else self.ask_km if self.plate else self.ask_plate


async def a_week_in_a_moment() -> None:
    """Say something, fall silent, and see what comes, without waiting for it."""
    clock = ManualClock(datetime.fromisoformat("2026-01-05T09:00:00+00:00"))
    async with Runtime("memory://", [Insurance], llm_client=get_llm_client("offline"), clock=clock) as runtime:
        say = "My plate is B-AL 42"
        reply = await runtime.send("ada", say)
        print(f"{clock.now():%a %H:%M}  ada: {say}\n{clock.now():%a %H:%M}  desk: {reply}")  # noqa: T201  it is a demo
        while timers := await runtime.timers("ada"):
            clock.set_forward(datetime.fromisoformat(timers[0].due_at) - clock.now())
            for reply in await runtime.fire_due():
                print(f"{clock.now():%a %H:%M}  desk: {reply}")  # noqa: T201
        clock.set_forward(timedelta(days=2))
        reply = await runtime.send("ada", "I am back, go on please")
        print(f"{clock.now():%a %H:%M}  ada: I am back, go on please\n{clock.now():%a %H:%M}  desk: {reply}")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(a_week_in_a_moment())
