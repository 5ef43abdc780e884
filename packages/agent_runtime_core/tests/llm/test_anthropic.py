"""What is Anthropic's own."""

# `_client` is part of the documented API.
# pyright: reportPrivateUsage=false

from typing import Any

import pytest
from pydantic import BaseModel

from agent_runtime_core import override_config
from agent_runtime_core.errors import AnthropicConfigurationError, ContentFiltered
from agent_runtime_core.fake_provider import Call, FakeProvider, Reply, call
from agent_runtime_core.llm.anthropic import AnthropicClient

HELLO = [{"role": "user", "content": "hello"}]
SAVE: dict[str, Any] = {
    "type": "function",
    "function": {"name": "save", "description": "Save it.", "parameters": {"type": "object", "properties": {}}},
}
SKIP = {"type": "function", "function": {"name": "skip"}}
MARK = {"type": "ephemeral"}
PERSONA = {"type": "text", "text": "Be brief.", "cache_control": MARK}
SYSTEM = {"role": "system", "content": [PERSONA, {"type": "text", "text": "Ask for the name."}]}
CALLED: dict[str, Any] = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "save", "arguments": '{"name": "Ada"}'}}],
}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "saved"}


class Person(BaseModel):
    name: str


async def sent(fake: FakeProvider, client: AnthropicClient, messages: Any = HELLO, **options: Any) -> dict[str, Any]:
    fake.script(Reply("ok"))
    await client.generate(messages, **options)
    return fake.requests[-1].body


def test_missing_key_is_named() -> None:
    with pytest.raises(AnthropicConfigurationError, match="ANTHROPIC_API_KEY"):
        AnthropicClient()


def test_other_credentials_will_do() -> None:
    assert AnthropicClient(auth_token="token")._client.auth_token == "token"


def test_error_class_exists_once() -> None:
    from agent_runtime_core import llm
    from agent_runtime_core.llm import anthropic

    assert llm.AnthropicConfigurationError is anthropic.AnthropicConfigurationError is AnthropicConfigurationError


def test_default_model_is_the_configured_one_if_it_is_a_claude() -> None:
    with override_config(default_model="claude-haiku-5-5"):
        assert AnthropicClient("key").default_model == "claude-haiku-5-5"
    with override_config(default_model="gpt-4o"):
        assert AnthropicClient("key").default_model.startswith("claude-")


def test_sdk_does_not_retry() -> None:
    assert AnthropicClient("key")._client.max_retries == 0


@pytest.mark.asyncio
async def test_plain_system_prompt_stays_plain(fake: FakeProvider, anthropic_client: Any) -> None:
    body = await sent(fake, anthropic_client(), [{"role": "system", "content": "Be brief."}, *HELLO])

    assert body["system"] == "Be brief."
    assert body["messages"] == [{"role": "user", "content": "hello"}]
    assert body["max_tokens"] == 4096


@pytest.mark.asyncio
async def test_no_system_message_is_lost(fake: FakeProvider, anthropic_client: Any) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "system", "content": "Be kind."}, *HELLO]

    body = await sent(fake, anthropic_client(), messages)

    assert [block["text"] for block in body["system"]] == ["Be brief.", "Be kind."]


@pytest.mark.asyncio
async def test_calls_and_results_become_blocks_and_roles_are_merged(fake: FakeProvider, anthropic_client: Any) -> None:
    two = {**CALLED, "content": "Saving.", "tool_calls": [*CALLED["tool_calls"], {"id": "c2", "name": "skip"}]}
    second = {"role": "tool", "tool_call_id": "c2", "content": ""}

    body = await sent(fake, anthropic_client(), [*HELLO, two, RESULT, second, *HELLO], tools=[SAVE])

    assert body["messages"] == [
        {"role": "user", "content": "hello"},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Saving."},
                {"type": "tool_use", "id": "c1", "name": "save", "input": {"name": "Ada"}},
                {"type": "tool_use", "id": "c2", "name": "skip", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "saved"},
                {"type": "tool_result", "tool_use_id": "c2", "content": "(nothing)"},
                {"type": "text", "text": "hello"},
            ],
        },
    ]


@pytest.mark.asyncio
async def test_tools_are_declared_in_the_apis_form(fake: FakeProvider, anthropic_client: Any) -> None:
    native = {"type": "web_search_20260101", "name": "web_search"}

    body = await sent(fake, anthropic_client(), tools=[SAVE, SKIP, native])

    assert body["tools"] == [
        {"name": "save", "description": "Save it.", "input_schema": {"type": "object", "properties": {}}},
        {"name": "skip", "description": "", "input_schema": {"type": "object", "properties": {}}},
        native,
    ]


@pytest.mark.asyncio
async def test_history_with_calls_declares_their_tools(fake: FakeProvider, anthropic_client: Any) -> None:
    body = await sent(fake, anthropic_client(), [*HELLO, CALLED, RESULT])

    assert [tool["name"] for tool in body["tools"]] == ["save"]
    assert body["tool_choice"] == {"type": "none"}


@pytest.mark.asyncio
async def test_call_without_a_result_is_left_out(
    fake: FakeProvider, anthropic_client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    body = await sent(fake, anthropic_client(), [*HELLO, CALLED, {"role": "user", "content": "and?"}])

    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "hello"}, {"type": "text", "text": "and?"}]}
    ]
    assert "orphaned tool_use blocks" in caplog.text


def test_pairs_are_checked_call_by_call() -> None:
    two = {**CALLED, "tool_calls": [*CALLED["tool_calls"], {"id": "c2", "name": "skip"}]}

    kept = AnthropicClient("key")._validate_tool_call_pairs([two, RESULT, {**RESULT, "tool_call_id": "c9"}])

    assert kept == [{**CALLED}, RESULT]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("messages", "first"),
    [
        ([{"role": "assistant", "content": "Welcome!"}, *HELLO], "(The conversation begins.)"),
        ([{"role": "system", "content": "Be brief."}], "(The conversation begins.)"),
        ([{"role": "user", "content": ""}], "(nothing)"),
        ([{"role": "user", "content": " \n"}], "(nothing)"),
        ([{"role": "user", "content": [{"type": "text", "text": "  "}]}], "(nothing)"),
    ],
    ids=["greeting first", "nothing said", "empty message", "blank message", "blank block"],
)
async def test_person_comes_first_and_says_something(
    fake: FakeProvider, anthropic_client: Any, messages: Any, first: str
) -> None:
    body = await sent(fake, anthropic_client(), messages)

    assert body["messages"][0] == {"role": "user", "content": first}


@pytest.mark.asyncio
async def test_images_of_the_other_protocol_are_understood(fake: FakeProvider, anthropic_client: Any) -> None:
    blocks = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,BBBB"}},
        {"type": "search_result", "source": "kept as it is"},
    ]

    body = await sent(fake, anthropic_client(), [{"role": "user", "content": blocks}])

    assert body["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.png"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "BBBB"}},
        blocks[3],
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": "save"}, {"type": "tool", "name": "save"}),
        ({"tool_choice": {"type": "function", "function": {"name": "save"}}}, {"type": "tool", "name": "save"}),
        ({"tool_choice": {"type": "tool", "name": "save"}}, {"type": "tool", "name": "save"}),
        ({"tool_choice": {"type": "any"}}, {"type": "any"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"tool_choice": "required", "parallel_tool_calls": False},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        ({"allowed_tools": []}, {"type": "none"}),
        ({"allowed_tools": ["skip"], "tool_choice": "required"}, {"type": "tool", "name": "skip"}),
        ({}, None),
    ],
    ids=str,
)
async def test_tool_choice_is_put_in_the_apis_form(
    fake: FakeProvider, anthropic_client: Any, options: Any, expected: Any
) -> None:
    body = await sent(fake, anthropic_client(), tools=[SAVE, SKIP], **options)

    assert body.get("tool_choice") == expected
    assert "parallel_tool_calls" not in body


@pytest.mark.asyncio
async def test_marked_system_prompt_is_split_around_the_turns(fake: FakeProvider, anthropic_client: Any) -> None:
    body = await sent(fake, anthropic_client(), [SYSTEM, *HELLO], model="claude-opus-5-5")

    assert body["system"] == [PERSONA]
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "hello", "cache_control": MARK}]},
        {"role": "system", "content": "Ask for the name."},
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "model", ["claude-sonnet-4-6", "claude-haiku-4-5-20251001", "claude-opus-4-7", "claude-sonnet-5"]
)
async def test_older_models_get_the_tail_in_front(fake: FakeProvider, anthropic_client: Any, model: str) -> None:
    body = await sent(fake, anthropic_client(), [SYSTEM, *HELLO], model=model)

    assert body["system"] == [PERSONA, {"type": "text", "text": "Ask for the name."}]
    assert [message["role"] for message in body["messages"]] == ["user"]


@pytest.mark.asyncio
async def test_at_most_four_marks_are_set(fake: FakeProvider, anthropic_client: Any) -> None:
    marked = [{"type": "text", "text": text, "cache_control": MARK} for text in "abcd"]

    body = await sent(fake, anthropic_client(), [{"role": "system", "content": marked}, *HELLO])

    assert body["messages"] == [{"role": "user", "content": "hello"}]


@pytest.mark.asyncio
@pytest.mark.parametrize(("caching", "is_marked"), [(None, False), (True, True), (False, False)])
async def test_plain_prompts_are_marked_on_request(
    fake: FakeProvider, anthropic_client: Any, caching: bool | None, is_marked: bool
) -> None:
    body = await sent(fake, anthropic_client(prompt_caching=caching))

    assert (body["messages"][0]["content"] != "hello") is is_marked


@pytest.mark.asyncio
async def test_allowed_tools_are_said_behind_the_turns(fake: FakeProvider, anthropic_client: Any) -> None:
    body = await sent(fake, anthropic_client(), [SYSTEM, *HELLO], tools=[SAVE, SKIP], allowed_tools=["skip"])

    assert [tool["name"] for tool in body["tools"]] == ["save", "skip"]
    assert body["messages"][-1]["content"] == "Ask for the name.\n\nTools you may use now: skip."


@pytest.mark.asyncio
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_thinking_goes_back_with_the_calls(fake: FakeProvider, anthropic_client: Any, stream: bool) -> None:
    client = anthropic_client()
    fake.script(Reply("", calls=[Call("save", "{}", "c1")], reasoning="They want to save."))
    reply = (await client.generate(HELLO, tools=[SAVE], stream=stream)).message

    body = await sent(fake, client, [*HELLO, reply, RESULT], tools=[SAVE])

    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "They want to save.", "signature": "signature-1"},
        {"type": "tool_use", "id": "c1", "name": "save", "input": {}},
    ]


@pytest.mark.asyncio
async def test_chat_completions_options_are_understood(fake: FakeProvider, anthropic_client: Any) -> None:
    body = await sent(fake, anthropic_client(), stop="END", user="ada", max_tokens=5)

    assert (body["stop_sequences"], body["metadata"], body["max_tokens"]) == (["END"], {"user_id": "ada"}, 5)


@pytest.mark.asyncio
async def test_output_schema_is_the_apis_own(fake: FakeProvider, anthropic_client: Any) -> None:
    body = await sent(fake, anthropic_client(), model="claude-sonnet-5-5", response_format=Person)

    form = body["output_config"]["format"]
    assert form["type"] == "json_schema"
    assert form["schema"]["required"] == ["name"]
    assert form["schema"]["additionalProperties"] is False
    assert "tools" not in body


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("model", "form"), [("claude-sonnet-4-20250514", Person), ("claude-sonnet-5-5", {"type": "json_object"})]
)
async def test_without_output_schemas_a_tool_gives_the_form(
    fake: FakeProvider, anthropic_client: Any, model: str, form: Any
) -> None:
    fake.script(Reply("", calls=[call("reply", name="Ada")]))

    chunks = [chunk async for chunk in anthropic_client().stream(HELLO, model=model, response_format=form)]

    body = fake.requests[0].body
    assert body["tool_choice"] == {"type": "tool", "name": "reply"}
    assert [tool["name"] for tool in body["tools"]] == ["reply"]
    assert "".join(chunk.delta for chunk in chunks) == '{"name": "Ada"}'
    assert chunks[-1].message == {"role": "assistant", "content": '{"name": "Ada"}'}
    assert chunks[-1].tool_calls is None


@pytest.mark.asyncio
async def test_refusal_without_a_word_is_an_error(fake: FakeProvider, anthropic_client: Any) -> None:
    fake.script(Reply("", finish="refusal"))

    with pytest.raises(ContentFiltered, match="refusal"):
        await anthropic_client().generate(HELLO)
