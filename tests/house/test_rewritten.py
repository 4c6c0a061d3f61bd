"""What the suite makes once for all its workers is what each of them would make."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

import rewritten


def test_pytest_takes_what_was_rewritten_for_it_until_the_source_changes(
    tmp_path: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "test_sums.py"
    module.write_text("def test_sum() -> None:\n    left = [1, 2]\n    assert left == [1, 3]\n", encoding="utf-8")
    assert rewritten.stale_in([str(tmp_path), str(module)]) == [module]
    rewritten.write(pytestconfig, [module])
    assert rewritten.stale_in([str(tmp_path)]) == []

    def again(*_: object) -> None:
        pytest.fail("it was rewritten again")

    with monkeypatch.context() as patch:
        patch.setattr("_pytest.assertion.rewrite._rewrite_test", again)
        with pytest.raises(AssertionError, match=r"\[1, 2\] == \[1, 3\]"):
            _imported(module, pytestconfig).test_sum()
    module.write_text("def test_sum() -> None:\n    assert True\n", encoding="utf-8")
    assert rewritten.stale_in([str(tmp_path)]) == [module]


def _imported(module: Path, config: pytest.Config) -> Any:
    found = spec_from_file_location("sums_that_are_wrong", module, loader=AssertionRewritingHook(config))
    assert found is not None
    made = module_from_spec(found)
    assert found.loader is not None
    found.loader.exec_module(made)
    return made
