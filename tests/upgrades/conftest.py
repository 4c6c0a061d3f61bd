"""Here the migrations are what is tested."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _migrated_before() -> None:
    """Let them run."""
