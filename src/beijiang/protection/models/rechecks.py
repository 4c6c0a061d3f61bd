"""When to ask again whether somebody still may have what is being sent (`security.md` 2.4)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SECONDS", "Recheck"]

SECONDS: Final = 5.0
BYTES: Final = 8 << 20


class Recheck:
    """Ask again every 5 seconds or 8 MiB of one stream."""

    def __init__(self, asked_at: float | None = None) -> None:
        """Begin with what was asked just now, or at a moment of the monotonic clock."""
        self._asked_at = time.monotonic() if asked_at is None else asked_at
        self._size = 0

    def before(self, size: int, ask: Callable[[], None]) -> None:
        """Count bytes that are about to go out, and ask if it is time; what ``ask`` raises ends the stream before them."""
        self._size += size
        if self._size >= BYTES or time.monotonic() - self._asked_at >= SECONDS:
            ask()
            self._size, self._asked_at = 0, time.monotonic()
