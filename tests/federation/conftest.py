"""Two linked nodes for the tests of a module, and two that are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from linked import Node, linked, region_and_city


@pytest.fixture
def strangers(tmp_path: Path) -> Iterator[tuple[Node, Node]]:
    """A region and a city that do not know each other yet."""
    pair = region_and_city(tmp_path)
    yield pair
    for node in pair:
        node.close()


@pytest.fixture
def pair(strangers: tuple[Node, Node]) -> tuple[Node, Node]:
    """A region and a city, linked."""
    linked(*strangers)
    return strangers
