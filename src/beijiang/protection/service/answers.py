"""Answers of queries, kept for whoever asks exactly the same: text as rewritten, files, obligations and policy."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
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
        if not self._size:
            return make(), False
        while True:
            with self._lock:
                held = self._held.get(key)
                if held is not None:
                    self._held.move_to_end(key)
                    return held, True
                flight = self._flights.get(key)
                if flight is None:
                    flight = self._flights[key] = _Flight()
                    break
                woken = threading.Event()
                flight.followers.append(woken)
            with stop.over(woken.set):
                woken.wait()
            if stop.asked:
                raise failure("query_cancelled")
            if flight.made is not None:
                return flight.made, True
            if flight.error is not None and flight.error.reason != "query_cancelled":
                raise _again(flight.error)
        return self._lead(key, flight, make), False

    def _lead(self, key: Hashable, flight: _Flight[T], make: Callable[[], T]) -> T:
        try:
            flight.made = make()
        except BeijiangError as error:
            flight.error = error
            raise
        finally:
            with self._lock:
                del self._flights[key]
                if flight.made is not None:
                    self._keep(key, flight.made)
            for woken in flight.followers:
                woken.set()
        return flight.made

    def _keep(self, key: Hashable, made: T) -> None:
        self._held[key] = made
        self._bytes += max(SMALLEST, made.nbytes)
        while self._bytes > self._size:
            _, old = self._held.popitem(last=False)
            self._bytes -= max(SMALLEST, old.nbytes)


def _again(error: BeijiangError) -> BeijiangError:
    """Return the error anew: one that is raised in several threads would carry the traces of all."""
    return type(error)(error.text.zh, error.text.en, code=error.reason, detail=error.detail)
