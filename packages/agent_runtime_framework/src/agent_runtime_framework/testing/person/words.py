"""What a simulated person says and understands, per language; `words.json` is where a language is added."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from agent_runtime_framework.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of one language.

    Attributes:
        hello: Ways to begin.
        yes: Ways to agree.
        no: Ways not to.
        plain: Ways to answer a question for one thing.
        labelled: Ways to say what the answer is about, too.
        and_: What stands between two answers.
        correction: Ways to correct a slip.
        change: Ways to say that one has changed one's mind.
        digressions: What one may ask instead of answering.
        decisions: What questions to be answered with yes or no begin with.
        openers: Words that make a question one that a yes does not answer.
        synonyms: Other words a question may use for a word of the record.
    """

    hello: tuple[str, ...]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    plain: tuple[str, ...]
    labelled: tuple[str, ...]
    and_: str
    correction: tuple[str, ...]
    change: tuple[str, ...]
    digressions: tuple[str, ...]
    decisions: tuple[str, ...]
    openers: tuple[str, ...]
    synonyms: dict[str, tuple[str, ...]]


@lru_cache
def words_of(language: str) -> Words:
    """The words of a language.

    Raises:
        ConfigurationError: There are none.
    """
    known = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
    if language not in known:
        raise ConfigurationError(f"a simulated person does not speak {language!r}; they speak: {', '.join(known)}")
    found = dict(known[language])
    synonyms = {name: tuple(others) for name, others in found.pop("synonyms").items()}
    between = found.pop("and")
    return Words(**{name: tuple(texts) for name, texts in found.items()}, and_=between, synonyms=synonyms)
