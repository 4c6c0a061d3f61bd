"""A whole platform for each test of quality."""

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
from quality_bureau import Bureau


@pytest.fixture
def bureau(tmp_path: Path) -> Iterator[Bureau]:
    clock = FixedClock(datetime(2026, 3, 10, 4, 0, tzinfo=UTC))
    built = build(Settings.for_tests(tmp_path), clock)
    built.first_start()
    built.jobs.start_worker()
    yield Bureau(built, built.settings.home / "staging", clock)
    built.close()
