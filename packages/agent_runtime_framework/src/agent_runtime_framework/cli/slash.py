"""What can be typed instead of a message: a table of commands that begin with a slash."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_runtime_framework.cli import views
from agent_runtime_framework.cli.progress import tools_by_step
from agent_runtime_framework.cli.spans import Span, line

if TYPE_CHECKING:
    from agent_runtime_framework.cli.chat import Chat


class Leave(Exception):
    """The person wants to go."""


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """One of them.

    Attributes:
        summary: What it does.
        run: Does it; is given what was typed after the name.
    """

    summary: str
    run: Callable[[Chat, str], Awaitable[None]]


async def run_slash(chat: Chat, text: str) -> None:
    """Do what was typed; an unknown command is answered with the ones there are.

    Raises:
        Leave: `/quit`.
    """
    name, _, rest = text.partition(" ")
    command = SLASH_COMMANDS.get(name)
    if command is None:
        chat.screen.note(line(f"There is no {name}; there are {', '.join(SLASH_COMMANDS)}.", "warn"))
        return
    await command.run(chat, rest.strip())


async def _state(chat: Chat, rest: str) -> None:
    chat.screen.show(*views.state((await chat.session.state()).to_dict()))


async def _history(chat: Chat, rest: str) -> None:
    messages = await chat.session.messages()
    nothing = (line("Nothing has been said yet.", "quiet"),)
    chat.screen.show(*(views.history(messages, chat.screen.marks) or nothing), hanging=4)


async def _steps(chat: Chat, rest: str) -> None:
    offered = tools_by_step(chat.session.agent, await chat.session.state())
    chat.screen.show(*views.steps(chat.session.progress, offered, chat.screen.marks), hanging=4)


async def _tools(chat: Chat, rest: str) -> None:
    state = await chat.session.state()
    chat.screen.show(*views.tools(chat.session.agent.get_tool_schemas(state) or ()), hanging=4)


async def _prompt(chat: Chat, rest: str) -> None:
    prompt = chat.session.agent.get_system_prompt(await chat.session.state())
    chat.screen.show(*(line(each) for each in prompt.splitlines()))


async def _model(chat: Chat, rest: str) -> None:
    if rest:
        chat.use_model(rest)
    chat.screen.note(line(chat.model.title, "accent"))


async def _save_test(chat: Chat, rest: str) -> None:
    from agent_runtime_framework.cli.saved_test import save_test

    await save_test(chat, rest)


async def _crash(chat: Chat, rest: str) -> None:
    marks = chat.screen.marks

    def last_words() -> None:
        chat.screen.note(line(f"{marks.refused} Killed in the middle of the call, before its end was recorded.", "bad"))

    if not chat.session.crash_in_next_call(last_words):
        chat.screen.note(line("This agent keeps its state itself, so a crash would prove nothing.", "warn"))
        return
    chat.screen.note(line("The next tool call will run, and this process will die in it.", "warn"))
    chat.screen.note(line("Then start again with the same conversation, to see what was kept.", "quiet"))


async def _restart(chat: Chat, rest: str) -> None:
    await chat.session.restart()
    chat.screen.show(line("Begun anew.", "good"))


async def _help(chat: Chat, rest: str) -> None:
    chat.screen.show(
        *((Span(f"{name:<12}", "accent"), Span(command.summary)) for name, command in SLASH_COMMANDS.items()),
        line("Ctrl-C stops a reply, and leaves at the prompt; Ctrl-D leaves.", "quiet"),
        hanging=12,
    )


async def _quit(chat: Chat, rest: str) -> None:
    raise Leave


SLASH_COMMANDS = {
    "/state": SlashCommand("the journey's state, as JSON", _state),
    "/history": SlashCommand("everything that was said and called", _history),
    "/steps": SlashCommand("all steps: done, current and open, with their tools", _steps),
    "/tools": SlashCommand("what the model may call now", _tools),
    "/prompt": SlashCommand("what the model is told in this step", _prompt),
    "/model": SlashCommand("the model; /model NAME changes it, as --model does", _model),
    "/save-test": SlashCommand("this conversation as a test; /save-test FILE says where", _save_test),
    "/crash": SlashCommand("kill this process in the middle of the next tool call", _crash),
    "/restart": SlashCommand("forget this conversation and begin anew", _restart),
    "/help": SlashCommand("this list", _help),
    "/quit": SlashCommand("leave; the conversation is kept", _quit),
}
