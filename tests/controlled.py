"""The table of controls with some of its rows changed, as a region changes them: what reads it must follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from beijiang.protection.models import reference

Rows = list[dict[str, str]]


@contextmanager
def changed(how: Callable[[dict[str, str]], dict[str, str]]) -> Iterator[None]:
    """Have every row of ``controls.csv`` read through ``how`` for a while."""
    read = reference.packaged

    def rows(name: str) -> Rows:
        return [how(row) for row in read(name)] if name == "controls" else read(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "packaged", rows)
        reference.controls.cache_clear()
        try:
            yield
        finally:
            reference.controls.cache_clear()


def ruled(stage: str, level: str, rules: str) -> Callable[[dict[str, str]], dict[str, str]]:
    """Give one grade at one stage other rules."""
    return lambda row: {**row, "rules": rules} if (row["stage"], row["level"]) == (stage, level) else row
