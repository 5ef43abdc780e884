"""A model provider on loopback that speaks the OpenAI and the Anthropic wire protocol from a script.

Real SDKs talk to it over real sockets, so what is tested is what runs: streams, pools, timeouts, broken answers.

    async with FakeProvider(Fault(429, retry_after=2), Reply(calls=[call("save", name="Ada")]), Reply("Hi!")) as fake:
        client = OpenAIClient(api_key="any", base_url=fake.openai_url)
        ...
        assert fake.requests[0].body["model"] == "gpt-4o"

`with FakeProvider(...) as fake:` runs it in a thread of its own, for code that is not async. No key is checked.
"""

from agent_runtime_core.fake_provider.script import Call, Fault, RecordedRequest, Reply, Responder, call
from agent_runtime_core.fake_provider.server import FakeProvider

__all__ = ["Call", "FakeProvider", "Fault", "RecordedRequest", "Reply", "Responder", "call"]
