"""Counts: a number and no value, nothing about few, and nothing that an earlier answer makes into something about few."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from exchange_bureau import AT, CITIES, ID, Bureau, People, firms
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.evidence import EvidenceQuery
from beijiang.exchange import Grant, Item, Terms, Way
from beijiang.exchange.commands import commands
from beijiang.exchange.commands.counts import add_counts
from beijiang.exchange.service.book import COUNTS_MOST
from beijiang.kit import SYSTEM, Invalid, Language, NotFound, Refused, Throttled
from beijiang.protection import Handling, read_where
from beijiang.tables import Exit

CITY, CAPITAL, NAME = "盟市", "注册资本", "企业名称"


def granted(bureau: Bureau, *columns: str, resource: str = "", **words: Any) -> Grant:
    wanted: dict[str, Any] = {"ways": frozenset({Way.COUNT}), "calls_per_day": 1000, **words}
    return bureau.granted(*columns, resource=resource, impact="PIA-2026-01", **wanted)


def count(bureau: Bureau, table: str, *where: str, by: str = "consumer") -> int | None:
    found: int | None = bureau.exchange.count(bureau[by], table, [read_where(one) for one in where]).count
    return found


def published(bureau: Bureau, name: str, rows: int = 60) -> Any:
    return bureau.publish(name, rows)


def test_a_number_is_told_and_a_small_one_is_not(bureau: Bureau) -> None:
    granted(bureau, CITY, CAPITAL, resource=published(bureau, "统计一").id)
    assert count(bureau, "统计一", f"{CITY}={CITIES[0]}") == 20
    found = bureau.exchange.count(bureau["consumer"], "统计一", [read_where(f"{CAPITAL}__lt=3")])
    assert (found.count, found.least) == (None, 5)
    none = bureau.exchange.count(bureau["consumer"], "统计一", [read_where(f"{CITY}=没有这个市")])
    assert (none.count, none.least) == (None, 5), "none at all looks like few"
    with pytest.raises(Refused) as error:
        count(bureau, "统计一", f"{CAPITAL}__gte=3")
    assert error.value.reason == "count_overlap", "all but three, and how many there are of all is easily asked"
    with pytest.raises(Invalid) as wrong:
        count(bureau, "统计一", f"{NAME}=内蒙古第1商贸有限公司")
    assert wrong.value.reason == "count_items"
    with pytest.raises(Invalid):
        count(bureau, "统计一", f"{CAPITAL}=很多")


def test_two_answers_cannot_be_held_against_each_other(bureau: Bureau) -> None:
    granted(bureau, CITY, CAPITAL, resource=published(bureau, "统计二").id)
    assert count(bureau, "统计二", f"{CAPITAL}__lt=30") == 30
    with pytest.raises(Refused):
        count(bureau, "统计二", f"{CAPITAL}__lt=31")
    with pytest.raises(Refused):
        count(bureau, "统计二", f"{CAPITAL}__lt=30", f"{CAPITAL}__gte=1")
    assert count(bureau, "统计二", f"{CAPITAL}__lt=40") == 40, "ten more tell of nobody"
    assert count(bureau, "统计二", f"{CAPITAL}__lt=30") == 30, "the same again"
    assert count(bureau, "统计二", f"{CAPITAL}__gte=0", f"{CAPITAL}__lt=30") == 30, "the same rows by other words"


def test_rows_that_came_since_are_told_only_when_they_are_many(bureau: Bureau) -> None:
    granted(bureau, CITY, CAPITAL, resource=published(bureau, "统计三").id)
    assert count(bureau, "统计三", f"{CITY}={CITIES[0]}") == 20
    bureau.write("统计三", firms(6))
    found = bureau.exchange.count(bureau["consumer"], "统计三", [read_where(f"{CITY}={CITIES[0]}")])
    assert (found.count, found.version) == (20, 1), "two more would tell of two"
    bureau.write("统计三", firms(30))
    assert count(bureau, "统计三", f"{CITY}={CITIES[0]}") == 32


def test_the_whole_department_is_one_asker_and_another_is_not(bureau: Bureau) -> None:
    resource = published(bureau, "统计四").id
    granted(bureau, CAPITAL, resource=resource)
    assert count(bureau, "统计四", f"{CAPITAL}__lt=30") == 30
    with pytest.raises(Refused):
        count(bureau, "统计四", f"{CAPITAL}__lt=29", by="colleague")
    granted(bureau, CAPITAL, by="banner", resource=resource)
    assert count(bureau, "统计四", f"{CAPITAL}__lt=29", by="banner") == 29


def test_of_two_that_are_asked_at_once_one_is_told(bureau: Bureau) -> None:
    granted(bureau, CAPITAL, resource=published(bureau, "统计五").id)

    def ask(most: int) -> int | None:
        try:
            return count(bureau, "统计五", f"{CAPITAL}__lt={most}")
        except Refused:
            return None

    for _ in range(5):
        with ThreadPoolExecutor(8) as pool:
            told = [one for one in pool.map(ask, (20, 21, 22, 23, 40, 41, 42, 43)) if one is not None]
        kept = sorted(set(told))
        assert all(b - a >= 5 for a, b in pairwise(kept)), kept


def test_what_may_not_be_had_may_be_counted_and_nothing_else(bureau: Bureau) -> None:
    resource = published(bureau, "统计六").id
    granted(bureau, ID, CITY, resource=resource)
    assert count(bureau, "统计六", f"{CITY}={CITIES[1]}") == 20
    assert bureau.platform.gate.seen(bureau["consumer"], "统计六", Exit.ROW_API) is None or {
        column.name for column in bureau.platform.gate.seen(bureau["consumer"], "统计六", Exit.ROW_API).columns
    } == {NAME}
    with pytest.raises(NotFound):
        count(bureau, "统计六", f"{CITY}={CITIES[1]}", by="banner")
    records = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target="统计六", limit=50)).records
    told = [one for one in records if one.exit == "count"]
    assert told
    assert CITIES[1] not in json.dumps([one.detail for one in told], ensure_ascii=False)
    for grant in bureau.exchange.grants(bureau["consumer"])[0]:
        if grant.table == "统计六":
            bureau.exchange.revoke(bureau["lead"], grant.id, "结束")
    with pytest.raises(NotFound):
        count(bureau, "统计六", f"{CITY}={CITIES[1]}")


def test_a_grant_for_counts_limits_its_calls_and_questions(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = published(bureau, "统计七", 400).id
    draft = bureau.draft(CITY, resource=resource, ways=frozenset({Way.COUNT}))
    assert {one.code for one in bureau.exchange.plan(bureau["consumer"], draft).problems} == {"calls_needed"} or any(
        "次数" in one.text.zh for one in bureau.exchange.plan(bureau["consumer"], draft).problems
    )
    granted(bureau, CITY, CAPITAL, resource=resource, calls_per_day=4)
    monkeypatch.setattr("beijiang.exchange.service.book.COUNTS_MOST", 2)
    assert COUNTS_MOST == 200
    assert count(bureau, "统计七", f"{CAPITAL}__lt=100") == 100
    assert count(bureau, "统计七", f"{CAPITAL}__lt=200") == 200
    with pytest.raises(Refused) as many:
        count(bureau, "统计七", f"{CAPITAL}__lt=300")
    assert many.value.reason == "count_many"
    with pytest.raises(Refused):
        count(bureau, "统计七", f"{CAPITAL}__lt=310")
    with pytest.raises(Throttled):
        count(bureau, "统计七", f"{CAPITAL}__lt=100")


def test_programs_and_operators_count_too(bureau: Bureau) -> None:
    granted(bureau, CITY, resource=published(bureau, "统计八").id)
    answer = People(bureau)["consumer"].post(f"{AT}/tables/统计八/count", json={"where": [f"{CITY}={CITIES[2]}"]})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["count"], answer.json()["fewer_than"]) == (20, None)
    assert answer.headers["x-beijiang-receipt"] == answer.json()["receipt"]
    small = People(bureau)["consumer"].post(f"{AT}/tables/统计八/count", json={"where": [f"{CITY}=无"]})
    assert (small.json()["count"], small.json()["fewer_than"]) == (None, 5)
    terminal.set_style(as_json=False, language=Language.ZH)
    group = commands(lambda: bureau.exchange, lambda: bureau.platform.access)
    add_counts(group, lambda: bureau.exchange, lambda: bureau.platform.access)
    done = CliRunner().invoke(group, ["count", "统计八", "--where", f"{CITY}={CITIES[2]}", "--as", "consumer"])
    assert done.exit_code == 0, done.output
    assert "20 行" in done.output
    assert Terms(
        items=(Item(CITY, Handling.AS_IS),), ways=frozenset({Way.COUNT}), since=bureau.today, until=bureau.today
    ).asks_only
