"""Counts: about how many, and no value; nothing about one person, and noise that is not averaged away."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from exchange_bureau import AT, CITIES, ID, Bureau, People
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.evidence import EvidenceQuery
from beijiang.exchange import Grant, Way
from beijiang.exchange.commands import commands
from beijiang.exchange.commands.counts import add_counts
from beijiang.kit import SYSTEM, Invalid, Language, NotFound, Refused, Throttled
from beijiang.protection import Level, read_where
from beijiang.tables import Exit

CITY, CAPITAL, NAME = "盟市", "注册资本", "企业名称"
ROWS = 300


def granted(bureau: Bureau, *columns: str, resource: str = "", **words: Any) -> Grant:
    wanted: dict[str, Any] = {"ways": frozenset({Way.COUNT}), "calls_per_day": 1000, **words}
    return bureau.granted(*columns, resource=resource, impact="PIA-2026-01", **wanted)


def count(bureau: Bureau, table: str, *where: str, by: str = "consumer") -> int | None:
    found: int | None = bureau.exchange.count(bureau[by], table, [read_where(one) for one in where]).count
    return found


def told(bureau: Bureau, table: str, most: range, by: str = "consumer") -> list[int]:
    return [count(bureau, table, f"{CAPITAL}__lt={one}", by=by) or 0 for one in most]


def test_about_how_many_is_told_and_few_are_not(bureau: Bureau) -> None:
    granted(bureau, CITY, CAPITAL, resource=bureau.publish("统计一", ROWS).id)
    off = [found - most for most, found in zip(range(200, 240), told(bureau, "统计一", range(200, 240)), strict=True)]
    assert len(set(off)) > 5, "there is noise"
    assert sum(map(abs, off)) / len(off) < 25, "and not much: its scale is 5"
    none = bureau.exchange.count(bureau["consumer"], "统计一", [read_where(f"{CITY}=没有这个市")])
    assert none.least == 5
    assert none.count is None or none.count >= 5
    with pytest.raises(Invalid) as wrong:
        count(bureau, "统计一", f"{NAME}=内蒙古第1商贸有限公司")
    assert wrong.value.reason == "count_items"
    with pytest.raises(Invalid):
        count(bureau, "统计一", f"{CAPITAL}=很多")


def test_the_same_question_has_the_same_answer_whoever_asks_and_however(bureau: Bureau) -> None:
    resource = bureau.publish("统计二", ROWS).id
    granted(bureau, CITY, CAPITAL, resource=resource)
    first = count(bureau, "统计二", f"{CAPITAL}__lt=150", f"{CITY}={CITIES[0]}")
    assert count(bureau, "统计二", f"{CITY}={CITIES[0]}", f"{CAPITAL}__lt=150") == first, "in another order"
    assert count(bureau, "统计二", f"{CAPITAL}__lt=150", f"{CITY}={CITIES[0]}", by="colleague") == first
    granted(bureau, CITY, CAPITAL, resource=resource)
    assert count(bureau, "统计二", f"{CAPITAL}__lt=150", f"{CITY}={CITIES[0]}") == first, "under another grant"
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: count(bureau, "统计二", f"{CAPITAL}__lt=222"), range(16)))
    assert len(found) == 1, "of those who ask at once too"


def test_one_person_more_or_less_changes_nothing_that_can_be_told(bureau: Bureau) -> None:
    granted(bureau, CAPITAL, resource=bureau.publish("统计三", ROWS).id)
    near = zip(told(bureau, "统计三", range(100, 130)), told(bureau, "统计三", range(101, 131)), strict=True)
    wrong_way = sum(fewer > more for fewer, more in near)
    assert wrong_way >= 3, "a larger group often comes out smaller"


def test_answers_are_limited_for_a_department_and_those_given_stay(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = bureau.publish("统计四", ROWS).id
    granted(bureau, CAPITAL, resource=resource, calls_per_day=6)
    monkeypatch.setattr("beijiang.exchange.service.book.COUNTS_MOST", 2)
    first = count(bureau, "统计四", f"{CAPITAL}__lt=100")
    count(bureau, "统计四", f"{CAPITAL}__lt=200")
    with pytest.raises(Refused) as many:
        count(bureau, "统计四", f"{CAPITAL}__lt=201", by="colleague")
    assert many.value.reason == "count_many"
    assert count(bureau, "统计四", f"{CAPITAL}__lt=100") == first
    granted(bureau, CAPITAL, by="banner", resource=resource)
    count(bureau, "统计四", f"{CAPITAL}__lt=201", by="banner")
    for _ in range(2):
        count(bureau, "统计四", f"{CAPITAL}__lt=100")
    with pytest.raises(Throttled):
        count(bureau, "统计四", f"{CAPITAL}__lt=100")
    draft = bureau.draft(CAPITAL, resource=resource, ways=frozenset({Way.COUNT}))
    assert any("次数" in one.text.zh for one in bureau.exchange.plan(bureau["consumer"], draft).problems)


def test_what_may_not_be_had_may_be_counted_and_nothing_else(bureau: Bureau) -> None:
    resource = bureau.publish("统计五", ROWS).id
    grant = granted(bureau, ID, CITY, resource=resource)
    # There are 100, and the scale is 5: one run in sixty million comes near these limits.
    assert 10 < (count(bureau, "统计五", f"{CITY}={CITIES[1]}") or 0) < 190
    seen = bureau.platform.gate.seen(bureau["consumer"], "统计五", Exit.ROW_API)
    assert seen is None or {column.name for column in seen.columns} == {NAME}
    with pytest.raises(NotFound):
        count(bureau, "统计五", f"{CITY}={CITIES[1]}", by="banner")
    records = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target="统计五", limit=50)).records
    noted = [one for one in records if one.exit == "count"]
    assert noted
    assert CITIES[1] not in json.dumps([one.detail for one in noted], ensure_ascii=False)
    bureau.exchange.revoke(bureau["lead"], grant.id, "结束")
    with pytest.raises(NotFound):
        count(bureau, "统计五", f"{CITY}={CITIES[1]}")


def test_a_grade_that_rose_and_an_item_that_left_end_it(bureau: Bureau) -> None:
    granted(bureau, CITY, CAPITAL, resource=bureau.publish("统计六", ROWS).id)
    assert count(bureau, "统计六", f"{CAPITAL}__lt=200") is not None
    bureau.platform.protection.correct(bureau["steward"], "统计六", CITY, level=Level.L3, reason="含敏感信息")
    with pytest.raises(NotFound):
        count(bureau, "统计六", f"{CAPITAL}__lt=200")


def test_programs_and_operators_count_too(bureau: Bureau) -> None:
    granted(bureau, CITY, resource=bureau.publish("统计八", ROWS).id)
    answer = People(bureau)["consumer"].post(f"{AT}/tables/统计八/count", json={"where": [f"{CITY}={CITIES[2]}"]})
    assert answer.status_code == 200, answer.text
    assert 60 < answer.json()["count"] < 140
    assert answer.json()["fewer_than"] is None
    assert answer.headers["x-beijiang-receipt"] == answer.json()["receipt"]
    terminal.set_style(as_json=False, language=Language.ZH)
    group = commands(lambda: bureau.exchange, lambda: bureau.platform.access)
    add_counts(group, lambda: bureau.exchange, lambda: bureau.platform.access)
    done = CliRunner().invoke(group, ["count", "统计八", "--where", f"{CITY}={CITIES[2]}", "--as", "consumer"])
    assert done.exit_code == 0, done.output
    assert f"约 {answer.json()['count']} 行" in done.output
