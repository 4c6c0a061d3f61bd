"""One platform for a whole module of recipe tests: each test has tables of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beijiang.build import build
from beijiang.kit import FixedClock
from beijiang.settings import Settings

sys.path.insert(0, str(Path(__file__).parents[1] / "quality"))
sys.path.insert(0, str(Path(__file__).parent))
from recipe_bureau import Kitchen


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kitchen]:
    home = tmp_path_factory.mktemp("recipes")
    clock = FixedClock(datetime(2026, 3, 10, 4, 0, tzinfo=UTC))
    built = build(Settings.for_tests(home), clock)
    built.first_start()
    built.jobs.start_worker()
    yield Kitchen(built, built.settings.home / "staging", clock)
    built.close()
