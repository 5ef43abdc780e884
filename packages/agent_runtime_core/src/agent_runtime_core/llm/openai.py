"""OpenAI, and every server that speaks its chat completions. The only module that imports `openai`."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncGenerator, Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

try:
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient
    from openai.resources.chat.completions import AsyncCompletions
except ImportError as error:
    raise ImportError(
        "OpenAIClient needs the openai package; install agent_runtime_core[openai] (or agent_runtime_framework[openai])"
    ) from error

from agent_runtime_core.config import get_config
from agent_runtime_core.errors import InvalidRequest, OpenAIConfigurationError
from agent_runtime_core.interfaces import JSONObject, LLMResponse, LLMStreamChunk
from agent_runtime_core.llm.chat import chat_messages, chat_usage, refuse_filtered, reply_message
from agent_runtime_core.llm.chat_stream import chat_stream
from agent_runtime_core.llm.client import DEFAULT_TIMEOUT, ModelRequest, ProviderClient
from agent_runtime_core.llm.failures import not_an_answer, provider_error
from agent_runtime_core.llm.models import DEFAULT_MODEL, configured_model
from agent_runtime_core.llm.retry import Pacing, RetryPolicy
from agent_runtime_core.llm.structured import chat_format, output_format
from agent_runtime_core.llm.tooling import chat_tools
from agent_runtime_core.masking import mask_secrets, register_secret

__all__ = ["OpenAIClient", "OpenAIConfigurationError"]

_KNOWN_OPTIONS = frozenset(inspect.signature(AsyncCompletions.create).parameters) - {"self"}
_REASONING_MODEL = re.compile(r"(?:.*/)?(?:o\d|gpt-(?:[5-9]|\d\d))")
_NO_KEY = "not-needed"


class OpenAIClient(ProviderClient):
    """Chat completions of OpenAI or a compatible server; see `ProviderClient` for the options of a request."""

    provider: ClassVar[str] = "openai"

    def __init__(
        self,
        api_key: str | None = None,
        default_model: str | None = None,
        organization: str | None = None,
        base_url: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        retry: RetryPolicy | None = None,
        max_concurrency: int | None = None,
        pacing: Pacing | None = None,
        tail: Literal["last", "first"] | None = None,
        **kwargs: Any,
    ) -> None:
        """Prepare the client; nothing is connected yet.

        Args:
            api_key: Else the configured one. A server at another address than OpenAI's may need none.
            default_model: Else the configured one; a server at another address is asked what it has.
            organization: For OpenAI's bill.
            base_url: Address of a compatible server (Ollama, vLLM, llama.cpp, OpenRouter, Azure); most end in /v1.
            timeout: Seconds without a byte.
            retry: See `ProviderClient`.
            max_concurrency: See `ProviderClient`.
            pacing: See `ProviderClient`.
            tail: Where the changing part of a marked system prompt goes (see `layout`): behind the turns, or in front
                with the rest. By default behind for OpenAI, in front for other servers.
            **kwargs: For the SDK's client.

        Raises:
            OpenAIConfigurationError: There is no key.
        """
        config = get_config()
        self._base_url = base_url or config.get_openai_base_url()
        self._api_key = api_key or _key_for(self._base_url, named=base_url is not None)
        if not self._api_key and not _has_credentials(kwargs):
            raise OpenAIConfigurationError(
                "no OpenAI API key: pass api_key=, call configure(openai_api_key=...), or set OPENAI_API_KEY; for a "
                "server that needs none pass its base_url="
            )
        self._organization = organization
        self._options: dict[str, Any] = {"timeout": timeout, **kwargs}
        self._is_openai = _is_openai(self._base_url)
        self._tail_last = self._is_openai if tail is None else tail == "last"
        model = default_model or configured_model("openai")
        self._asks_for_model = model is None and not self._is_openai
        register_secret(self._api_key or "")
        super().__init__(
            default_model=model or DEFAULT_MODEL,
            retry=retry,
            max_concurrency=max_concurrency,
            pacing=pacing,
        )

    def _connect(self) -> Any:
        # The SDK's own default tries to close itself when it is collected, in whatever loop runs by then.
        pool: dict[str, Any] = {} if "http_client" in self._options else {"http_client": DefaultAsyncHttpxClient()}
        options: dict[str, Any] = {"max_retries": 0, **pool, **self._options}
        return AsyncOpenAI(api_key=self._api_key, organization=self._organization, base_url=self._base_url, **options)

    async def _model(self) -> str:
        if self._asks_for_model:
            self.default_model = await self._first_model()
            self._asks_for_model = False
        return self.default_model

    async def _first_model(self) -> str:
        try:
            page = await self._vendor().models.list()
        except Exception as exc:
            raise provider_error(self.provider, exc) or exc from exc
        if not page.data:
            address = mask_secrets(self._base_url or "")
            raise InvalidRequest(
                f"the server at {address!r} lists no models; load one, or name one (default_model=, or {address}#name)",
                provider=self.provider,
            )
        return page.data[0].id

    async def _complete(self, request: ModelRequest) -> LLMResponse:
        completion = await self._vendor().chat.completions.create(**self._parameters(request))
        choices = getattr(completion, "choices", None)
        if not choices:
            raise not_an_answer(self.provider, completion)
        choice = choices[0]
        message, reason = reply_message(choice.message), choice.finish_reason or ""
        refuse_filtered(self.provider, message, reason)
        return LLMResponse(message, chat_usage(completion.usage), completion.model, reason, completion)

    async def _begin(self, request: ModelRequest) -> AsyncGenerator[LLMStreamChunk, None]:
        parameters = self._parameters(request)
        parameters.setdefault("stream_options", {"include_usage": True})
        stream = await self._vendor().chat.completions.create(**parameters, stream=True)
        return chat_stream(self.provider, stream)

    def _parameters(self, request: ModelRequest) -> JSONObject:
        options = dict(request.options)
        if "max_tokens" in options and self._is_openai and _REASONING_MODEL.match(request.model):
            options.setdefault("max_completion_tokens", options.pop("max_tokens"))
        unknown = {name: options.pop(name) for name in list(options) if name not in _KNOWN_OPTIONS}
        if unknown:
            options["extra_body"] = {**unknown, **(options.get("extra_body") or {})}
        if request.response_format is not None and (wanted := output_format(request.response_format)) is not None:
            options["response_format"] = chat_format(wanted)
        return {
            "model": request.model,
            "messages": chat_messages(request.messages, tail_last=self._tail_last),
            **chat_tools(request.tools, request.tool_choice, request.allowed_tools, native=self._is_openai),
            **options,
        }


def _key_for(base_url: str | None, *, named: bool) -> str | None:
    """The key to send; one that was configured never goes, unencrypted, to an address that a caller named."""
    configured = get_config().get_openai_api_key()
    if base_url is None:
        return configured
    if named and not base_url.startswith("https://"):
        return _NO_KEY
    return configured or _NO_KEY


def _is_openai(base_url: str | None) -> bool:
    host = urlsplit(base_url or "https://api.openai.com").hostname or ""
    return host == "openai.com" or host.endswith((".openai.com", ".openai.azure.com"))


def _has_credentials(options: Mapping[str, Any]) -> bool:
    return any(options.get(name) is not None for name in ("workload_identity", "provider", "http_client"))
