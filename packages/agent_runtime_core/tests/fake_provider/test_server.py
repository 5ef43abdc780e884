"""The provider itself, asked without an SDK."""

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from agent_runtime_core.fake_provider import FakeProvider, Fault, RecordedRequest, Reply, call


def post(url: str, body: dict[str, Any]) -> tuple[int, bytes]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def events(raw: bytes) -> list[Any]:
    lines = [line[len("data: ") :] for line in raw.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def test_script_is_answered_in_order_then_the_function() -> None:
    def respond(request: RecordedRequest) -> Reply:
        return Reply(f"you said {request.body['say']}")

    with FakeProvider(Reply("one"), Fault(503, "closed"), respond=respond) as fake:
        answers = [post(f"{fake.openai_url}/chat/completions", {"say": word}) for word in ("a", "b", "c")]

    texts = [json.loads(body) for _, body in answers]
    assert [status for status, _ in answers] == [200, 503, 200]
    assert texts[0]["choices"][0]["message"]["content"] == "one"
    assert texts[1]["error"]["message"] == "closed"
    assert texts[2]["choices"][0]["message"]["content"] == "you said c"


def test_ended_script_says_so() -> None:
    with FakeProvider() as fake:
        status, body = post(f"{fake.url}/v1/messages", {})

    assert status == 500
    assert json.loads(body)["error"]["message"] == "the script of the FakeProvider ended before request 1"


def test_requests_are_recorded() -> None:
    with FakeProvider(Reply("ok")) as fake:
        post(f"{fake.url}/v1/messages", {"model": "m", "stream": True})

    [request] = fake.requests
    assert (request.method, request.path, request.is_stream) == ("POST", "/v1/messages", True)
    assert request.body["model"] == "m"
    assert request.headers["content-type"] == "application/json"


def test_both_protocols_stream_the_same_reply() -> None:
    reply = Reply("hello there", calls=[call("save", name="Ada")], piece=4)
    with FakeProvider(reply, reply) as fake:
        _, chat = post(f"{fake.openai_url}/chat/completions", {"stream": True})
        _, messages = post(f"{fake.url}/v1/messages", {"stream": True})

    deltas = [event["choices"][0]["delta"] for event in events(chat)]
    assert "".join(delta.get("content") or "" for delta in deltas) == "hello there"
    assert chat.endswith(b"data: [DONE]\n\n")
    texts = [event["delta"].get("text", "") for event in events(messages) if event["type"] == "content_block_delta"]
    assert "".join(texts) == "hello there"
    assert events(messages)[-1] == {"type": "message_stop"}


def test_models_are_listed() -> None:
    with FakeProvider(models=["a", "b"]) as fake, urllib.request.urlopen(f"{fake.openai_url}/models") as response:
        listed = json.load(response)

    assert [model["id"] for model in listed["data"]] == ["a", "b"]


def test_it_ends_while_a_request_hangs() -> None:
    with FakeProvider(Fault(kind="hang")) as fake, pytest.raises(TimeoutError):
        urllib.request.urlopen(f"{fake.url}/v1/messages", b"{}", timeout=0.05)

    assert len(fake.requests) == 1


def test_address_is_only_known_while_it_runs() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        _ = FakeProvider().url


@pytest.mark.asyncio
async def test_held_reply_waits_for_its_release() -> None:
    async with FakeProvider(Reply("ok", held=True)) as fake:
        asking = asyncio.create_task(asyncio.to_thread(post, f"{fake.url}/v1/messages", {}))
        await fake.received()
        assert not asking.done()

        fake.release()

        assert (await asking)[0] == 200
