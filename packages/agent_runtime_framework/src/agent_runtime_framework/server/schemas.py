"""The JSON of the API, in both directions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

ConversationId = Annotated[
    str, Field(min_length=1, max_length=255, pattern=r"^[^/\x00-\x1f\x7f-\x9f\u2028\u2029]+$", description="Its id.")
]


class Taken(BaseModel):
    """What a request brings; more than it may is refused."""

    model_config = ConfigDict(extra="forbid")


class NewConversation(Taken):
    """A conversation to begin."""

    conversation_id: ConversationId | None = Field(None, description="By default a new one that cannot be guessed.")
    agent: str | None = Field(None, description="Who shall answer; by default the first agent.")


class NewMessage(Taken):
    """A message to say: `text`, or `content` in blocks."""

    text: str | None = Field(None, min_length=1, description="What the person says.")
    content: list[dict[str, Any]] | None = Field(
        None, min_length=1, max_length=50, description='Blocks, such as {"type": "text", "text": "hi"}, in its place.'
    )
    agent: str | None = Field(None, description="Who shall answer; by default whoever answered last.")
    policy: Literal["queue", "reject", "interrupt", "merge"] | None = Field(
        None, description="What happens if the conversation is busy; by default as the server is set."
    )
    wait: bool = Field(True, description="Wait for the reply; otherwise return as soon as the message is safe.")

    @model_validator(mode="after")
    def _says_one_thing(self) -> NewMessage:
        if (self.text is None) == (self.content is None):
            raise ValueError("give either text or content")
        for block in self.content or ():
            if block.get("type") not in CONTENT_TYPES:
                raise ValueError(f"a block has one of the types: {', '.join(CONTENT_TYPES)}")
        return self

    @property
    def length(self) -> int:
        """How many characters of text it has."""
        if self.text is not None:
            return len(self.text)
        return sum(len(str(block.get("text", ""))) for block in self.content or ())


CONTENT_TYPES = ("text", "image_url", "input_audio", "file", "image", "document")
"""The blocks that providers know."""


class FormAnswers(Taken):
    """Answers to a form, several at once."""

    values: dict[str, Any] = Field(
        default_factory=dict, max_length=200, description="Answers by field; null declines an optional question."
    )
    confirm: bool = Field(False, description="Agree to all answers, if nothing is missing and none was refused.")
    wait: bool = Field(True, description="Wait for the reply; otherwise return as soon as the answers are safe.")

    @model_validator(mode="after")
    def _says_something(self) -> FormAnswers:
        if not self.values and not self.confirm:
            raise ValueError("give values, or confirm what is there")
        return self


class AgentInfo(BaseModel):
    """Somebody who answers."""

    key: str
    title: str
    kind: Literal["journey", "form", "agent"]
    description: str


class Agents(BaseModel):
    """Who answers here; the first one where nobody else is named."""

    agents: list[AgentInfo]


class Conversation(BaseModel):
    """A conversation."""

    conversation_id: str
    agent: str | None = Field(description="Who was spoken to last.")
    turns: int = Field(description="How many changes were committed in it.")
    messages: int
    created_at: str
    updated_at: str
    is_busy: bool = Field(description="True while a turn runs.")


class Conversations(BaseModel):
    """A page of conversations, most recently used first."""

    conversations: list[Conversation]
    next_offset: int | None = Field(description="Where the next page begins; null if this is the last.")


class Message(BaseModel):
    """A message of a finished turn."""

    seq: int
    turn: int
    role: str
    content: Any = None
    at: str


class History(BaseModel):
    """A page of messages, oldest first."""

    messages: list[dict[str, Any]]
    before: int | None = Field(description="Ask for the page before this one with it; null if this is the first.")
    is_busy: bool = Field(description="True while a turn runs; its messages are not here yet.")
    ended: int = Field(description="The last turn that has ended; `events?after=` it gives what comes then.")


class State(BaseModel):
    """A journey's state after the last finished turn."""

    agent: str
    step: str | None
    is_over: bool
    state: dict[str, Any]


class Reply(BaseModel):
    """Where a message stands."""

    conversation_id: str
    message_id: str
    status: Literal["waiting", "running", "paused", "answered", "merged", "superseded", "cancelled", "failed"]
    text: str = Field(description="What the person is answered; empty if nothing, or not yet.")
    turn: int | None
    stopped_reason: str | None
    pending: list[dict[str, Any]] = Field(description="The calls that wait for a person.")


class Turns(BaseModel):
    """The last turns, oldest first, each with its receipt."""

    turns: list[dict[str, Any]]


class Cancelled(BaseModel):
    """Whether there was something to stop."""

    cancelled: bool


class PendingCalls(BaseModel):
    """Calls that wait for a person's decision."""

    calls: list[dict[str, Any]]


class ApprovalNote(Taken):
    """What is said to an approval."""

    note: str = Field("", max_length=2000)


class RejectionReason(Taken):
    """Why a call is rejected; the model is told."""

    reason: str = Field("", max_length=2000)


class FormState(BaseModel):
    """The form of the current step."""

    step: str
    form_schema: dict[str, Any] = Field(alias="schema", description="JSON Schema of all its fields.")
    values: dict[str, Any] = Field(description="The answers so far; sensitive ones masked.")
    open: str | None = Field(description="The field that is asked for; null if none is.")
    missing: list[str] = Field(description="The fields without an answer, in order.")
    reasons: dict[str, str] = Field(description="Why the last answer to a field was refused.")
    needs_confirmation: bool = Field(description="True once everything is answered and only a yes is missing.")


class FormReply(BaseModel):
    """What came of answers."""

    reply: Reply
    form: FormState | None = Field(description="The form as it is now; null once it is done with.")


class Health(BaseModel):
    """How the server is."""

    status: Literal["ok", "closing"]


class ProblemDetails(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = []
