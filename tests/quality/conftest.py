"""A whole platform for each test of quality."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beijiang.build import build
from beijiang.kit import FixedClock
from beijiang.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))
from quality_bureau import Bureau


@contextmanager
def _opened(settings: Settings) -> Iterator[Bureau]:
    clock = FixedClock(datetime(2026, 3, 10, 4, 0, tzinfo=UTC))
    built = build(settings, clock)
    built.first_start()
    built.jobs.start_worker()
    yield Bureau(built, built.settings.home / "staging", clock)
    built.close()


@pytest.fixture
def bureau(tmp_path: Path) -> Iterator[Bureau]:
    with _opened(Settings.for_tests(tmp_path)) as opened:
        yield opened


@pytest.fixture
def distributed(tmp_path: Path, spark_url: str) -> Iterator[Bureau]:
    """The same with its counting on a Spark Connect server."""
    with _opened(Settings.for_tests(tmp_path, spark_url=spark_url)) as opened:
        yield opened
