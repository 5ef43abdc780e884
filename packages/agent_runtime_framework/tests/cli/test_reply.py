from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent_runtime_framework.cli.reply import Reply

MakeScreen = Callable[..., Any]


def test_text_is_broken_at_blanks(make_screen: MakeScreen) -> None:
    screen = make_screen(width=11)
    reply = Reply(screen)
    for piece in ("one t", "wo three fo", "ur"):
        reply.feed(piece)
    reply.close()
    assert screen.text == "one two\nthree four\n"


def test_wide_characters_take_two_columns(make_screen: MakeScreen) -> None:
    screen = make_screen(width=9)
    reply = Reply(screen)
    reply.feed("日本語日本語")
    reply.close()
    assert screen.text == "日本語日\n本語\n"


def test_what_is_taken_back_disappears(make_screen: MakeScreen) -> None:
    screen = make_screen(width=11)
    screen.write("before\n")
    reply = Reply(screen)
    reply.feed("one two three four five ")
    reply.replace("")
    reply.feed("six")
    reply.close()
    assert screen.text == "before\nsix\n"


def test_where_nothing_can_be_erased_taking_back_is_said(make_screen: MakeScreen) -> None:
    screen = make_screen()
    screen.can_erase = False
    reply = Reply(screen)
    reply.feed("wrong one ")
    reply.replace("right")
    reply.close()
    assert screen.text == "wrong one\n(taken back)\nright\n"


def test_in_a_pipe_only_the_whole_text_is_written(make_screen: MakeScreen) -> None:
    screen = make_screen(is_interactive=False)
    reply = Reply(screen)
    reply.feed("wrong ")
    reply.replace("right ")
    reply.feed("text")
    assert screen.text == ""
    reply.close()
    assert screen.text == "right text\n"


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\x07b", "x\x9by", "\u202eabc", "\ud800"])
def test_nothing_in_a_reply_steers_the_terminal(make_screen: MakeScreen, text: str) -> None:
    screen = make_screen()
    reply = Reply(screen)
    reply.feed(text)
    reply.close()
    assert all(char.isprintable() or char == "\n" for char in screen.text)
