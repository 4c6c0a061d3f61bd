"""Answers of queries, kept for whoever asks exactly the same: text as rewritten, files, obligations and policy."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from beijiang.engine.failures import failure
from beijiang.kit import BeijiangError

if TYPE_CHECKING:
    from beijiang.engine import Stop

__all__ = ["Answers"]

SMALLEST: Final = 4096
"""Bytes that an entry counts for at least: keys and schemas take room too."""


class Sized(Protocol):
    """Something whose memory is known."""

    @property
    def nbytes(self) -> int:
        """Return its size in bytes."""
        ...


T = TypeVar("T", bound=Sized)


@dataclass(eq=False)
class _Flight(Generic[T]):
    """One making of an answer, and those who wait for it."""

    followers: list[threading.Event] = field(default_factory=list)
    made: T | None = None
    error: BeijiangError | None = None


class Answers(Generic[T]):
    """Keep what was used last within so many bytes; of those who want one thing at a time, one makes it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, T] = OrderedDict()
        self._bytes = 0
        self._flights: dict[Hashable, _Flight[T]] = {}

    def get(self, key: Hashable, make: Callable[[], T], stop: Stop) -> tuple[T, bool]:
        """Return what stands under the key and whether it stood there or another made it; make and keep it otherwise.

        What making it raises is raised to all who wait for it, unless one of them merely stopped his own query.
        """
        found: list[tuple[T | BeijiangError, bool]] = []
        self.get_all({"": key}, lambda _: {"": make()}, stop, lambda _, answer, cached: found.append((answer, cached)))
        answer, cached = found[0]
        if isinstance(answer, BeijiangError):
            raise answer
        return answer, cached

    def get_all(
        self,
        keys: Mapping[str, Hashable],
        make: Callable[[Sequence[str]], Mapping[str, T | BeijiangError]],
        stop: Stop,
        ready: Callable[[str, T | BeijiangError, bool], None],
    ) -> None:
        """Tell ``ready`` of each name what stands under its key, those that are kept first, and whether they were.

        What nobody is making is made here in one go; then what others make is waited for. A key of None is never shared.

        Raises:
            Conflict: the query was stopped (``query_cancelled``).

        """
        left = dict(keys)
        while left:
            held, flown, followed = self._sorted(left)
            for name, answer in held.items():
                ready(name, answer, True)
            if flown:
                self._lead(flown, make, ready)
            for name, (flight, woken) in followed.items():
                with stop.over(woken.set):
                    woken.wait()
                if stop.asked:
                    raise failure("query_cancelled")
                if flight.made is not None:
                    ready(name, flight.made, True)
                elif flight.error is not None and flight.error.reason != "query_cancelled":
                    ready(name, _again(flight.error), True)
                else:
                    continue
                del left[name]
            for name in (*held, *flown):
                del left[name]

    def forget(self) -> None:
        """Forget what is kept; what is being made is still handed to those who wait for it."""
        with self._lock:
            self._held.clear()
            self._bytes = 0

    def _sorted(
        self, keys: Mapping[str, Hashable]
    ) -> tuple[dict[str, T], dict[str, tuple[Hashable, _Flight[T]]], dict[str, tuple[_Flight[T], threading.Event]]]:
        """Return what is kept, what is to be made by who asks now, and what others are making."""
        held: dict[str, T] = {}
        flown: dict[str, tuple[Hashable, _Flight[T]]] = {}
        followed: dict[str, tuple[_Flight[T], threading.Event]] = {}
        with self._lock:
            for name, key in keys.items():
                if key is None or not self._size:
                    flown[name] = None, _Flight()
                elif key in self._held:
                    self._held.move_to_end(key)
                    held[name] = self._held[key]
                elif key in self._flights:
                    woken = threading.Event()
                    self._flights[key].followers.append(woken)
                    followed[name] = self._flights[key], woken
                else:
                    self._flights[key] = _Flight()
                    flown[name] = key, self._flights[key]
        return held, flown, followed

    def _lead(
        self,
        flown: Mapping[str, tuple[Hashable, _Flight[T]]],
        make: Callable[[Sequence[str]], Mapping[str, T | BeijiangError]],
        ready: Callable[[str, T | BeijiangError, bool], None],
    ) -> None:
        made: Mapping[str, T | BeijiangError] = {}
        try:
            made = make(list(flown))
        except BeijiangError as error:
            made = dict.fromkeys(flown, error)
        finally:
            self._land(flown, made)
        for name in flown:
            ready(name, made[name], False)

    def _land(self, flown: Mapping[str, tuple[Hashable, _Flight[T]]], made: Mapping[str, T | BeijiangError]) -> None:
        """Keep what was made and wake those who wait for it."""
        with self._lock:
            for name, (key, flight) in flown.items():
                answer = made.get(name)
                if isinstance(answer, BeijiangError):
                    flight.error = answer
                elif answer is not None:
                    flight.made = answer
                if key is not None:
                    del self._flights[key]
                    if flight.made is not None:
                        self._keep(key, flight.made)
        for _, flight in flown.values():
            for woken in flight.followers:
                woken.set()

    def _keep(self, key: Hashable, made: T) -> None:
        self._held[key] = made
        self._bytes += max(SMALLEST, made.nbytes)
        while self._bytes > self._size:
            _, old = self._held.popitem(last=False)
            self._bytes -= max(SMALLEST, old.nbytes)


def _again(error: BeijiangError) -> BeijiangError:
    """Return the error anew: one that is raised in several threads would carry the traces of all."""
    return type(error)(error.text.zh, error.text.en, code=error.reason, detail=error.detail)
