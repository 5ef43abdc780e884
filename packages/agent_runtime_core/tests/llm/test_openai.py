"""What is OpenAI's own, or that of the servers that speak its protocol."""

# `_client` is part of the documented API.
# pyright: reportPrivateUsage=false

from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel

from agent_runtime_core import override_config
from agent_runtime_core.errors import ConfigurationError, InvalidRequest, OpenAIConfigurationError
from agent_runtime_core.fake_provider import FakeProvider, Fault, Reply, call
from agent_runtime_core.llm.chat_stream import ChatAssembler
from agent_runtime_core.llm.openai import OpenAIClient

HELLO = [{"role": "user", "content": "hello"}]
SAVE, SKIP = ({"type": "function", "function": {"name": name}} for name in ("save", "skip"))
PERSONA = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
SYSTEM = {"role": "system", "content": [PERSONA, {"type": "text", "text": "Ask for the name."}]}


class Person(BaseModel):
    name: str
    age: int = 0


async def sent(fake: FakeProvider, client: OpenAIClient, messages: Any = HELLO, **options: Any) -> dict[str, Any]:
    fake.script(Reply("ok"))
    await client.generate(messages, **options)
    return fake.requests[-1].body


def as_openai(client: OpenAIClient) -> OpenAIClient:
    """The client, made to believe that it talks to OpenAI itself."""
    client._is_openai = client._tail_last = True
    return client


def test_missing_key_is_named() -> None:
    with pytest.raises(OpenAIConfigurationError, match="OPENAI_API_KEY"):
        OpenAIClient()


def test_error_class_exists_once() -> None:
    from agent_runtime_core import llm
    from agent_runtime_core.llm import openai

    assert llm.OpenAIConfigurationError is openai.OpenAIConfigurationError is OpenAIConfigurationError


def test_key_comes_from_argument_then_configuration_then_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    assert OpenAIClient()._client.api_key == "from-environment"
    with override_config(openai_api_key="from-configuration"):
        assert OpenAIClient()._client.api_key == "from-configuration"
        assert OpenAIClient("from-argument")._client.api_key == "from-argument"


def test_configured_key_does_not_go_to_a_plain_address_a_caller_names() -> None:
    with override_config(openai_api_key="secret-key-1"):
        assert OpenAIClient(base_url="http://127.0.0.1:1/v1")._client.api_key == "not-needed"
        assert OpenAIClient(base_url="https://example.com/v1")._client.api_key == "secret-key-1"
    with override_config(openai_api_key="secret-key-1", openai_base_url="http://127.0.0.1:1/v1"):
        assert OpenAIClient()._client.api_key == "secret-key-1"


def test_sdk_does_not_retry() -> None:
    assert OpenAIClient("key")._client.max_retries == 0


def test_default_model_is_the_configured_one_if_it_is_openais() -> None:
    assert OpenAIClient("key").default_model == "gpt-4o"
    assert OpenAIClient("key", "gpt-4.1").default_model == "gpt-4.1"
    with override_config(default_model="openai/gpt-5.5"):
        assert OpenAIClient("key").default_model == "gpt-5.5"
    with override_config(default_model="claude-opus-5-5"):
        assert OpenAIClient("key").default_model == "claude-opus-5-5"
    with override_config(default_model="claude-opus-5-5", model_provider="anthropic"):
        assert OpenAIClient("key").default_model == "gpt-4o"


@pytest.mark.asyncio
async def test_server_at_an_address_is_asked_once_for_its_model(fake: FakeProvider, openai_client: Any) -> None:
    fake.models = ["qwen", "other"]
    client = openai_client(default_model=None)

    first, second = await sent(fake, client), await sent(fake, client)

    assert (first["model"], second["model"], client.default_model) == ("qwen", "qwen", "qwen")
    assert [request.method for request in fake.requests] == ["GET", "POST", "POST"]


@pytest.mark.asyncio
async def test_server_without_a_model_says_so(fake: FakeProvider, openai_client: Any) -> None:
    fake.models = []

    with pytest.raises(InvalidRequest, match="lists no models"):
        await openai_client(default_model=None).generate(HELLO)


@pytest.mark.asyncio
async def test_history_is_sent_with_the_keys_the_protocol_knows(fake: FakeProvider, openai_client: Any) -> None:
    history = [
        {"role": "user", "content": "hi", "metadata": {"seen": True}, "name": "ada"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "name": "save", "arguments": {"a": 1}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ]

    body = await sent(fake, openai_client(), history)

    saved = {"id": "c1", "type": "function", "function": {"name": "save", "arguments": '{"a": 1}'}}
    assert body["messages"] == [
        {"role": "user", "content": "hi", "name": "ada"},
        {"role": "assistant", "content": "", "tool_calls": [saved]},
        {"role": "tool", "content": "done", "tool_call_id": "c1"},
    ]


@pytest.mark.asyncio
async def test_content_blocks_pass_through(fake: FakeProvider, openai_client: Any) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}

    body = await sent(fake, openai_client(), [{"role": "user", "content": [{"type": "text", "text": "?"}, image]}])

    assert body["messages"][0]["content"][1] == image


@pytest.mark.asyncio
async def test_marked_system_prompt_is_split_around_the_turns(fake: FakeProvider, openai_client: Any) -> None:
    body = await sent(fake, as_openai(openai_client()), [SYSTEM, *HELLO])

    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hello"},
        {"role": "system", "content": "Ask for the name."},
    ]


@pytest.mark.asyncio
async def test_other_servers_get_one_system_text_in_front(fake: FakeProvider, openai_client: Any) -> None:
    late = {"role": "system", "content": "Hurry."}

    body = await sent(fake, openai_client(), [SYSTEM, *HELLO, late])

    assert body["messages"] == [
        {"role": "system", "content": "Be brief.\n\nAsk for the name.\n\nHurry."},
        {"role": "user", "content": "hello"},
    ]


@pytest.mark.asyncio
async def test_tail_can_be_placed_by_hand(fake: FakeProvider, openai_client: Any) -> None:
    body = await sent(fake, openai_client(tail="last"), [SYSTEM, *HELLO])

    assert [message["role"] for message in body["messages"]] == ["system", "user", "system"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ("any", "required"),
        ("save", {"type": "function", "function": {"name": "save"}}),
        (
            {"type": "function", "function": {"name": "save"}},
            {"type": "function", "function": {"name": "save"}},
        ),
    ],
    ids=str,
)
async def test_tool_choice_is_put_in_the_protocols_form(
    fake: FakeProvider, openai_client: Any, choice: Any, expected: Any
) -> None:
    body = await sent(fake, openai_client(), tools=[SAVE, SKIP], tool_choice=choice)

    assert body["tool_choice"] == expected


@pytest.mark.asyncio
async def test_choice_without_tools_is_not_sent(fake: FakeProvider, openai_client: Any) -> None:
    assert "tool_choice" not in await sent(fake, openai_client(), tools=[], tool_choice="none")


@pytest.mark.asyncio
@pytest.mark.parametrize(("choice", "mode"), [(None, "auto"), ("auto", "auto"), ("required", "required")])
async def test_allowed_tools_keep_the_list_whole(
    fake: FakeProvider, openai_client: Any, choice: str | None, mode: str
) -> None:
    body = await sent(fake, as_openai(openai_client()), tools=[SAVE, SKIP], tool_choice=choice, allowed_tools=["skip"])

    assert body["tools"] == [SAVE, SKIP]
    assert body["tool_choice"] == {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [SKIP]}}


@pytest.mark.asyncio
async def test_no_allowed_tool_switches_tools_off(fake: FakeProvider, openai_client: Any) -> None:
    body = await sent(fake, openai_client(), tools=[SAVE, SKIP], allowed_tools=[])

    assert (body["tools"], body["tool_choice"]) == ([SAVE, SKIP], "none")


@pytest.mark.asyncio
async def test_all_tools_allowed_is_no_restriction(fake: FakeProvider, openai_client: Any) -> None:
    body = await sent(fake, as_openai(openai_client()), tools=[SAVE, SKIP], allowed_tools=["skip", "save"])

    assert "tool_choice" not in body


@pytest.mark.asyncio
async def test_other_servers_are_shown_the_allowed_tools_only(fake: FakeProvider, openai_client: Any) -> None:
    body = await sent(fake, openai_client(), tools=[SAVE, SKIP], allowed_tools=["skip"], tool_choice="required")

    assert (body["tools"], body["tool_choice"]) == ([SKIP], "required")


@pytest.mark.asyncio
@pytest.mark.parametrize("model", ["o3-mini", "gpt-5.5", "gpt-6-sol"])
async def test_reasoning_models_are_limited_by_their_own_option(
    fake: FakeProvider, openai_client: Any, model: str
) -> None:
    body = await sent(fake, as_openai(openai_client()), model=model, max_tokens=9)

    assert body["max_completion_tokens"] == 9
    assert "max_tokens" not in body


@pytest.mark.asyncio
async def test_pydantic_model_becomes_a_strict_schema(fake: FakeProvider, openai_client: Any) -> None:
    body = await sent(fake, openai_client(), response_format=Person)

    form = body["response_format"]["json_schema"]
    assert (form["name"], form["strict"]) == ("Person", True)
    assert form["schema"]["required"] == ["name", "age"]
    assert form["schema"]["additionalProperties"] is False
    assert "default" not in form["schema"]["properties"]["age"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "json_object"}, {"type": "json_object"}),
        ({"type": "text"}, None),
        (
            {"type": "object", "title": "A person"},
            {
                "type": "json_schema",
                "json_schema": {"name": "A_person", "schema": {"type": "object", "title": "A person"}},
            },
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "p", "schema": {"type": "object"}, "strict": False}},
            {"type": "json_schema", "json_schema": {"name": "p", "schema": {"type": "object"}, "strict": False}},
        ),
    ],
    ids=["object", "text", "bare schema", "own form"],
)
async def test_response_format_may_be_a_schema(
    fake: FakeProvider, openai_client: Any, given: Any, expected: Any
) -> None:
    assert (await sent(fake, openai_client(), response_format=given)).get("response_format") == expected


@pytest.mark.asyncio
async def test_response_format_that_is_none_of_these_is_refused(openai_client: Any) -> None:
    with pytest.raises(ConfigurationError, match="Pydantic model class"):
        await openai_client().generate(HELLO, response_format="json")


@pytest.mark.asyncio
async def test_stream_asks_for_the_usage(fake: FakeProvider, openai_client: Any) -> None:
    fake.script(Reply("ok"))

    await openai_client().generate(HELLO, stream=True)

    assert fake.requests[0].body["stream_options"] == {"include_usage": True}


@pytest.mark.asyncio
async def test_filtered_partial_reply_is_handed_out(fake: FakeProvider, openai_client: Any) -> None:
    fake.script(Reply("So far", finish="content_filter"))

    response = await openai_client().generate(HELLO)

    assert (response.content, response.finish_reason) == ("So far", "content_filter")


@pytest.mark.asyncio
async def test_web_page_instead_of_a_reply_is_not_asked_for_again(fake: FakeProvider, openai_client: Any) -> None:
    fake.script(Fault(kind="html"))

    with pytest.raises(Exception, match="base_url"):
        await openai_client().generate(HELLO)

    assert len(fake.requests) == 1


def chunk(*calls: dict[str, Any], **delta: Any) -> ChatCompletionChunk:
    choice = {"index": 0, "delta": {**delta, "tool_calls": list(calls) or None}, "finish_reason": None}
    return ChatCompletionChunk.model_validate(
        {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
    )


def test_parallel_calls_all_numbered_0_are_told_apart_by_their_ids() -> None:
    reply = ChatAssembler()
    for id in ("a", "b"):
        reply.add(chunk({"index": 0, "id": id, "function": {"name": f"tool_{id}", "arguments": '{"x"'}}))
        reply.add(chunk({"index": 0, "function": {"arguments": ": 1}"}}))

    calls = reply.message()["tool_calls"]

    assert [(each["id"], each["function"]) for each in calls] == [
        ("a", {"name": "tool_a", "arguments": '{"x": 1}'}),
        ("b", {"name": "tool_b", "arguments": '{"x": 1}'}),
    ]


def test_what_a_server_adds_to_a_call_is_kept() -> None:
    reply = ChatAssembler()
    signature = {"google": {"thought_signature": "abc"}}
    reply.add(chunk({"index": 0, "id": "a", "extra_content": signature, "function": {"name": "t", "arguments": ""}}))

    assert reply.message()["tool_calls"][0]["extra_content"] == signature


def test_refusal_is_what_the_model_said() -> None:
    reply = ChatAssembler()

    assert reply.add(chunk(refusal="I can't help with that.")) == "I can't help with that."
    assert reply.message() == {
        "role": "assistant",
        "content": "I can't help with that.",
        "refusal": "I can't help with that.",
    }


@pytest.mark.asyncio
async def test_reply_can_be_sent_back_as_it_came(fake: FakeProvider, openai_client: Any) -> None:
    client = openai_client()
    fake.script(Reply("", calls=[call("save", name="Ada")]))
    reply = (await client.generate(HELLO, tools=[SAVE])).message
    result = {"role": "tool", "tool_call_id": reply["tool_calls"][0]["id"], "content": "saved"}

    body = await sent(fake, client, [*HELLO, reply, result])

    assert body["messages"][1] == reply
