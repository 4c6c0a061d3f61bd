"""One platform for a whole module of library tests: each test has tables of its own."""

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
from library_bureau import Archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    home = tmp_path_factory.mktemp("fusion")
    clock = FixedClock(datetime(2026, 3, 10, 4, 0, tzinfo=UTC))
    built = build(Settings.for_tests(home), clock)
    built.first_start()
    yield Archive(built, built.settings.home / "staging", clock)
    built.close()
