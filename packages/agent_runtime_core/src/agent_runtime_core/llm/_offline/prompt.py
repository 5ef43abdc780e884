"""A prompt written for a model, as something that can be said to a person."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from agent_runtime_core.llm._offline.language import Language, compiled, detect

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”']?\s+(?=[^\W\d_a-zäöüñ]|[¿¡\"“*-])|\n+")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_MARKUP = re.compile(r"^#+ .*$|[*_]{2}|^>\s*", re.MULTILINE)
_IDENTIFIER = re.compile(r"`[^`]*`|\b[a-z]+(?:_[a-z0-9]+)+\b")
_EXACTLY = re.compile(r'^Ask "(.+)"$', re.MULTILINE)
_ADDRESSES = re.compile(r"!|\?$")


@dataclass(slots=True)
class Spoken:
    """What a prompt lets one say: statements, a question if there is one, and whether to introduce oneself.

    A line such as `Ask "How many are you?"` gives the question in the very words for the person.
    """

    language: Language
    statements: list[str] = field(default_factory=list[str])
    questions: list[str] = field(default_factory=list[str])
    introduces: bool = False
    asides: list[str] = field(default_factory=list[str])
    exact: str = ""

    @property
    def question(self) -> str:
        """All questions, one after the other; empty if there is none."""
        return " ".join(dict.fromkeys(self.questions))


def spoken(prompt: str, tools: Sequence[str]) -> Spoken:
    """Read a prompt; instructions that concern only the model, and names of tools, are left out."""
    exact = " ".join(_EXACTLY.findall(prompt))
    prompt = _EXACTLY.sub("", prompt)
    language = detect([prompt])
    result = Spoken(language, exact=exact)
    for sentence in _sentences(prompt):
        clean = _without_tools(sentence, tools, language)
        if clean and not any(compiled(source).search(clean) for source in _list(language, "drop")):
            _say(clean, language, result)
    if not (result.statements or result.questions or result.introduces or exact):
        result.statements = result.asides[-1:]
    return result


def _list(language: Language, name: str) -> Sequence[str]:
    return language.table("prompt").get(name, ())


def _sentences(prompt: str) -> Iterator[str]:
    lines = _MARKUP.sub("", prompt[:12000]).splitlines()
    paragraphs: list[tuple[str, list[str]]] = []
    for line in lines:
        if _BULLET.match(line) and paragraphs and paragraphs[-1][0].endswith(":"):
            paragraphs[-1][1].append(_BULLET.sub("", line).strip().rstrip(".;,"))
        else:
            paragraphs.append((_BULLET.sub("", line).strip(), []))
    for text, items in paragraphs:
        for sentence in _SENTENCE_END.split(f"{text.removesuffix(':')} {_enumerated(items)}" if items else text):
            if sentence.strip():
                yield sentence.strip()


def _enumerated(items: Sequence[str]) -> str:
    conjunction = detect(items).say("and", "ask")
    return f" {conjunction} ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def _without_tools(sentence: str, tools: Sequence[str], language: Language) -> str:
    names = "|".join([*(re.escape(name) for name in sorted(tools, key=len, reverse=True)), r"[a-z]+(?:_[a-z0-9]+)+"])
    for source in _list(language, "tool_mention"):
        sentence = compiled(source.replace("TOOL", f"(?:{names})")).sub("", sentence)
    sentence = re.sub(r"\s+([.,!?;:])", r"\1", sentence).strip(" ,;:")
    return "" if _IDENTIFIER.search(sentence) or not any(map(str.isalnum, sentence)) else sentence


def addressed(text: str, language: Language) -> str:
    """The text with the person spoken to instead of spoken of."""
    for source, replacement in _list(language, "address"):
        text = compiled(source).sub(lambda match, put=replacement: filled(put, match), text)
    return text


def filled(template: str, match: re.Match[str]) -> str:
    """The template with the groups of a match where it says `{0}`, `{1}` and so on."""
    for index, group in enumerate(match.groups()):
        template = template.replace("{" + str(index) + "}", group or "")
    return template


def _say(sentence: str, language: Language, result: Spoken, depth: int = 0) -> None:
    bare = addressed(sentence, language).rstrip(" .!;:,")
    both = compiled(language.table("prompt").get("again", "^$")).match(bare)
    if both and depth < 3:
        for part in both.groups():
            _say(part, language, result, depth + 1)
        return
    for source, kind, template in _list(language, "rules"):
        match = compiled(source).match(bare.rstrip("?") if kind == "question" else bare)
        if match:
            _apply(kind, filled(template, match), language, result, depth)
            return
    _say_as_it_is(sentence, language, result)


def _apply(kind: str, text: str, language: Language, result: Spoken, depth: int) -> None:
    match kind:
        case "question":
            result.questions.append(_capital(text))
        case "statement":
            result.statements.append(_capital(text if text[-1:] in ".!?" else f"{text}."))
        case "again" if depth < 3:
            _say(text, language, result, depth + 1)
        case _:
            result.introduces = True


def _say_as_it_is(sentence: str, language: Language, result: Spoken) -> None:
    """A sentence that no rule knows is said if it is a question or plainly speaks to the person."""
    text = addressed(sentence, language)
    if text.endswith("?"):
        result.questions.append(_capital(text))
    elif _ADDRESSES.search(text) or compiled(language.table("prompt").get("speaks", "^$")).search(sentence):
        result.statements.append(_capital(text if text[-1:] in ".!?" else f"{text}."))
    else:
        result.asides.append(_capital(text if text[-1:] in ".!?" else f"{text}."))


def _capital(text: str) -> str:
    start = next((index for index, char in enumerate(text) if char.isalnum()), 0)
    return text[:start] + text[start : start + 1].upper() + text[start + 1 :]
