"""For how long an attempt at a delivery may go on, and that nobody waits for one that is over.

A far side that takes a connection and says nothing holds the thread that talks to it. Such an attempt is given up from outside:
its connections are cut, what it would still write down does not count any more, and its thread is left to end by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from beijiang.exchange.errors import push_stopped
from beijiang.kit import BeijiangError, Unavailable

__all__ = ["Attempt", "PushLimits", "bounded"]

_LOOK_EVERY: Final = 0.25
_STOP_GRACE: Final = 10.0
"""Seconds in which an attempt may end by itself when the platform stops."""
_CUT_GRACE: Final = 2.0
"""Seconds in which a thread whose connections were cut may end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushLimits:
    """How much of the workers' time deliveries may take."""

    seconds: float
    """One attempt, from its first connection to its proof."""
    idle: float
    """Without a single batch being taken or a step being finished."""
    at_once: int
    """Deliveries of one department that are on their way at once."""


class Attempt:
    """One attempt at a delivery: its clock, and whether what it finds still counts."""

    def __init__(self, limits: PushLimits, cut: Callable[[], None] | None = None) -> None:
        self._limits = limits
        self.cut = cut or (lambda: None)
        """Breaks off the connections of this attempt; set when the way there is open."""
        self._began = self._moved = time.monotonic()
        self._lock = threading.RLock()
        self._over = False

    @property
    def over(self) -> bool:
        """Tell whether it was given up."""
        return self._over

    @property
    def seconds(self) -> float:
        """Return how long it has taken so far."""
        return time.monotonic() - self._began

    def moved(self) -> None:
        """Say that something went forward.

        Raises:
            Conflict: the attempt was given up (``push_stopped``).

        """
        if self._over:
            raise push_stopped()
        self._moved = time.monotonic()

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Write something down while the attempt counts; it is not given up in the middle of that.

        Raises:
            Conflict: the attempt was given up (``push_stopped``).

        """
        with self._lock:
            self.moved()
            yield

    def expired(self) -> BeijiangError | None:
        """Return why it has to end, if its time is up."""
        now = time.monotonic()
        if self.seconds >= self._limits.seconds:
            return _too_long(self._limits.seconds)
        return _silent(self._limits.idle) if now - self._moved >= self._limits.idle else None

    def give_up(self) -> None:
        """Let nothing count any more, and cut what it holds open."""
        with self._lock:
            self._over = True
        self.cut()


def bounded(
    attempt: Attempt, work: Callable[[], None], stopping: threading.Event
) -> tuple[BeijiangError | None, threading.Thread | None]:
    """Do some work in a thread of its own, for as long as the attempt may take.

    Returns why it was given up, and its thread if that goes on all the same. What the work raises is raised here.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            raised.append(error)

    thread = threading.Thread(target=run, name="beijiang-push-attempt", daemon=True)
    thread.start()
    stops_at: float | None = None
    while thread.is_alive():
        thread.join(_LOOK_EVERY)
        why = attempt.expired()
        if why is None and stopping.is_set():
            stops_at = stops_at or time.monotonic() + _STOP_GRACE
            why = push_stopped() if time.monotonic() >= stops_at else None
        if why is not None and thread.is_alive():
            attempt.give_up()
            thread.join(_CUT_GRACE)
            return why, thread if thread.is_alive() else None
    if raised:
        raise raised[0]
    return None, None


def _silent(seconds: float) -> Unavailable:
    return Unavailable(
        f"目标系统 {seconds:g} 秒没有任何进展，这次交付已断开，稍后自动重试。请检查目标系统是否挂起。",
        f"The far side made no progress for {seconds:g} s; the delivery was cut off and is tried again. See whether it hangs.",
        code="push_silent",
        detail={"seconds": seconds},
    )


def _too_long(seconds: float) -> Unavailable:
    return Unavailable(
        f"这次交付超过 {seconds:g} 秒的上限，已断开，稍后自动重试。请检查目标系统的速度，或由管理员调整 push_seconds。",
        f"The delivery took more than the {seconds:g} s it may; it was cut off and is tried again. See how quick the far side is, or have push_seconds raised.",
        code="push_too_long",
        detail={"seconds": seconds},
    )
