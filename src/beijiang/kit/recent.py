"""What was made lately and would come out the same again, by everything it was made of."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

__all__ = ["REMEMBERED", "Recent"]

REMEMBERED: Final = 256

T = TypeVar("T")


class Recent(Generic[T]):
    """Keep the most recently used of what cannot go stale, because its key names all that it depends on.

    ``worth`` tells what is not too large to be kept.
    """

    def __init__(self, size: int, worth: Callable[[T], bool] | None = None) -> None:
        self._size = size
        self._worth = worth
        self._held: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def peek(self, key: Hashable) -> T | None:
        """Return what belongs to a key if it is kept."""
        with self._lock:
            return self._held.get(key)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what belongs to a key, made now if need be; two threads may both make it, the results are alike."""
        with self._lock:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
                return found
        made = make()
        if self._worth is not None and not self._worth(made):
            return made
        with self._lock:
            made = self._held.setdefault(key, made)
            while len(self._held) > self._size:
                self._held.popitem(last=False)
        return made
