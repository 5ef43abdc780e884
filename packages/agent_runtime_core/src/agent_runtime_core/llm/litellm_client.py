"""The providers LiteLLM knows. The only module that imports `litellm`, which imports much itself and takes seconds.

LiteLLM fetches its price list from the network when it is imported; `LITELLM_LOCAL_MODEL_COST_MAP` makes it use the
list it comes with, and is set here unless it is set already.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import AsyncGenerator, Mapping
from typing import Any, ClassVar

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own, about its dependencies
        import litellm
except ImportError as error:
    raise ImportError(
        "LiteLLMClient needs the litellm package; install agent_runtime_core[litellm] (or "
        "agent_runtime_framework[litellm])"
    ) from error

from agent_runtime_core.interfaces import JSONObject, LLMResponse, LLMStreamChunk
from agent_runtime_core.llm.chat import chat_message, chat_usage, refuse_filtered, reply_message
from agent_runtime_core.llm.chat_stream import chat_stream
from agent_runtime_core.llm.client import DEFAULT_TIMEOUT, ModelRequest, ProviderClient
from agent_runtime_core.llm.failures import not_an_answer
from agent_runtime_core.llm.models import DEFAULT_MODEL, configured_model
from agent_runtime_core.llm.retry import Pacing, RetryPolicy
from agent_runtime_core.llm.structured import chat_format, output_format
from agent_runtime_core.llm.tooling import chat_tools
from agent_runtime_core.masking import register_secret

__all__ = ["LiteLLMClient"]


class LiteLLMClient(ProviderClient):
    """Any model LiteLLM knows, by LiteLLM's name for it; see `ProviderClient` for the options of a request.

    LiteLLM keeps its own connections; `aclose` leaves them alone.
    """

    provider: ClassVar[str] = "litellm"

    def __init__(
        self,
        default_model: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        retry: RetryPolicy | None = None,
        max_concurrency: int | None = None,
        pacing: Pacing | None = None,
        **kwargs: Any,
    ) -> None:
        """Prepare the client; nothing is connected yet.

        Args:
            default_model: Else the configured one.
            timeout: Seconds without a byte.
            retry: See `ProviderClient`.
            max_concurrency: See `ProviderClient`.
            pacing: See `ProviderClient`.
            **kwargs: Options of every request: `api_key`, `api_base` (also as `base_url`) …
        """
        self._options: JSONObject = {"timeout": timeout, **kwargs}
        if "base_url" in self._options:
            self._options.setdefault("api_base", self._options.pop("base_url"))
        register_secret(str(self._options.get("api_key") or ""))
        super().__init__(
            default_model=default_model or configured_model("litellm") or DEFAULT_MODEL,
            retry=retry,
            max_concurrency=max_concurrency,
            pacing=pacing,
        )

    async def aclose(self) -> None:
        """Nothing: the connections are LiteLLM's, shared by all its users in the process."""

    def _connect(self) -> Any:
        litellm.suppress_debug_info = True  # it prints its advice to stdout
        return litellm

    def _address(self, options: Mapping[str, Any]) -> str:
        given = {**self._options, **options}
        if given.get("mock_response") is not None:
            return "http://localhost"  # LiteLLM's own double answers, and nothing is sent
        return str(given.get("api_base") or "")

    async def _complete(self, request: ModelRequest) -> LLMResponse:
        completion = await self._vendor().acompletion(**self._parameters(request))
        choices = getattr(completion, "choices", None)
        if not choices:
            raise not_an_answer(self.provider, completion)
        choice = choices[0]
        message = reply_message(choice.message)
        refuse_filtered(self.provider, message, choice.finish_reason)
        thinking = getattr(choice.message, "thinking_blocks", None)
        if isinstance(thinking, list):
            message["thinking_blocks"] = thinking
        usage = chat_usage(getattr(completion, "usage", None))
        return LLMResponse(message, usage, completion.model or request.model, choice.finish_reason or "", completion)

    async def _begin(self, request: ModelRequest) -> AsyncGenerator[LLMStreamChunk, None]:
        parameters = self._parameters(request)
        parameters.setdefault("stream_options", {"include_usage": True})
        stream = await self._vendor().acompletion(**parameters, stream=True)
        return chat_stream(self.provider, stream)

    def _parameters(self, request: ModelRequest) -> JSONObject:
        options = {**self._options, **request.options}
        if request.response_format is not None and (wanted := output_format(request.response_format)) is not None:
            options["response_format"] = chat_format(wanted)
        return {
            "model": request.model,
            "messages": [_message(message) for message in request.messages],
            **chat_tools(request.tools, request.tool_choice, request.allowed_tools, native=False),
            **options,
            "num_retries": 0,
            "max_retries": 0,
        }


def _message(message: Mapping[str, Any]) -> JSONObject:
    # Cache marks stay: LiteLLM knows which providers take them.
    sent = {**chat_message(message), "content": message.get("content") or ""}
    if message.get("thinking_blocks"):
        sent["thinking_blocks"] = message["thinking_blocks"]
    return sent
