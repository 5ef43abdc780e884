"""The JSON of OpenAI's chat completions, as far as it counts here."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_OWNER = "agent-runtime"


class _Sent(BaseModel):
    model_config = ConfigDict(extra="ignore")


class StreamOptions(_Sent):
    """What a stream holds beside the answer."""

    include_usage: bool = False


class ChatRequest(_Sent):
    """What of a chat completion's request counts here; everything else is ignored."""

    model: str = Field(max_length=255, description="The agent.")
    messages: list[dict[str, Any]] = Field(min_length=1, description="The chat; its last message is the person's.")
    stream: bool | None = Field(None, description="Answer piece by piece, as server-sent events.")
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    user: str | None = Field(None, max_length=300, description="The person, or `conversation:` and a conversation.")
    metadata: dict[str, Any] | None = Field(None, description="`conversation_id` names the conversation.")


class Model(BaseModel):
    """An agent, as a model."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = _OWNER


class Models(BaseModel):
    """The agents, as models."""

    object: Literal["list"] = "list"
    data: list[Model]


class ChatMessage(BaseModel):
    """What the person is answered."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    """The answer; there is one."""

    index: Literal[0] = 0
    message: ChatMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class Usage(BaseModel):
    """What all model requests of the turn used; zeros where that was not counted."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class ChatCompletion(BaseModel):
    """An answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


class APIErrorDetails(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class APIError(BaseModel):
    """What went wrong, as OpenAI says it."""

    error: APIErrorDetails
