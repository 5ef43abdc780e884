"""Texts without the secrets in them: keys, tokens and passwords, wherever they were caught.

A secret is known by its value, by its form, or by the name in front of it. Too much is masked rather than too little.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, TypeAlias, cast

from agent_runtime_core.config import environment_value, get_config
from agent_runtime_core.errors import ConfigurationError

MASK = "***"

# Shorter ones are found all over ordinary text.
_SHORTEST_VALUE = 8

_registered: set[str] = set()


def register_secret(value: str) -> None:
    """Mask this value from now on, whatever it looks like; one of fewer than 8 characters is ignored."""
    if len(value) >= _SHORTEST_VALUE:
        _registered.add(value)


def mask_secrets(text: str) -> str:
    """The text with `***` in the place of every secret.

    >>> mask_secrets("GET https://api.example.org/v1?key=abc&n=1 Authorization: Bearer eyJabcdefgh")
    'GET https://api.example.org/v1?key=***&n=1 Authorization: ***'
    """
    values = _known_values()
    if values:
        text = _values_pattern(values).sub(MASK, text)
    for pattern, replacement in _rules():
        text = pattern.sub(replacement, text)
    return text


def mask_json(value: Any) -> Any:
    """JSON with `***` in the place of every secret, also of one that only its key gives away."""
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
        return {key: MASK if is_secret_name(str(key)) else mask_json(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [mask_json(item) for item in cast("list[Any]", value)]
    return value


def is_secret_name(name: str) -> bool:
    """True if a field of that name holds a secret, such as `api_key` or `password`."""
    return re.search(rf"{_NAMES}$", name, re.IGNORECASE) is not None


def _known_values() -> frozenset[str]:
    known = {*_registered, *(environment_value(name) or "" for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"))}
    try:
        config = get_config()
    except ConfigurationError:
        # A setting that cannot be read is reported where it is needed; a log line must not fail for it.
        pass
    else:
        known |= {config.openai_api_key or "", config.anthropic_api_key or "", config.langfuse_secret_key or ""}
    return frozenset(value for value in known if len(value) >= _SHORTEST_VALUE)


@lru_cache(maxsize=8)
def _values_pattern(values: frozenset[str]) -> re.Pattern[str]:
    from urllib.parse import quote  # only needed where there are values to mask, and not for free

    forms = {form for value in values for form in (value, quote(value, safe=""))}
    # The longest first, so that no value is cut short by another one that begins it.
    return re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))


_Replacement: TypeAlias = str | Callable[[re.Match[str]], str]

# What comes before such a name does not matter; looking for it would take quadratic time.
_NAMES = (
    r"(?:(?:api|access|private|secret)[_-]?key|secret|passwd|password|passphrase|credentials?|authorization|cookie"
    r"|(?:access|auth|refresh|id|session|bearer|api)[_-]?token)"
)
# A text in quotes, also inside a text that is quoted itself; one that was cut off reaches to the end.
_QUOTED = (
    r"\\\"(?:[^\"\\]|\\[^\"])*(?:\\\"|\Z)"
    r"|\"(?:[^\"\\]|\\[\s\S])*(?:\"|\Z)"
    r"|'(?:[^'\\]|\\[\s\S])*(?:'|\Z)"
)


@cache
def _rules() -> tuple[tuple[re.Pattern[str], _Replacement], ...]:
    # Made at the first use: compiling them takes longer than everything else this package does on import.
    return (
        (
            re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.S),
            MASK,
        ),
        # user:password@ in an address
        (re.compile(r"(?<=://)[^\s/?#@\"'<>]{1,512}@"), f"{MASK}@"),
        # name=value, name: value, "name": "value"; an Authorization header has a scheme before its value
        (
            re.compile(
                rf"(?i)(?P<name>{_NAMES}\\?[\"']?\s{{0,4}}[:=]\s{{0,4}})"
                rf"(?:{_QUOTED}|(?:b(?=[\"']))?[\"']?(?:(?:bearer|basic|token|digest)\s+)?[^\s\"',;&)\]}}]+)"
            ),
            rf"\g<name>{MASK}",
        ),
        # The short names are secrets in the query of an address only.
        (
            re.compile(r"(?i)(?P<name>[?&;](?:key|token|sig|signature|code|auth|pwd|secret|jwt)=)[^&#\s\"'<>]+"),
            rf"\g<name>{MASK}",
        ),
        (
            re.compile(r"(?i)\b(?P<scheme>bearer)\s+(?:(?=\S{0,200}\d)[A-Za-z0-9._~+/=-]{6,}|[A-Za-z0-9._~+/=-]{20,})"),
            rf"\g<scheme> {MASK}",
        ),
        # keys whose makers gave them a recognisable form
        (
            re.compile(
                r"\b(?:(?:sk|pk|rk)-[\w-]{8,}|(?:sk|pk|rk|whsec)_(?:live_|test_)?\w{16,}|AIza[\w-]{30,}|gh[opsur]_\w{20,}"
                r"|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[a-z]-[\w-]{8,}|(?:AKIA|ASIA)[A-Z0-9]{16}|hf_\w{20,}|gsk_\w{20,}"
                r"|xai-\w{20,}|eyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*)"
            ),
            MASK,
        ),
    )
