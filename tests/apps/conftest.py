"""One platform with firms and people of three organisations; applications are made by each test under its own name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "mining")]
from asking import Office, open_office  # noqa: E402


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    opened = open_office(tmp_path_factory.mktemp("apps"))
    opened.platform.apps.patience = 300.0  # pages of tests wait for all their cards
    yield opened
    opened.close()
