"""Waiting for something to become true: the one way in which tests wait for what another thread or process does.

A test waits for exactly what it then asserts. The limit is generous, because a machine that builds at the same time stands
still for seconds; it ends a test that would wait for ever, and nothing depends on how near to it one comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

__all__ = ["until"]

T = TypeVar("T")


def until(what: Callable[[], T], seconds: float = 90, every: float = 0.05) -> T:
    """Ask again and again until the answer counts as true, and return it; fail with the last answer when the time is up."""
    limit = time.monotonic() + seconds
    while not (found := what()):
        if time.monotonic() > limit:
            pytest.fail(f"it did not happen within {seconds:.0f} seconds; last seen: {found!r}")
        time.sleep(every)
    return found
