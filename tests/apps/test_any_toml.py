"""Whatever TOML stands in a bundle: it is read, or every fault has its file, line and mend; nothing else comes out."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hosting import HEAD, OVERVIEW, bundle
from hypothesis import given, settings
from hypothesis import strategies as st

from beijiang.apps import parse_bundle
from beijiang.kit import Invalid

JOB = 'query = "by_league"\nschedule = "daily 06:30"\nto = "steward"\ntext = { zh = "少", en = "Few" }\n'
EVERY = """# 概览

```table
query = "by_league"
title = "各盟市"
columns = ["盟市"]
tones = { "包头市" = "bad" }
link = { page = "leagues", set = { league = "盟市" } }
bar = "户数"
half = true
```

```map
query = "by_league"
title = "各盟市"
value = "户数"
region = "盟市"
```

```network
graph = "股权"
about = "league"
question = "up"
title = "企业"
```

"""
FILES = {
    "app.toml": HEAD.replace("pages = [", 'roles = ["steward"]\nschedule = "daily"\nper_minute = 60\npages = ['),
    "pages/overview.md": OVERVIEW.replace("# 概览\n", EVERY),
    "api/leagues.toml": bundle()["api/leagues.toml"],
    "tests/shape.toml": bundle()["tests/shape.toml"],
    "jobs/few.toml": JOB,
    "jobs/kept.toml": 'query = "by_league"\nschedule = "every 2h"\ntable = "各盟市户数"\nparameters = { league = "包头市" }\n',
    "i18n/en.toml": bundle()["i18n/en.toml"],
}


def written(value: Any) -> str:
    """Return a value as TOML has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k, ensure_ascii=False)} = {written(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(written(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


WORDS = st.sampled_from(("", "query", "zh", "en", "set", "page", "column", "op", "value", "say", "total", "bad", "daily", "league", "盟市"))  # fmt: skip
PLAIN = st.booleans() | st.integers(-5, 5) | st.sampled_from((1.5, "inf", "2026-11-27", "06:30:00")) | WORDS
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=6
)


def lines() -> list[tuple[str, int]]:
    """Return every line that gives a key a value, by file and number."""
    return [(file, n) for file, text in FILES.items() for n, line in enumerate(text.splitlines()) if " = " in line]


def read(files: dict[str, str]) -> None:
    """Read a bundle and what the pages and the checks ask of its blocks; or have all faults told."""
    try:
        found = parse_bundle(files)
    except Invalid as error:
        told = error.detail["faults"]
        assert isinstance(told, list)
        assert told
        for one in told:
            assert isinstance(one, dict)
            assert one["file"] in files
            assert isinstance(one["line"], int)
            assert one["line"] >= 1
            assert one["what"]
            assert one["mend"]
        return
    for page in found.pages.values():
        for block in page.blocks:
            assert block.columns == (*block.columns,)
            assert all(isinstance(one, str) for one in (*block.columns, *block.words, block.query))


def test_the_bundle_that_is_changed_is_whole() -> None:
    assert parse_bundle({**bundle(), **FILES}).jobs
    assert len(lines()) > 60


@settings(max_examples=200, deadline=None, derandomize=True)
@given(place=st.sampled_from(lines()), value=VALUES)
def test_any_value_in_any_place_is_read_or_told(place: tuple[str, int], value: Any) -> None:
    read(changed(*place, value))


@pytest.mark.parametrize("value", [[], ["x"], [["x"]], [{"a": 1}], {}, {"a": ["x"]}, {"a": {}}, 5, 1.5, True, "", "x"])
def test_every_kind_of_value_in_every_place_is_read_or_told(value: Any) -> None:
    for file, number in lines():
        read(changed(file, number, value))


def changed(file: str, number: int, value: Any) -> dict[str, str]:
    text = FILES[file].splitlines()
    head = text[number].partition(" = ")[0]
    text[number] = f"{head} = {written(value)}"
    return {**bundle(), **FILES, file: "\n".join(text) + "\n"}


@pytest.mark.parametrize(
    ("file", "old", "new", "line"),
    [
        ("app.toml", 'schedule = "daily"', 'schedule = ["daily"]', 6),
        ("app.toml", 'type = "text"', 'type = ["text"]', 19),
        ("app.toml", "default = 0", "default = { a = 1 }", 23),
        ("pages/overview.md", '"包头市" = "bad" }', '"包头市" = ["bad"] }', 7),
        ("tests/shape.toml", 'columns = ["盟市", "户数"]', "columns = 5", 1),
        ("tests/shape.toml", "[[test]]", "[test]", 1),
        ("tests/shape.toml", "[[test]]", "[[tests]]", 1),
    ],
)
def test_what_used_to_break_the_reading_has_its_place(file: str, old: str, new: str, line: int) -> None:
    text = FILES[file].replace(old, new, 1) if new != "[[tests]]" else FILES[file].replace(old, new)
    if new == "[test]":
        text = text.partition("[[test]]")[0]
    tomllib.loads(text if file.endswith(".toml") else "")
    with pytest.raises(Invalid) as caught:
        parse_bundle({**bundle(), **FILES, file: text})
    told = caught.value.detail["faults"]
    assert isinstance(told, list)
    assert [(one["file"], one["line"]) for one in told] == [(file, line)]  # type: ignore[call-overload,index]
