"""One region for all clients of a module; tests only read it, or make what they need under names of their own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from interop_region import Region, region_of


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_of(tmp_path_factory.mktemp("region")) as served:
        yield served
