"""Finding a word in what a person wrote, in any language."""

from __future__ import annotations

import unicodedata

# These scripts write no spaces between words, so a word may begin anywhere.
_UNSPACED_SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


def normalized(text: str) -> str:
    """The text in the form in which it is compared: case, composition and the amount of space do not matter.

    >>> normalized("  Straße   10 ")
    'strasse 10'
    """
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def begins_a_word(keyword: str, text: str) -> bool:
    """True if some word of the text begins with the keyword; both must be normalized.

    >>> begins_a_word("quote", "two quotes please"), begins_a_word("eat", "nice weather")
    (True, False)
    """
    anywhere = unicodedata.name(keyword[0], "").startswith(_UNSPACED_SCRIPTS)
    at = text.find(keyword)
    while at > 0 and not anywhere and _is_inside_a_word(text[at - 1]):
        at = text.find(keyword, at + 1)
    return at >= 0


def _is_inside_a_word(character: str) -> bool:
    return character == "_" or unicodedata.category(character)[0] in "LMN"
