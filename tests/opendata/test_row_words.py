"""What ``docs/how-to/read-rows.md`` says of the row API holds: each word and operator it names, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from beijiang.protection import rowquery
from beijiang.tables import FilterOp

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Firm, Portal

PAGE = (Path(__file__).parents[2] / "docs/how-to/read-rows.md").read_text(encoding="utf-8")


def part(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def named(title: str) -> set[str]:
    """Return the words in the first column of a table."""
    lines = [line.split("|")[1] for line in part(title).splitlines() if line.startswith("| `")]
    return {word for line in lines for word in re.findall(r"`([^`]+)`", line)}


def test_the_page_names_every_word_and_operator_and_no_other() -> None:
    words = {word.partition("=")[0] for word in named("Words") if word.startswith("_")}
    assert words == {*rowquery.parse.__globals__["WORDS"], "_col"}
    operators = {"exact" if one is FilterOp.EQ else one.value for one in FilterOp}
    assert named("Operators") == operators


def rows(portal: Portal, **words: Any) -> list[str]:
    return [row["统一社会信用代码"] for row in portal.walk("firms", _size="max", **words)]


HOLDS: dict[str, tuple[str, str, Callable[[Firm], bool]]] = {
    "exact": ("盟市", "包头市", lambda f: f.city == "包头市"),
    "ne": ("盟市", "包头市", lambda f: f.city != "包头市"),
    "contains": ("企业名称", "第001", lambda f: "第001" in f.name),
    "startswith": ("企业名称", "赤峰", lambda f: f.name.startswith("赤峰")),
    "endswith": ("统一社会信用代码", "7", lambda f: f.code.endswith("7")),
    "gt": ("从业人数", "7", lambda f: f.staff is not None and f.staff > 7),
    "gte": ("成立日期", "2010-01-01", lambda f: f.founded >= "2010-01-01"),
    "lt": ("注册资本", "1000.5", lambda f: f.capital is not None and float(f.capital) < 1000.5),
    "lte": ("从业人数", "3", lambda f: f.staff is not None and f.staff <= 3),
    "in": ("盟市", '["包头市","赤峰市"]', lambda f: f.city in {"包头市", "赤峰市"}),
    "notin": ("备注", "空 格,＝全角", lambda f: f.remark is not None and f.remark not in {"空 格", "＝全角"}),
    "isnull": ("备注", "1", lambda f: f.remark is None),
    "notnull": ("备注", "1", lambda f: f.remark is not None),
}


@pytest.mark.parametrize("operator", sorted(HOLDS))
def test_each_operator_picks_what_the_page_says(portal: Portal, operator: str) -> None:
    column, value, holds = HOLDS[operator]
    expected = {f.code for f in portal.firms if holds(f)}
    assert 0 < len(expected) < len(portal.firms)
    found = rows(portal, **{f"{column}__{operator}": value})
    assert set(found) == expected
    assert len(found) == len(expected)


def test_every_operator_is_tried_above() -> None:
    assert set(HOLDS) == named("Operators")


def test_words_do_what_the_page_says(portal: Portal) -> None:
    path = portal.api("firms", "/rows")
    assert len(portal.json(path)["rows"]) == 100
    assert len(portal.json(path, _size="max")["rows"]) == len(portal.firms)
    first = portal.get(path, params={"_size": 7, "盟市": "包头市", "_count": "on"})
    told = first.json()
    assert told["count"] == sum(f.city == "包头市" for f in portal.firms)
    assert told["next"] in first.headers["link"]
    other = portal.get(path, params={"_size": 7, "盟市": "赤峰市", "_next": told["next"]})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "page_token")
    picked = portal.json(path, _col=["盟市", "企业名称"], _size=1)["rows"][0]
    assert list(picked) == ["盟市", "企业名称"]
    for word in ("_sort", "_sort_desc"):
        found = [row["从业人数"] for row in portal.walk("firms", _size=50, **{word: "从业人数"})]
        known = [value for value in found if value is not None]
        assert found == known + [None] * (len(found) - len(known)), "empty values last, either way"
        assert known == sorted(known, reverse=word == "_sort_desc")


@pytest.mark.parametrize("word", ["_where", "_shape", "_facet", "_search", "_nocol", "_through", "_offset", "_SIZE"])
def test_other_words_are_refused(portal: Portal, word: str) -> None:
    answer = portal.get(portal.api("firms", "/rows"), params={word: "1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "unknown_parameter")


@pytest.mark.parametrize(
    "value", ["' OR '1'='1", "1; DROP TABLE x", "%", "\\", "${7*7}", "\u0000", "NaN", "1e999", "--", "]", "[1", '"']
)
def test_a_hostile_value_is_a_literal_or_refused(portal: Portal, value: str) -> None:
    for column in ("企业名称", "从业人数", "成立日期"):
        for operator in ("exact", "contains", "in", "gt"):
            answer = portal.get(portal.api("firms", "/rows"), params={f"{column}__{operator}": value, "_size": 3})
            assert answer.status_code in {200, 422}, (column, operator, answer.text[:200])
            if answer.status_code == 200 and operator in {"exact", "in"}:
                assert answer.json()["rows"] == []
