"""Nothing here begins with a copy: the migrations are what is tested."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import beforehand


@pytest.fixture(autouse=True)
def _migrates() -> Iterator[None]:
    with beforehand.the_long_way():
        yield
