"""The region of the tests of sharing, with notices; each test begins with everything told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beijiang.build import build
from beijiang.kit import FixedClock
from beijiang.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))
from exchange_bureau import Bureau
from postbox import Postbox, listening

BEGAN = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    clock = FixedClock(BEGAN)
    built = build(Settings.for_tests(tmp_path_factory.mktemp("notices")), clock)
    built.first_start()
    yield Bureau(built, clock)
    built.close()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postbox]:
    """A mail server of the tests' own; modules that send letters have a region that knows it."""
    with listening(Postbox(tmp_path_factory.mktemp("postbox"))) as made:
        yield made


@pytest.fixture
def bureau(region: Bureau) -> Bureau:
    region.clock.at = max(region.clock.at, BEGAN)
    region.end_all()
    while region.platform.notices.take():
        pass
    for actor in region.people.values():
        region.platform.notices.read_all(actor)
    return region
