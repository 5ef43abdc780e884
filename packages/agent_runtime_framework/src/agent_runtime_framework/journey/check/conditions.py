"""What a form's `when=` reads and compares: it is tried with answers that are anything, one way after the other.

It is called with stand-ins whose comparisons come out both ways, until every way through it was taken or there are too
many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_WAYS = 64


@dataclass(slots=True)
class Tried:
    """What came of it.

    Attributes:
        names: The answers it reads, in the order in which it does.
        compared: The values each of them is compared with.
        outcomes: What it answered, one per way.
        error: What it failed with in every way; None if it did not.
        is_whole: True if every way was taken.
    """

    names: dict[str, None] = field(default_factory=dict[str, None])
    compared: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    outcomes: set[bool] = field(default_factory=set[bool])
    error: Exception | None = None
    is_whole: bool = True


def try_out(when: Callable[[Mapping[str, Any]], Any]) -> Tried:
    """Call a condition in every way."""
    tried = Tried()
    ways: list[tuple[bool, ...]] = [()]
    for _ in range(MOST_WAYS):
        if not ways:
            return tried
        way = _Way(ways.pop(), tried)
        try:
            tried.outcomes.add(bool(when(_Answers(way))))
        except Exception as error:  # noqa: BLE001  an author's condition may raise anything; it is reported
            tried.error = error
        ways += way.others()
    tried.is_whole = not ways
    return tried


class _Way:
    """One way through a condition: how its questions are answered, first the given ones, then with no."""

    def __init__(self, given: tuple[bool, ...], tried: Tried) -> None:
        self._given = given
        self.tried = tried
        self._taken: list[bool] = []

    def decide(self) -> bool:
        number = len(self._taken)
        self._taken.append(self._given[number] if number < len(self._given) else False)
        return self._taken[-1]

    def others(self) -> list[tuple[bool, ...]]:
        start = len(self._given)
        return [(*self._taken[:number], True) for number in range(start, min(len(self._taken), start + MOST_WAYS))]


class _Answers(dict[str, Any]):
    def __init__(self, way: _Way) -> None:
        super().__init__()
        self._way = way

    def __missing__(self, name: str) -> Any:
        return self.get(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._way.tried.names[name] = None
        return _Anything(name, self._way)

    def __contains__(self, name: object) -> bool:
        if isinstance(name, str):
            self._way.tried.names[name] = None
        return self._way.decide()


class _Anything:
    """An answer that may be anything."""

    def __init__(self, name: str, way: _Way) -> None:
        self._name = name
        self._way = way

    def _compare(self, other: object) -> bool:
        self._way.tried.compared.setdefault(self._name, []).append(other)
        return self._way.decide()

    def __eq__(self, other: object) -> bool:
        return self._compare(other)

    def __ne__(self, other: object) -> bool:
        return self._compare(other)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return self._way.decide()

    def _decides(self, *_: Any) -> bool:
        return self._way.decide()

    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _decides

    def _becomes(self, *_: Any, **__: Any) -> Any:
        return _Anything("", self._way)

    __call__ = __getitem__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = _becomes
    __rtruediv__ = __mod__ = __neg__ = __abs__ = _becomes

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything("", self._way)
