"""The region of the interoperability tests, for our own client."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "interop"))
from interop_region import ID, Region, region_of

from beijiang.exchange import Way


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_of(tmp_path_factory.mktemp("region")) as served:
        served.bureau.granted("盟市", ID, "注册资本", ways=frozenset({Way.API, Way.SQL}), impact="评2026-05")
        yield served
