"""Waiting for a page to come to something.

The browser's own ``wait_for_function`` asks a second time from within the page, where our policy forbids to evaluate a text.
"""

from __future__ import annotations

from typing import Any

import pytest

__all__ = ["until"]


def until(page: Any, question: str, seconds: float = 60) -> None:
    """Ask the page ``question`` (JavaScript) until the answer is true."""
    for _ in range(int(seconds * 20)):
        if page.evaluate(question):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{page.url} never came to: {question}")
