"""Nothing here begins with a copy: the migrations are what is tested."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import beforehand
from beijiang.db import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'm.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _migrates() -> Iterator[None]:
    with beforehand.the_long_way():
        yield
