"""The same intake as a class, and a journey of ten steps to be imported."""

from __future__ import annotations

from agent_runtime_framework import Journey, step


class ShortIntake(Journey):
    name: str = ""
    email: str = ""
    phone: str = ""
    city: str = ""
    plan: str = ""
    rounds: int = 0

    ask_name = step("Ask for the name and save it with save_name.")
    ask_email = step("Ask for the email and save it with save_email.")
    ask_phone = step("Ask for the phone and save it with save_phone.")
    ask_city = step("Ask for the city and save it with save_city.")
    ask_plan = step("Ask for the plan and save it with save_plan.")

    @ask_name.tool(to=ask_email, effect="state")
    async def save_name(self, value: str) -> str:
        """Save the name."""
        self.name = value
        return "Saved."

    @ask_email.tool(to=ask_phone, effect="state")
    async def save_email(self, value: str) -> str:
        """Save the email."""
        self.email = value
        return "Saved."

    @ask_phone.tool(to=ask_city, effect="state")
    async def save_phone(self, value: str) -> str:
        """Save the phone."""
        self.phone = value
        return "Saved."

    @ask_city.tool(to=ask_plan, effect="state")
    async def save_city(self, value: str) -> str:
        """Save the city."""
        self.city = value
        return "Saved."

    @ask_plan.tool(to=ask_name, effect="state")
    async def save_plan(self, value: str) -> str:
        """Save the plan."""
        self.plan = value
        self.rounds += 1
        return "Saved."


TEN_STEPS = """
import datetime, decimal, enum, pydantic
from agent_runtime_framework import Field, Journey, derived, step

class Address(pydantic.BaseModel):
    street: str
    city: str

class Ten(Journey):
    \"\"\"Acme.\"\"\"
    address: Address | None = None
    born: datetime.date | None = None
    price: decimal.Decimal | None = derived("born")
    names: list[str] = Field(default_factory=list)
""" + "".join(
    f"""
    step_{number} = step("Step {number}, $price.")

    @step_{number}.tool(to="step_{(number + 1) % 10}", effect="state")
    def save_{number}(self, value: str, day: datetime.date) -> str:
        \"\"\"Save it.\"\"\"
        return value
"""
    for number in range(10)
)
"""A module as an author writes it; made ready for its first turn by `READY`."""

READY = """
agent, state = Ten.agent(), Ten()
for name in Ten.definition.steps:
    state.step = name
    agent.get_tool_schemas(state)
state.to_dict()
"""
