"""Every kind of source speaks both languages in its form."""

from __future__ import annotations

from typing import Any

import pytest

from beijiang.ingest.connectors import connector, kinds


def test_the_built_in_kinds_come_through_the_public_door() -> None:
    assert set(kinds()) >= {"mysql", "postgresql", "rest", "sqlite"}


@pytest.mark.parametrize("kind", kinds())
def test_every_option_has_a_name_and_a_hint_in_both_languages(kind: str) -> None:
    properties: dict[str, Any] = connector(kind).options_model.model_json_schema()["properties"]
    for name, option in properties.items():
        for words in (option["label"], option["hint"]):
            assert words["zh"], name
            assert words["en"], name
        assert option["hint"]["zh"] != option["hint"]["en"], name
