"""A model client in front of a model client, which leaves a trace of each request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from agent_runtime_core._wrapping import ClientWrapper, closing, given
from agent_runtime_core.interfaces import JSONObject, LLMClient, LLMResponse, LLMStreamChunk
from agent_runtime_core.telemetry.recording import ChatRecorder


class InstrumentedClient(ClientWrapper):
    """A model client that leaves a `chat` span, the tokens used and the time taken of each request."""

    def __init__(
        self,
        client: LLMClient,
        *,
        provider: str | None = None,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        log_content: bool = False,
    ) -> None:
        super().__init__(client)
        name = provider or str(getattr(client, "provider", None) or "")
        self._recorder = ChatRecorder(name, tracer_provider, meter_provider, log_content=log_content)

    async def generate(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        stream: bool = False,
        tools: Sequence[Mapping[str, Any]] | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        **kwargs: Any,
    ) -> LLMResponse:
        """The client's answer, traced."""
        options = {**given(model=model, stream=stream, temperature=temperature, max_tokens=max_tokens), **kwargs}
        record = self._recorder.start(self._model(model), messages, options)
        try:
            with record.current():
                response = await self.client.generate(messages, tools=tools, **options)
        except BaseException as error:
            record.fail(error)
            raise
        record.succeed(response.usage, response.model, response.finish_reason, response.message)
        return response

    async def stream(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[LLMStreamChunk]:
        """The client's pieces, traced as one request; it ends with the last piece, or when nobody reads on."""
        record = self._recorder.start(self._model(model), messages, kwargs, is_stream=True)
        reply = _Reply()
        try:
            async with closing(self.client.stream(messages, tools=tools, **given(model=model), **kwargs)) as chunks:
                while True:
                    # Current only while the client works: between two pieces it is the reader's turn.
                    with record.current():
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        break
                    record.first_piece()
                    reply.take(chunk)
                    yield chunk
        except GeneratorExit:
            record.succeed(reply.usage, "", reply.finish_reason, reply.message)
            raise
        except BaseException as error:
            record.fail(error)
            raise
        record.succeed(reply.usage, "", reply.finish_reason, reply.message)


class _Reply:
    """What a stream's pieces add up to."""

    def __init__(self) -> None:
        self.usage: JSONObject = {}
        self.finish_reason = ""
        self._text: list[str] = []
        self._calls: list[JSONObject] = []
        self._whole: JSONObject | None = None

    def take(self, chunk: LLMStreamChunk) -> None:
        if chunk.reset:
            self._text.clear()
            self._calls.clear()
        self._text.append(chunk.delta)
        self._calls += chunk.tool_calls or []
        self._whole = chunk.message or self._whole
        self.usage = chunk.usage or self.usage
        self.finish_reason = chunk.finish_reason or self.finish_reason

    @property
    def message(self) -> JSONObject:
        return self._whole or {"role": "assistant", "content": "".join(self._text), "tool_calls": self._calls}
