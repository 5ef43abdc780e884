import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from agent_runtime_core import (
    AgentRuntime,
    FileRunContext,
    InMemoryRunContext,
    MockRunContext,
    RunResult,
    clear_registry,
    get_runtime,
    register_runtime,
    reset_config,
    run_agent,
)
from agent_runtime_core.errors import ProviderUnavailable, RateLimited
from agent_runtime_core.interfaces import JSONObject, RunContext
from agent_runtime_framework import JourneyConfig, StateStore, migrate
from agent_runtime_framework.adapters import DjangoRuntimeAdapter, DjangoStateStore, create_django_runtime
from agent_runtime_framework.adapters.django import RunResultImpl
from agent_runtime_framework.adapters.host import HostedContext
from agent_runtime_framework.config import override_config
from agent_runtime_framework.errors import ConfigurationError, StateError, StateTooNew
from agent_runtime_framework.executor import ExecutorHooks
from agent_runtime_framework.testing import ScriptedLLM, call, say

Signup = Callable[..., DjangoRuntimeAdapter[Any, Any, Any]]
Says = Callable[..., MockRunContext]

NAMED = {"step": "email", "name": "Ada", "email": ""}
DONE = {"step": "done", "name": "Ada", "email": "a@b.org"}


def types(ctx: MockRunContext) -> list[str]:
    return [name for name, _ in ctx.get_events()]


class TestResult:
    @pytest.mark.asyncio
    async def test_a_run_is_one_turn(self, signup: Signup, says: Says):
        llm = ScriptedLLM(call("save_name", name="Ada"), say("And your email?"))

        result = await signup(llm).run(says("I'm Ada"))

        assert type(result) is RunResult is RunResultImpl
        assert result.final_output == {"response": "And your email?", "state": NAMED}
        assert result.usage == {"prompt_tokens": 20, "completion_tokens": 40}
        assert result.artifacts == {}
        asked, answered, said = result.final_messages
        assert asked["role"] == "assistant"
        assert asked["content"] is None
        assert answered == {
            "role": "tool",
            "content": "Saved Ada.",
            "tool_call_id": asked["tool_calls"][0]["id"],
            "name": "save_name",
        }
        assert said == {"role": "assistant", "content": "And your email?"}

    @pytest.mark.asyncio
    async def test_the_result_is_json(self, signup: Signup, says: Says):
        result = await signup(ScriptedLLM(call("save_name", name="Ada"), "Email?")).run(says("I'm Ada"))

        parts = [result.final_output, result.final_messages, result.usage, result.artifacts]
        assert json.loads(json.dumps(parts)) == parts

    @pytest.mark.asyncio
    async def test_prompt_and_tools_follow_the_step_inside_the_run(self, signup: Signup, says: Says):
        llm = ScriptedLLM(call("save_name", name="Ada"), say("And your email?"))

        await signup(llm).run(says("I'm Ada"))

        assert [request.system for request in llm.requests] == ["Ask for the name.", "Ask for the email."]
        assert [request.tool_names[0] for request in llm.requests] == ["save_name", "save_email"]

    @pytest.mark.asyncio
    async def test_a_tool_of_another_step_is_refused(self, signup: Signup, says: Says):
        ctx = says("a@b.org")

        result = await signup(ScriptedLLM(call("save_email", email="a@b.org"), "Your name?")).run(ctx)

        assert "Unknown tool 'save_email'" in result.final_messages[1]["content"]
        assert types(ctx) == ["tool.refused", "assistant.message"]

    @pytest.mark.asyncio
    @pytest.mark.parametrize("limit", [0, 1])
    async def test_the_limit_ends_the_run(self, signup: Signup, says: Says, limit: int):
        llm = ScriptedLLM(call("save_name", name="Ada"))

        result = await signup(llm, max_tool_iterations=limit).run(says("I'm Ada"))

        assert len(llm.requests) == limit
        assert result.final_output["response"] == ("Saved Ada." if limit else "")

    @pytest.mark.asyncio
    async def test_a_terminal_tool_ends_the_run(self, signup: Signup, says: Says):
        llm = ScriptedLLM(call("save_name", name="Ada"))

        result = await signup(llm, terminal_tools={"save_name"}).run(says("I'm Ada"))

        assert result.final_output["response"] == "Saved Ada."

    @pytest.mark.asyncio
    async def test_goodbye_after_the_end_costs_nothing(self, signup: Signup, says: Says):
        ctx = says("Thank you!")
        await ctx.checkpoint(DONE)

        result = await signup(ScriptedLLM()).run(ctx)

        assert result == RunResult(final_output={"response": ""})
        assert ctx.get_checkpoints() == [DONE]

    @pytest.mark.asyncio
    async def test_a_request_after_the_end_is_answered(self, signup: Signup, says: Says):
        ctx = says("Thanks, but please change my email")
        await ctx.checkpoint(DONE)

        result = await signup(ScriptedLLM("That is not possible.")).run(ctx)

        assert result.final_output["response"] == "That is not possible."


class TestEvents:
    @pytest.mark.asyncio
    async def test_the_host_hears_of_everything_in_order(self, signup: Signup, says: Says):
        ctx = says("I'm Ada")

        result = await signup(ScriptedLLM(call("save_name", name="Ada"), "Email?")).run(ctx)

        call_id = result.final_messages[0]["tool_calls"][0]["id"]
        assert ctx.get_events() == [
            ("tool.call", {"name": "save_name", "arguments": {"name": "Ada"}, "tool_call_id": call_id}),
            ("step.entered", {"step": "email", "previous": "name"}),
            ("tool.result", {"name": "save_name", "result": "Saved Ada.", "tool_call_id": call_id}),
            ("assistant.message", {"content": "Email?"}),
        ]

    @pytest.mark.asyncio
    async def test_the_host_hears_of_a_call_before_the_tool_runs(self, signup: Any, says: Says):
        ctx = says("I'm Ada")
        known: list[str] = []

        class Watching(signup):
            async def execute_tool(self, tools: Any, name: str, arguments: dict[str, Any]) -> str:
                known.extend(types(ctx))
                return await super().execute_tool(tools, name, arguments)

        await Watching(ScriptedLLM(call("save_name", name="Ada"), "Email?")).run(ctx)

        assert known == ["tool.call"]

    @pytest.mark.asyncio
    async def test_the_host_hears_of_a_refusal_before_the_next_request(self, signup: Signup, says: Says):
        ctx = says("a@b.org")
        known: list[list[str]] = []

        def answer(_: object) -> str:
            known.append(types(ctx))
            return "Your name?"

        await signup(ScriptedLLM(call("save_email", email="a@b.org"), answer)).run(ctx)

        assert known == [["tool.refused"]]

    @pytest.mark.asyncio
    async def test_the_host_hears_of_a_result_before_the_next_request(self, signup: Signup, says: Says):
        ctx = says("I'm Ada")
        known: list[list[str]] = []

        def answer(_: object) -> str:
            known.append(types(ctx))
            return "Email?"

        await signup(ScriptedLLM(call("save_name", name="Ada"), answer)).run(ctx)

        assert known == [["tool.call", "step.entered", "tool.result"]]

    @pytest.mark.asyncio
    async def test_the_message_comes_after_the_final_checkpoint(self, signup: Signup):
        heard: list[Any] = []
        ctx = InMemoryRunContext(input_messages=[{"role": "user", "content": "hi"}])

        async def on_event(name: str, payload: JSONObject) -> None:
            heard.append((name, await ctx.get_state()))

        ctx._on_event = on_event
        await signup(ScriptedLLM("Your name?")).run(ctx)

        assert heard == [("assistant.message", {"step": "name", "name": "", "email": ""})]

    @pytest.mark.asyncio
    async def test_long_results_are_cut_in_the_event_only(self, signup: Signup, says: Says):
        ctx = says("look")

        result = await signup(ScriptedLLM(call("look_up", size=900), "Found.")).run(ctx)

        assert len(ctx.get_events("tool.result")[0][1]["result"]) == 500
        assert len(result.final_messages[1]["content"]) == 900

    @pytest.mark.asyncio
    async def test_a_host_that_cannot_take_events_does_not_break_the_run(self, signup: Signup, says: Says):
        ctx = says("I'm Ada")

        async def refuse(event_type: object, payload: object) -> None:
            raise OSError("the event bus is down")

        ctx.emit = refuse  # type: ignore[method-assign]
        result = await signup(ScriptedLLM(call("save_name", name="Ada"), "Email?")).run(ctx)

        assert result.final_output["response"] == "Email?"
        assert ctx.get_checkpoints()[-1] == NAMED

    @pytest.mark.asyncio
    async def test_hooks_are_called_too(self, signup: Signup, says: Says):
        seen: list[str] = []

        class Hooks(ExecutorHooks):
            async def on_tool_start(self, name: str, arguments: dict[str, Any]) -> None:
                seen.append(name)

            async def on_complete(self, response: str, stopped_reason: str) -> None:
                seen.append(stopped_reason)

        llm = ScriptedLLM(call("save_name", name="Ada"), "Email?")
        await signup(llm, hooks=Hooks()).run(says("I'm Ada"))

        assert seen == ["save_name", "text_response"]


class TestStreaming:
    @pytest.mark.asyncio
    async def test_pieces_come_while_the_model_writes(self, signup: Signup):
        known: list[list[str]] = []
        ctx = MockRunContext([{"role": "user", "content": "hi"}])

        class Slow(ScriptedLLM):
            async def stream(self, *arguments: Any, **options: Any) -> Any:
                async for chunk in super().stream(*arguments, **options):
                    yield chunk
                    for _ in range(5):
                        await asyncio.sleep(0)
                    known.append([payload["delta"] for _, payload in ctx.get_events("assistant.delta")])

        result = await signup(Slow("What is your name?", pieces=8), stream=True).run(ctx)

        assert known[0] == ["What is"]
        assert "".join(known[-1]) == "What is your name?" == result.final_output["response"]
        assert types(ctx)[-1] == "assistant.message"

    @pytest.mark.asyncio
    async def test_pieces_for_a_busy_host_arrive_as_one(self, signup: Signup):
        free = asyncio.Event()
        ctx = MockRunContext([{"role": "user", "content": "hi"}])
        record = ctx.emit

        async def emit(event_type: Any, payload: JSONObject) -> None:
            await free.wait()
            await record(event_type, payload)

        class Freeing(ScriptedLLM):
            async def stream(self, *arguments: Any, **options: Any) -> Any:
                async for chunk in super().stream(*arguments, **options):
                    await asyncio.sleep(0)
                    yield chunk
                free.set()

        ctx.emit = emit  # type: ignore[method-assign]
        await signup(Freeing("What is your name?", pieces=2), stream=True).run(ctx)

        deltas = [payload["delta"] for _, payload in ctx.get_events("assistant.delta")]
        assert "".join(deltas) == "What is your name?"
        assert len(deltas) == 2

    @pytest.mark.asyncio
    async def test_pieces_come_before_the_call_they_announce(self, signup: Signup, says: Says):
        ctx = says("I'm Ada")

        await signup(ScriptedLLM(["One moment.", call("save_name", name="Ada")], "Email?"), stream=True).run(ctx)

        order = [name for name in types(ctx) if name in ("assistant.delta", "tool.call")]
        assert order[0] == "assistant.delta"
        assert order.index("tool.call") < len(order) - 1

    @pytest.mark.asyncio
    async def test_there_are_none_unless_asked_for(self, signup: Signup, says: Says):
        ctx = says("hi")

        await signup(ScriptedLLM("Your name?")).run(ctx)

        assert types(ctx) == ["assistant.message"]

    @pytest.mark.asyncio
    async def test_a_client_that_cannot_stream_is_asked_for_the_whole(self, signup: Signup, says: Says):
        ctx = says("hi")

        await signup(ScriptedLLM("Your name?", pieces=None), stream=True).run(ctx)

        assert ctx.get_events() == [
            ("assistant.delta", {"delta": "Your name?"}),
            ("assistant.message", {"content": "Your name?"}),
        ]


class TestState:
    @pytest.mark.asyncio
    async def test_it_is_checkpointed_when_it_changes_and_at_the_end(self, signup: Signup, says: Says):
        ctx = says("I'm Ada")

        await signup(ScriptedLLM(call("save_name", name="Ada"), "Email?")).run(ctx)

        assert ctx.get_checkpoints() == [NAMED, NAMED]

    @pytest.mark.asyncio
    async def test_it_is_what_the_host_gives(self, signup: Signup, says: Says):
        ctx = says("a@b.org")
        await ctx.checkpoint(NAMED)
        llm = ScriptedLLM(call("save_email", email="a@b.org"), "Done.")

        result = await signup(llm).run(ctx)

        assert result.final_output["state"] == DONE

    @pytest.mark.asyncio
    async def test_a_store_keeps_it_where_checkpoints_end_with_the_run(self, signup: Signup, says: Says):
        store = StateStore()
        await signup(ScriptedLLM(call("save_name", name="Ada"), "Email?"), state_store=store).run(says("I'm Ada"))

        llm = ScriptedLLM(call("save_email", email="a@b.org"), "Done.")
        result = await signup(llm, state_store=store).run(says("a@b.org"))

        assert result.final_output["state"] == DONE
        assert await store.load_state("ada", "signup") == DONE

    @pytest.mark.asyncio
    async def test_the_host_wins_over_the_store(self, signup: Signup, says: Says):
        store = StateStore()
        await store.save_state("ada", "signup", DONE)
        ctx = says("hi")
        await ctx.checkpoint(NAMED)

        result = await signup(ScriptedLLM("Email?"), state_store=store).run(ctx)

        assert result.final_output["state"] == NAMED

    @pytest.mark.asyncio
    async def test_a_run_without_a_conversation_leaves_the_store_alone(self, signup: Signup):
        store = StateStore()
        await store.save_state("None", "signup", DONE)
        ctx = MockRunContext([{"role": "user", "content": "hi"}])

        result = await signup(ScriptedLLM("Your name?"), state_store=store).run(ctx)

        assert ctx.get_checkpoints() == [result.final_output["state"]]
        assert result.final_output["state"]["step"] == "name"
        assert await store.load_state("None", "signup") == DONE

    @pytest.mark.asyncio
    async def test_a_checkpoint_that_no_longer_fits_is_named_and_left(self, signup: Signup, says: Says):
        ctx = says("hi")
        await ctx.checkpoint({"step": "payment"})

        with pytest.raises(StateError, match=r"conversation 'ada' \(agent 'signup'\) no longer fits State"):
            await signup(ScriptedLLM("Hello.")).run(ctx)

        assert ctx.get_checkpoints() == [{"step": "payment"}]

    @pytest.mark.asyncio
    async def test_a_checkpoint_of_an_earlier_version_is_migrated_and_one_of_a_later_version_refused(
        self, signup: Signup, says: Says
    ):
        class Later(signup):
            version = 2

            @migrate(1, 2)
            @staticmethod
            def renamed(state: dict[str, Any]) -> dict[str, Any]:
                return {**DONE, "step": "name"}

        ctx = says("hi")
        await ctx.checkpoint({"step": "payment"})
        await Later(ScriptedLLM("Hello.")).run(ctx)

        assert (ctx.get_checkpoints()[-1]["step"], ctx.get_checkpoints()[-1]["_version"]) == ("name", 2)
        with pytest.raises(StateTooNew, match="version 2"):
            await signup(ScriptedLLM("Hello.")).run(ctx)

    @pytest.mark.asyncio
    async def test_an_override_reads_older_checkpoints(self, signup: Any, says: Says):
        class Migrating(signup):
            def _state_from_dict(self, data: dict[str, Any]) -> Any:
                return super()._state_from_dict({"email": "", **data})

        ctx = says("hi")
        await ctx.checkpoint({"step": "email", "name": "Ada"})

        result = await Migrating(ScriptedLLM("Email?")).run(ctx)

        assert result.final_output["state"] == NAMED

    @pytest.mark.asyncio
    @pytest.mark.parametrize("checkpoint", [{}, {"_step_executor_state": {"current_step_index": 1}}])
    async def test_a_checkpoint_without_a_state_begins_anew(self, signup: Signup, says: Says, checkpoint: JSONObject):
        ctx = says("hi")
        await ctx.checkpoint(checkpoint)

        result = await signup(ScriptedLLM("Your name?")).run(ctx)

        assert result.final_output["state"]["step"] == "name"

    @pytest.mark.asyncio
    async def test_progress_of_a_workflow_is_no_part_of_the_state(self, says: Says):
        ctx = says("hi")
        await ctx.checkpoint({**NAMED, "_step_executor_state": {"current_step_index": 1}})

        assert await DjangoStateStore(ctx, "signup").load() == NAMED

    @pytest.mark.asyncio
    async def test_the_store_asks_the_host_once_and_sees_what_it_saved(self, says: Says):
        ctx = says("hi")
        await ctx.checkpoint(NAMED)
        store = DjangoStateStore(ctx, "signup")

        first = await store.load()
        await ctx.checkpoint(DONE)
        assert first is not None
        first["name"] = "changed"

        assert await store.load() == NAMED
        await store.save(DONE)
        assert await store.load() == DONE

    @pytest.mark.asyncio
    async def test_a_constructor_may_take_the_callback(self, signup: Any, says: Says):
        class Explicit(signup):
            def create_tools(self, state: Any, ctx: Any, backend_client: Any) -> Any:
                tools = super().create_tools(state, ctx, backend_client)
                tools.on_state_change = self._make_state_callback(ctx)
                return tools

        ctx = says("I'm Ada")
        await Explicit(ScriptedLLM(call("save_name", name="Ada"), "Email?")).run(ctx)

        assert ctx.get_checkpoints() == [NAMED, NAMED]

    @pytest.mark.asyncio
    async def test_an_override_follows_every_change(self, signup: Any, says: Says):
        seen: list[Any] = []

        class Following(signup):
            async def on_state_change(self, ctx: Any, state: Any) -> None:
                seen.append((ctx.conversation_id, state.step))

        ctx = says("I'm Ada")
        await Following(ScriptedLLM(call("save_name", name="Ada"), "Email?")).run(ctx)

        assert seen == [("ada", "email")]
        assert ctx.get_checkpoints() == [NAMED]


class TestFailure:
    @pytest.mark.asyncio
    async def test_a_failing_tool_is_told_to_the_model(self, signup: Signup, says: Says):
        ctx = says("ada")
        await ctx.checkpoint(NAMED)

        result = await signup(ScriptedLLM(call("save_email", email="ada"), "Once more?")).run(ctx)

        assert result.final_messages[1]["content"] == "Error executing save_email: 'ada' is no email address"
        assert result.final_output["state"] == NAMED

    @pytest.mark.asyncio
    async def test_debug_mode_raises_it_and_keeps_the_state(self, signup: Signup, says: Says):
        ctx = says("ada")
        await ctx.checkpoint(NAMED)

        with override_config(debug=True), pytest.raises(ValueError, match="'ada' is no email address"):
            await signup(ScriptedLLM(call("save_email", email="ada"))).run(ctx)

        assert ctx.get_checkpoints()[-1] == NAMED
        assert types(ctx) == ["tool.call"]

    @pytest.mark.asyncio
    async def test_a_run_that_breaks_after_a_tool_keeps_the_state(self, signup: Signup, says: Says):
        ctx = says("I'm Ada")
        llm = ScriptedLLM(call("save_name", name="Ada"), ProviderUnavailable("no answer"))

        with pytest.raises(ProviderUnavailable):
            await signup(llm).run(ctx)

        assert ctx.get_checkpoints()[-1] == NAMED
        assert types(ctx) == ["tool.call", "step.entered", "tool.result"]

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("error", "is_retriable"),
        [
            (RateLimited("slow down", provider="acme", status=429), True),
            (ProviderUnavailable("no answer"), True),
            (OSError("the database is away"), True),
            (StateError("it no longer fits"), False),
            (ConfigurationError("no model"), False),
            (ImportError("install the extra"), False),
        ],
    )
    async def test_a_failure_is_described(self, signup: Signup, says: Says, error: Exception, is_retriable: bool):
        info = await signup(ScriptedLLM()).on_error(says("hi"), error)

        assert (info.type, info.message, info.retriable) == (type(error).__name__, str(error), is_retriable)

    @pytest.mark.asyncio
    async def test_a_failure_without_words_has_a_name(self, signup: Signup, says: Says):
        assert (await signup(ScriptedLLM()).on_error(says("hi"), KeyError())).message == "KeyError"

    @pytest.mark.asyncio
    async def test_what_the_provider_said_is_among_the_details(self, signup: Signup, says: Says):
        error = RateLimited("slow down", provider="acme", status=429)

        info = await signup(ScriptedLLM()).on_error(says("hi"), error)

        assert info.details == {"provider": "acme", "status": 429}

    @pytest.mark.asyncio
    async def test_a_host_reports_the_real_error(self, signup: Signup):
        heard: list[tuple[str, JSONObject]] = []
        agent = signup(ScriptedLLM(RateLimited("slow down")))

        with pytest.raises(RateLimited):
            await run_agent(agent, "hi", on_event=lambda name, payload: heard.append((name, payload)))

        assert heard[-1][0] == "run.failed"
        assert heard[-1][1]["error"] == "slow down"

    @pytest.mark.asyncio
    async def test_a_cancelled_run_asks_no_more(self, signup: Any, says: Says):
        ctx = says("I'm Ada")

        class Cancelled(signup):
            async def execute_tool(self, tools: Any, name: str, arguments: dict[str, Any]) -> str:
                ctx.cancel()
                return await super().execute_tool(tools, name, arguments)

        llm = ScriptedLLM(call("save_name", name="Ada"), "Email?")
        result = await Cancelled(llm).run(ctx)

        assert len(llm.requests) == 1
        assert result.final_output["state"] == NAMED
        assert "assistant.message" not in types(ctx)

    @pytest.mark.asyncio
    async def test_a_run_cancelled_before_it_began_asks_nothing(self, signup: Signup, says: Says):
        ctx = says("hi")
        ctx.cancel()
        llm = ScriptedLLM()

        await signup(llm).run(ctx)

        assert llm.requests == []

    @pytest.mark.asyncio
    async def test_a_timeout_passes_and_keeps_what_tools_did(self, signup: Signup, says: Says):
        ctx = says("I'm Ada")

        llm = ScriptedLLM(call("save_name", name="Ada"), asyncio.CancelledError())
        with pytest.raises(asyncio.CancelledError):
            await signup(llm).run(ctx)

        assert ctx.get_checkpoints()[-1] == NAMED


class TestContext:
    @pytest.mark.asyncio
    async def test_it_is_an_agent_context_with_all_the_host_has(self, signup: Any, says: Says):
        seen: list[HostedContext] = []

        class Curious(signup):
            def create_tools(self, state: Any, ctx: HostedContext, backend_client: Any) -> Any:
                seen.append(ctx)
                return super().create_tools(state, ctx, backend_client)

        ctx = says("I'm Ada", metadata={"user_id": 7}, params={"lang": "en"})
        await Curious(ScriptedLLM(call("save_name", name="Ada"), "Email?")).run(ctx)

        hosted = seen[0]
        assert hosted.get_user_message() == "I'm Ada"
        assert (hosted.run_id, hosted.conversation_id) == (ctx.run_id, "ada")
        assert hosted.metadata == {"user_id": 7}
        assert hosted.params == {"lang": "en"}
        assert hosted.run_context is ctx
        assert isinstance(hosted, RunContext)
        assert hosted.cancelled() is False

    def test_what_neither_has_is_an_attribute_error(self, says: Says):
        hosted = HostedContext.of(says("hi"), [])

        assert not hasattr(hosted, "colour")

    @pytest.mark.asyncio
    async def test_earlier_tool_calls_are_repaired(self, signup: Signup, says: Says):
        calls = [{"id": "c1", "type": "function", "function": {"name": "save_name", "arguments": "{}"}}]
        llm = ScriptedLLM(call("save_name", name="Ada"), "Email?")

        result = await signup(llm).run(says("I'm Ada", {"role": "assistant", "tool_calls": calls}))

        assert [message["role"] for message in llm.requests[0].messages] == ["system", "assistant", "tool", "user"]
        assert result.final_messages[0]["tool_calls"][0]["id"] != "c1"

    @pytest.mark.asyncio
    async def test_a_window_limits_the_history(self, signup: Signup, says: Says):
        llm = ScriptedLLM("Your name?")
        earlier = [{"role": "user", "content": str(number)} for number in range(9)]

        await signup(llm, config=JourneyConfig(context=2)).run(says("hi", *earlier))

        assert [message["content"] for message in llm.requests[0].messages[1:]] == ["8", "hi"]

    @pytest.mark.asyncio
    async def test_in_memory_contexts_will_do(self, signup: Signup):
        ctx = InMemoryRunContext(input_messages=[{"role": "user", "content": "I'm Ada"}])

        await signup(ScriptedLLM(call("save_name", name="Ada"), "Email?")).run(ctx)

        assert await ctx.get_state() == NAMED
        assert ctx.events[-1]["payload"] == {"content": "Email?"}

    @pytest.mark.asyncio
    async def test_file_contexts_will_do(self, signup: Signup, tmp_path: Path):
        def ctx(text: str) -> FileRunContext:
            said = [{"role": "user", "content": text}]
            return FileRunContext(UUID(int=1), checkpoint_dir=tmp_path, input_messages=said)

        await signup(ScriptedLLM(call("save_name", name="Ada"), "Email?")).run(ctx("I'm Ada"))
        result = await signup(ScriptedLLM(call("save_email", email="a@b.org"), "Done.")).run(ctx("a@b.org"))

        assert result.final_output["state"] == DONE

    @pytest.mark.asyncio
    async def test_the_least_a_host_can_offer_will_do(self, signup: Signup):
        @dataclass
        class Bare:
            input_messages: list[Any]
            events: list[Any]
            state: Any = None

            async def get_state(self) -> Any:
                return self.state

            async def checkpoint(self, state: Any) -> None:
                self.state = state

            async def emit(self, event_type: str, payload: Any) -> None:
                self.events.append((event_type, payload))

        ctx: Any = Bare([{"role": "user", "content": "hi"}], [])
        await signup(ScriptedLLM("Your name?")).run(ctx)

        assert ctx.events == [("assistant.message", {"content": "Your name?"})]
        assert ctx.state["step"] == "name"

    @pytest.mark.asyncio
    async def test_a_host_that_gives_no_state_but_a_list_is_named(self, signup: Signup, says: Says):
        ctx = says("hi")

        async def get_state() -> Any:
            return ["email"]

        ctx.get_state = get_state  # type: ignore[method-assign]
        with pytest.raises(StateError, match=r"get_state\(\) gave \['email'\]"):
            await signup(ScriptedLLM("hi")).run(ctx)


class TestClients:
    @pytest.mark.asyncio
    async def test_the_backend_client_reaches_the_tools(self, signup: Any, says: Says):
        class Backed(signup):
            async def execute_tool(self, tools: Any, name: str, arguments: dict[str, Any]) -> str:
                return tools.backend_client

        llm = ScriptedLLM(call("save_name", name="Ada"), "Email?")
        result = await Backed(llm, "the backend").run(says("I'm Ada"))

        assert result.final_messages[1]["content"] == "the backend"

    @pytest.mark.asyncio
    async def test_clients_may_be_chosen_by_run_and_asynchronously(self, signup: Any, says: Says):
        class PerTenant(signup):
            async def get_llm_client(self, ctx: HostedContext) -> Any:
                return ScriptedLLM(f"Hello from {ctx.metadata['tenant']}.")

            async def get_backend_client(self, ctx: HostedContext) -> Any:
                return object()

        result = await PerTenant().run(says("hi", metadata={"tenant": "acme"}))

        assert result.final_output["response"] == "Hello from acme."

    @pytest.mark.asyncio
    async def test_without_a_client_the_core_is_asked(self, signup: Signup, says: Says, monkeypatch: Any):
        for name in ("OPENAI_API_KEY", "AGENT_RUNTIME_MODEL_PROVIDER", "AGENT_RUNTIME_DEFAULT_MODEL"):
            monkeypatch.delenv(name, raising=False)
        reset_config()

        with pytest.raises((ConfigurationError, ImportError)) as caught:
            await signup().run(says("hi"))

        assert "get_llm_client" in str([entry.name for entry in caught.traceback])
        reset_config()

    def test_arguments_are_kept_under_their_old_names(self, signup: Signup):
        llm = ScriptedLLM()

        adapter = signup(llm, "backend", 3, ["save_name"])

        assert adapter._llm_client is llm
        assert adapter._backend_client == "backend"
        assert adapter._max_tool_iterations == 3
        assert adapter._terminal_tools == {"save_name"}

    def test_the_limit_is_ten_unless_something_is_said(self, signup: Signup):
        assert signup()._max_tool_iterations == 10
        assert signup(config=JourneyConfig(max_tool_iterations=4))._max_tool_iterations == 4
        assert signup(None, None, 2, config=JourneyConfig(max_tool_iterations=4))._max_tool_iterations == 2


class TestRuntime:
    def test_it_can_be_registered(self, signup: Any):
        runtime = create_django_runtime(signup, llm_client=ScriptedLLM(), terminal_tools={"save_email"})

        register_runtime(runtime)

        assert get_runtime("signup") is runtime
        assert isinstance(runtime, AgentRuntime)
        clear_registry()

    @pytest.mark.parametrize(
        "missing", ["key", "get_initial_state", "get_system_prompt", "get_tool_schemas", "create_tools"]
    )
    def test_an_incomplete_one_cannot_be_created(self, signup: Any, missing: str):
        incomplete = type("Incomplete", (signup,), {missing: getattr(DjangoRuntimeAdapter, missing)})

        with pytest.raises(TypeError, match=missing):
            incomplete()

    @pytest.mark.asyncio
    async def test_one_adapter_serves_many_runs_at_once(self, signup: Signup):
        def reply(request: Any) -> Any:
            words = request.messages[-1]["content"]
            return call("save_name", name=words) if request.messages[-1]["role"] == "user" else words

        adapter = signup(ScriptedLLM(*[reply] * 40))
        names = [uuid4().hex for _ in range(20)]
        runs = [adapter.run(MockRunContext([{"role": "user", "content": name}])) for name in names]

        results = await asyncio.gather(*runs)

        assert [result.final_output["state"]["name"] for result in results] == names
