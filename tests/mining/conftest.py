"""One platform with two tables and people of three organisations, for all tests of a module."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from asking import Office, open_office
from forecasting import Bureau, open_bureau


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    opened = open_office(tmp_path_factory.mktemp("mining"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    opened = open_bureau(tmp_path_factory.mktemp("forecasts"))
    yield opened
    opened.platform.close()
