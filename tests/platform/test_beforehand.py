"""What the suite spares itself is spared again after a test that did not want it."""

from __future__ import annotations

import pytest

import beforehand


def test_the_long_way_ends_with_a_failure_in_it() -> None:
    with pytest.raises(ValueError, match="failed"), beforehand.the_long_way():
        raise ValueError("failed")
    assert not beforehand._skipped
