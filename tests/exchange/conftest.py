"""One region for the tests of a module; each begins with no grant in force."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beijiang.build import build
from beijiang.kit import SYSTEM, FixedClock
from beijiang.outbound import Target, Use
from beijiang.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))
from exchange_bureau import Bureau
from unruly import Unruly, serving

BEGAN = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    clock = FixedClock(BEGAN)
    built = build(Settings.for_tests(tmp_path_factory.mktemp("exchange")), clock)
    built.first_start()
    yield Bureau(built, clock)
    built.close()


@pytest.fixture
def bureau(region: Bureau) -> Bureau:
    region.clock.at = max(region.clock.at, BEGAN)
    region.end_all()
    return region


@pytest.fixture
def unruly(region: Bureau) -> Iterator[Unruly]:
    with serving() as server:
        target = region.platform.sources.allow(
            SYSTEM,
            Target(host="127.0.0.1", port=server.port, network="127.0.0.1/32", uses=frozenset({Use.CALL})),
            "测试服务",
        )
        yield server
        region.platform.sources.close_target(SYSTEM, target.id)
