"""Branching: what is insured decides which questions follow; both ways meet at the offer.

agent-runtime chat examples/quote.py
"""

import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from agent_runtime_framework import (
    AgentContext,
    BaseJourneyState,
    BaseJourneyTools,
    JourneyAgent,
    StateSerializer,
    ToolResult,
    ToolSchema,
    ToolSchemaBuilder,
)


class Step(StrEnum):
    CHOOSE_KIND = "choose_kind"
    CAR = "car"
    HOME = "home"
    OFFER = "offer"
    INSURED = "insured"
    DECLINED = "declined"


@dataclass
class QuoteState(BaseJourneyState[Step]):
    step: Step = Step.CHOOSE_KIND
    kind: str = ""
    plate: str = ""
    yearly_km: int = 0
    city: str = ""
    square_metres: int = 0
    price: int = 0

    def is_complete(self) -> bool:
        return self.step == Step.INSURED

    def is_terminal(self) -> bool:
        return self.step in (Step.INSURED, Step.DECLINED)

    def to_dict(self) -> dict[str, Any]:
        return {name: StateSerializer.serialize(value) for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        values = dict(data)
        values["step"] = StateSerializer.deserialize_enum(data.get("step", "choose_kind"), Step)
        return cls(**values)


class QuoteTools(BaseJourneyTools[QuoteState]):
    async def choose_kind(self, kind: str) -> str:
        self.state.kind = kind
        self.state.step = Step.CAR if kind == "car" else Step.HOME
        await self._notify_state_change()
        return f"A {kind} insurance."

    async def save_car(self, plate: str, yearly_km: int) -> ToolResult:
        if not 0 < yearly_km <= 200_000:
            return ToolResult.fail(f"{yearly_km} km a year cannot be insured; it has to be 1 to 200000.")
        self.state.plate = plate.upper()
        self.state.yearly_km = yearly_km
        return await self._offer(180 + yearly_km // 100)

    async def save_home(self, city: str, square_metres: int) -> ToolResult:
        if not 0 < square_metres <= 1_000:
            return ToolResult.fail(f"{square_metres} square metres cannot be insured; it has to be 1 to 1000.")
        self.state.city = city
        self.state.square_metres = square_metres
        return await self._offer(60 + 2 * square_metres)

    async def accept_offer(self) -> str:
        self.state.step = Step.INSURED
        await self._notify_state_change()
        return f"The {self.state.kind} is insured for {self.state.price} euros a year."

    async def decline_offer(self) -> str:
        self.state.step = Step.DECLINED
        await self._notify_state_change()
        return "Nothing was bought."

    async def start_over(self) -> str:
        self.state.__init__()
        await self._notify_state_change()
        return "Back to the beginning."

    async def _offer(self, price: int) -> ToolResult:
        self.state.price = price
        self.state.step = Step.OFFER
        await self._notify_state_change()
        return ToolResult.ok(f"The price is {price} euros a year.")


PROMPTS = {
    Step.CHOOSE_KIND: "Ask what the user wants to insure: a car or a home. Save it with choose_kind.",
    Step.CAR: "Ask for the car's licence plate and the kilometres a year. Save both with save_car.",
    Step.HOME: "Ask for the city and the size in square metres. Save both with save_home.",
    Step.OFFER: (
        "The insurance costs {price} euros a year. Ask whether the user wants to accept the offer. "
        "Call accept_offer on a yes, decline_offer on a no, start_over for another insurance."
    ),
    Step.INSURED: "The {kind} is insured for {price} euros a year. Thank the user.",
    Step.DECLINED: "Nothing was bought. Say goodbye.",
}

TOOLS = {
    Step.CHOOSE_KIND: [
        ToolSchemaBuilder("choose_kind")
        .description("Save what is to be insured")
        .param("kind", "string", "What is insured", required=True, enum=["car", "home"])
        .build()
    ],
    Step.CAR: [
        ToolSchemaBuilder("save_car")
        .description("Save the car's details")
        .param("plate", "string", "The licence plate", required=True)
        .param("yearly_km", "integer", "Kilometres a year", required=True)
        .build()
    ],
    Step.HOME: [
        ToolSchemaBuilder("save_home")
        .description("Save the home's details")
        .param("city", "string", "The city", required=True)
        .param("square_metres", "integer", "The size in square metres", required=True)
        .build()
    ],
    Step.OFFER: [
        ToolSchemaBuilder("accept_offer").description("The user accepts the offer").build(),
        ToolSchemaBuilder("decline_offer").description("The user declines the offer").build(),
        ToolSchemaBuilder("start_over").description("The user wants to insure something else").build(),
    ],
}


class QuoteAgent(JourneyAgent[QuoteState, QuoteTools, Step]):
    @property
    def key(self) -> str:
        return "quote"

    def get_initial_state(self) -> QuoteState:
        return QuoteState()

    def get_system_prompt(self, state: QuoteState) -> str:
        return PROMPTS[state.step].format(price=state.price, kind=state.kind)

    def get_tool_schemas(self, state: QuoteState) -> list[ToolSchema]:
        return TOOLS.get(state.step, [])

    def create_tools(self, state: QuoteState, ctx: AgentContext) -> QuoteTools:
        return QuoteTools(state)

    async def execute_tool(self, tools: QuoteTools, name: str, arguments: dict[str, Any]) -> str:
        return await getattr(tools, name)(**arguments)


if __name__ == "__main__":
    from agent_runtime_framework.cli.main import main

    sys.exit(main(["chat", __file__, *sys.argv[1:]]))
