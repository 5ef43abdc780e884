"""Where a journey may go is decided by code: what is refused, and what then has not happened."""

import logging
from typing import Any, Literal

import pytest

from agent_runtime_core.interfaces import EventType
from agent_runtime_framework.config import override_config
from agent_runtime_framework.journey import Journey, Step, derived, step
from agent_runtime_framework.testing import anthropic_problems, call, openai_problems, say


class Quote(Journey):
    """Acme's quote desk."""

    kind: Literal["car", "home"] | None = None
    age: int | None = None
    price: int | None = derived("kind")

    choose = step("Find out what they want to insure.")
    car = step("Ask for the age.")
    home = step("Ask for the city.")
    offer = step("Offer it for $price.", awaits_user=True)
    done = step(say="You are insured.", final=True)

    def adult(self) -> bool | str:
        return self.age >= 18 or "Only adults can buy."  # type: ignore[operator]  # breaks while the age is unknown

    def priced(self) -> bool:
        return self.price is not None

    @choose.tool(to=[car, home])
    async def pick(self, kind: Literal["car", "home"]) -> Step:
        """Record what they want to insure."""
        self.kind = kind
        return self.car if kind == "car" else self.home

    @car.tool(to=offer)
    def save_age(self, age: int) -> str:
        self.age, self.price = age, 100
        return "Saved."

    @car.tool
    def note_age(self, age: int) -> str:
        self.age = age
        return "Noted."

    @offer.tool(to=done, when=[adult, priced], effect="once")
    def buy(self) -> None: ...


class AtOffer(Quote):
    offer = step("Offer it for $price.", first=True, awaits_user=True)
    age: int | None = 30
    price: int | None = 100


class AtCar(Quote):
    car = step("Ask for the age.", first=True)


class Wandering(Journey):
    """Its tools try what they may not."""

    log: str = ""
    here = step("Here.")
    there = step("There.")
    far = step("Far away.")

    def wander(self, result: Any) -> Any:
        self.log = "changed"
        return result

    @here.tool(to=[there, here])
    def undeclared(self) -> Step:
        return self.wander(self.far)

    @here.tool(to=[there, here])
    def nowhere(self) -> None:
        return self.wander(None)

    @here.tool(to=[there, here])
    def words(self) -> str:
        return self.wander("Just words.")

    @here.tool
    def no_targets(self) -> Step:
        return self.wander(self.there)

    @here.tool(to=there)
    def assigned(self) -> None:
        self.wander(None)
        self.step = self.far

    @here.tool
    def set_by_method(self) -> None:
        self.wander(None)
        self.set_step(self.there)

    @here.tool(to=[there, far])
    def well_assigned(self) -> None:
        self.step = self.far

    @here.tool(to=[there, here])
    def step_and_text(self) -> tuple[Step, str]:
        return self.there, "To there."

    @here.tool(to=[there, here])
    def text_and_step(self) -> tuple[str, Step]:
        return "To there.", self.there

    @here.tool
    def pair(self) -> tuple[int, int]:
        return 1, 2

    @here.tool
    def unstorable(self) -> None:
        self.log = 3  # type: ignore[assignment]


def names(held: Any, request: int) -> list[str]:
    return held.llm.requests[request].tool_names


@pytest.mark.asyncio
async def test_a_returned_step_decides_among_the_targets(hold: Any):
    held = await hold(Quote, call("pick", kind="home"), say("Which city?"))

    assert held.state.step is Quote.home
    assert held.entered == ["home"]


@pytest.mark.asyncio
async def test_prompt_and_tools_follow_the_step_within_the_turn(hold: Any):
    held = await hold(Quote, call("pick", kind="car"), say("How old are you?"))

    assert (names(held, 0), names(held, 1)) == (["pick"], ["save_age", "note_age"])
    assert held.llm.requests[0].system.startswith("Acme's quote desk.")
    assert held.llm.requests[0].system.endswith("Find out what they want to insure.")
    assert held.llm.requests[1].system.endswith("Ask for the age.")


@pytest.mark.asyncio
async def test_a_move_made_in_a_batch_holds_for_the_rest_of_it(hold: Any):
    held = await hold(Quote, [call("pick", kind="car"), call("pick", kind="home")], say("How old?"))

    assert held.state.kind == "car"
    assert held.refused == ["pick"]
    assert held.results[1].startswith("Error: Unknown tool 'pick'. Offered now: save_age, note_age.")


@pytest.mark.parametrize("tool", ["undeclared", "nowhere", "words", "no_targets", "assigned", "set_by_method"])
@pytest.mark.asyncio
async def test_a_move_that_is_not_declared_is_refused_and_nothing_has_happened(
    tool: str, hold: Any, caplog: pytest.LogCaptureFixture
):
    held = await hold(Wandering, call(tool), say("Hm."))

    assert (held.state.step, held.state.log, held.entered) == (Wandering.here, "", [])
    assert held.refused == [tool]
    assert held.results[0].startswith("Error: ")
    assert f"a move of tool '{tool}' was refused" in caplog.text


@pytest.mark.parametrize("tool", ["step_and_text", "text_and_step"])
@pytest.mark.asyncio
async def test_a_step_and_a_text_are_both_taken(tool: str, hold: Any):
    held = await hold(Wandering, call(tool), say("Hm."))

    assert held.state.step is Wandering.there
    assert held.results == ["To there."]


@pytest.mark.asyncio
async def test_a_declared_step_that_is_assigned_is_a_move_like_any_other(hold: Any):
    held = await hold(Wandering, call("well_assigned"), say("Hm."))

    assert held.state.step is Wandering.far
    assert held.entered == ["far"]


@pytest.mark.asyncio
async def test_a_pair_of_anything_else_is_just_a_result(hold: Any):
    held = await hold(Wandering, call("pair"), say("Hm."))

    assert held.results == ["[1, 2]"]


@pytest.mark.asyncio
async def test_a_tool_that_leaves_what_cannot_be_stored_has_failed(hold: Any):
    held = await hold(Wandering, call("unstorable"), say("Hm."))

    assert held.state.log == ""
    assert "log is 3" in held.results[0]


@pytest.mark.parametrize("skipped", ["buy", "save_age", "note_age", "adult", "wander", "to_dict", "_move", "__init__"])
@pytest.mark.asyncio
async def test_what_the_step_does_not_offer_is_refused(skipped: str, hold: Any, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    held = await hold(Quote, call(skipped, age=99), say("Sorry."))

    assert (held.state.kind, held.state.age, held.state.step) == (None, None, Quote.choose)
    assert held.refused == [skipped]
    assert f"Unknown tool '{skipped}'" in held.results[0]
    assert f"call of '{skipped}' refused" in caplog.text


@pytest.mark.asyncio
async def test_a_guard_that_does_not_hold_withholds_its_tool_and_tells_why(hold: Any):
    class Young(AtOffer):
        age: int | None = 12

    held = await hold(Young, call("buy"), say("You are too young."))

    assert held.llm.requests[0].tools is None
    assert held.llm.requests[0].system.endswith("buy is not possible now: Only adults can buy.")
    assert held.results[0] == "Error: buy is not possible now: Only adults can buy. Offered now: none."
    assert (held.refused, held.state.step.name) == (["buy"], "offer")


@pytest.mark.asyncio
async def test_a_guard_that_gives_no_reason_is_named(hold: Any):
    class Unpriced(AtOffer):
        price: int | None = None

    held = await hold(Unpriced, say("No price yet."))

    assert "buy is not possible now: priced does not hold" in held.llm.requests[0].system


@pytest.mark.asyncio
async def test_a_guard_that_breaks_allows_nothing(hold: Any, caplog: pytest.LogCaptureFixture):
    class Unknown(AtOffer):
        age: int | None = None

    held = await hold(Unknown, call("buy"), say("How old are you?"))

    assert (held.refused, held.state.step.name) == (["buy"], "offer")
    assert "guard 'adult' of tool 'buy' failed; the tool is withheld" in caplog.text


@pytest.mark.asyncio
async def test_a_guard_that_breaks_is_raised_in_debug_mode(hold: Any):
    class Unknown(AtOffer):
        age: int | None = None

    with override_config(debug=True), pytest.raises(TypeError):
        await hold(Unknown, say("x"))


@pytest.mark.asyncio
async def test_a_guard_is_asked_again_before_every_call(hold: Any):
    class Once(Journey):
        left: int = 1
        shop = step("Sell.")

        def has_some(self) -> bool | str:
            return self.left > 0 or "It is sold out."

        @shop.tool(when=has_some)
        def sell(self) -> None:
            self.left -= 1

    held = await hold(Once, [call("sell"), call("sell")], say("Sold."))

    assert held.state.left == 0
    assert held.refused == ["sell"]
    assert "It is sold out." in held.results[1]


@pytest.mark.asyncio
async def test_a_step_that_awaits_the_person_runs_nothing_in_the_turn_of_arrival(hold: Any):
    held = await hold(AtCar, [call("save_age", age=30), call("buy")], call("buy"), say("100. Yes or no?"))

    assert held.state.step is Quote.offer
    assert held.refused == ["buy", "buy"]
    assert "the person has not answered yet" in held.results[-1]
    assert [request.options.get("tool_choice") for request in held.llm.requests] == [None, "none", "none"]
    assert names(held, 2) == ["buy"]


@pytest.mark.asyncio
async def test_the_person_s_next_message_opens_it(hold: Any):
    held = await hold(AtCar, call("save_age", age=30), say("100. Yes or no?"))
    reply = await held.say("yes", call("buy"))

    assert reply == "You are insured."
    assert held.state.is_complete()
    assert held.refused == []


@pytest.mark.asyncio
async def test_a_first_step_that_awaits_the_person_waits_for_their_second_message(hold: Any):
    held = await hold(AtOffer, call("buy"), say("100. Yes or no?"))
    assert held.refused == ["buy"]

    await held.say("yes", call("buy"))

    assert held.state.is_complete()


@pytest.mark.asyncio
async def test_arriving_again_waits_again(hold: Any):
    class Again(AtOffer):
        @AtOffer.offer.tool(to="offer")
        def change_price(self, price: int) -> None:
            self.price = price

    held = await hold(Again, say("100?"))
    await held.say("50 and I take it", [call("change_price", price=50), call("buy")], say("50. Yes?"))

    assert (held.state.price, held.refused, held.state.step.name) == (50, ["buy"], "offer")


@pytest.mark.asyncio
async def test_the_history_stays_one_that_providers_take(hold: Any):
    held = await hold(AtCar, [call("save_age", age=30), call("buy")], call("buy"), say("Yes or no?"))
    await held.say("yes", [call("buy"), call("buy")])
    await held.say("thanks a lot, what now?", say("x"))

    for request in held.llm.requests:
        assert openai_problems(request.messages) == []
        assert anthropic_problems(request.messages) == []


@pytest.mark.asyncio
async def test_derived_values_fall_back_when_a_tool_changes_what_they_follow_from(hold: Any):
    class Basket(Journey):
        items: list[str] = []  # noqa: RUF012
        total: int | None = derived("items")
        shop = step("Sell.")

        @shop.tool
        def add(self, item: str) -> None:
            self.items.append(item)

        @shop.tool
        def add_up(self, item: str) -> None:
            self.items.append(item)
            self.total = len(self.items)

    held = await hold(Basket, call("add_up", item="a"), call("add_up", item="b"), say("2"))
    assert held.state.total == 2

    await held.say("more", call("add", item="c"), say("ok"))
    assert held.state.total is None


@pytest.mark.asyncio
async def test_requiring_a_tool_asks_again_with_force_and_then_accepts(hold: Any):
    class Forced(Journey):
        ask = step("Ask.", requires_tool=True)

        @ask.tool
        def save(self, name: str) -> None: ...

    held = await hold(Forced, say("I saved it."), say("Really."))

    assert held.replies == ["Really."]
    assert [request.options for request in held.llm.requests] == [{"tool_choice": "required"}] * 2
    reset = [event for event in held.events if event.type == EventType.ASSISTANT_RESET]
    assert len(reset) == 1


@pytest.mark.asyncio
async def test_nothing_is_required_while_every_tool_is_withheld(hold: Any):
    class Withheld(Journey):
        ask = step("Ask.", requires_tool=True)

        def never(self) -> bool:
            return False

        @ask.tool(when=never)
        def save(self) -> None: ...

    held = await hold(Withheld, say("Not now."))

    assert held.replies == ["Not now."]
    assert held.llm.requests[0].options == {}


class Patient(Journey):
    """Helps out after two turns that brought nothing."""

    code: str = ""
    ask = step("Ask for the code.", patience=2, stuck="help")
    help = step("Offer the choices: $code", patience=1, stuck="handoff")
    handoff = step(say="A colleague will call you.", final=True)
    done = step(say="Thank you.", final=True)

    @ask.tool(to=done)
    @help.tool(to=done)
    def save(self, code: str) -> None:
        self.code = code

    @ask.tool
    def look_up(self) -> str:
        return "Nothing found."


@pytest.mark.asyncio
async def test_when_patience_is_at_its_end_the_journey_goes_on_elsewhere(hold: Any):
    held = await hold(Patient, say("The code?"), say("The code, please?"), said=["eh", "what"])
    assert held.state.step is Patient.ask

    await held.say("hm", say("A or B?"))
    assert held.state.step is Patient.help
    assert held.llm.requests[-1].system.endswith("Offer the choices:")

    await held.say("hm", say("Well?"))
    assert await held.say("hm") == "A colleague will call you."
    reasons = [e.payload.get("reason") for e in held.events if e.type == EventType.STEP_ENTERED]
    assert reasons == ["stuck", "stuck"]


@pytest.mark.asyncio
async def test_a_call_that_succeeds_renews_patience(hold: Any):
    held = await hold(
        Patient,
        *[say("?"), call("look_up"), say("?"), say("?")],
        said=["eh", "look", "hm"],
    )

    assert held.state.step is Patient.ask
    assert held.state.fruitless == 1


@pytest.mark.asyncio
async def test_a_refused_call_does_not_renew_patience(hold: Any):
    held = await hold(Patient, *[call("fly"), say("?")] * 2, said=["eh", "what"])

    assert held.state.fruitless == 2


class Hooked(Journey):
    log: list[str] = []  # noqa: RUF012
    one = step("One.")
    two = step("Two.")

    @one.on_exit
    def leave(self) -> None:
        self.log.append(f"left {self.step.name}")

    @two.on_enter
    async def arrive(self) -> None:
        self.log.append(f"arrived at {self.step.name}")

    @two.on_enter
    def break_down(self) -> None:
        if "boom" in self.log:
            raise RuntimeError("boom")

    @one.tool(to=two)
    def go(self, note: str = "") -> None:
        self.log += [note] if note else []


@pytest.mark.asyncio
async def test_hooks_run_sync_and_async_between_leaving_and_arriving(hold: Any):
    held = await hold(Hooked, call("go"), say("x"))

    assert held.state.log == ["left one", "arrived at two"]


@pytest.mark.asyncio
async def test_a_hook_that_breaks_undoes_the_move_with_the_call(hold: Any):
    held = await hold(Hooked, call("go", note="boom"), say("x"))

    assert (held.state.step, held.state.log) == (Hooked.one, [])
    assert held.results == ["Error executing go: boom"]
