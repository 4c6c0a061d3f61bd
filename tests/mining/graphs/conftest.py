"""One company for all tests of a module."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from company import Company, open_company


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    opened = open_company(tmp_path_factory.mktemp("graphs"))
    yield opened
    opened.office.close()
