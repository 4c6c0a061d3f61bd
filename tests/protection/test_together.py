"""Queries of one page: asked together they give what each gives alone, read in one scan, under each reader's own rules."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from beijiang.kit import Actor, BeijiangError
from beijiang.protection import QueryOrder, Spoken, SqlResult
from beijiang.protection.models.needed import chosen, words_of
from beijiang.protection.models.walls import parse
from beijiang.tables import Filter, FilterOp

sys.path.insert(0, str(Path(__file__).parent))
if TYPE_CHECKING:
    from conftest import House

FIRMS = "企业登记信息"
TOGETHER = {
    "count": f"SELECT count(*) AS n FROM {FIRMS}",
    "none": f"SELECT 盟市 FROM {FIRMS} WHERE 注册资本 < 0",
    "ordered": f"SELECT 企业名称, 注册资本 FROM {FIRMS} ORDER BY 注册资本 DESC NULLS LAST, 企业名称",
    "grouped": f"SELECT 盟市, count(*) AS n, sum(注册资本) AS c FROM {FIRMS} GROUP BY 1 ORDER BY 1 NULLS FIRST",
    "masked": f"SELECT 法定代表人, 盟市 FROM {FIRMS} ORDER BY 企业名称 LIMIT 20",
    "cte": f"WITH t AS (SELECT 盟市 AS where_, 成立日期 FROM {FIRMS}) SELECT where_, max(成立日期) AS d FROM t GROUP BY 1 ORDER BY 1",
    "self": f"SELECT a.盟市, count(*) AS n FROM {FIRMS} a JOIN {FIRMS} b USING (统一社会信用代码) GROUP BY 1 ORDER BY 1",
    "union": f"SELECT 盟市 FROM {FIRMS} UNION ALL SELECT 企业名称 FROM {FIRMS} ORDER BY 1",
    "inner": f"SELECT 企业名称 FROM {FIRMS} WHERE 注册资本 = (SELECT max(注册资本) FROM {FIRMS})",
    "given": f"SELECT count(*) AS n FROM {FIRMS} WHERE 盟市 = $1",
    "all": f"SELECT * FROM {FIRMS} ORDER BY 企业名称 LIMIT 3",
}
APART = {
    "fails": f"SELECT CAST(企业名称 AS INTEGER) AS n FROM {FIRMS}",
    "unbound": f"SELECT 没有 FROM {FIRMS}",
    "hidden": "SELECT 1 AS one FROM 没有的表",
    "barred": "SELECT * FROM read_csv('/etc/passwd')",
    "twice": f"SELECT 盟市, 盟市 FROM {FIRMS} ORDER BY 1",
    "reserved": f"SELECT 盟市 AS _bj_row FROM {FIRMS} ORDER BY 1",
}
GIVEN = {"given": ["包头市"]}


def ask(house: House, actor: Actor, queries: dict[str, str]) -> dict[str, SqlResult | BeijiangError]:
    found: dict[str, SqlResult | BeijiangError] = {}
    asked = {name: (text, Spoken(GIVEN.get(name, []))) for name, text in queries.items()}
    house.sql.answer_all(actor, asked, "app:test", QueryOrder(), lambda name, one: found.update({name: one}))
    assert set(found) == set(queries)
    return found


def told(found: SqlResult | BeijiangError) -> object:
    if isinstance(found, BeijiangError):
        return found.reason, found.text, found.detail
    return found.rows.to_pylist(), found.columns, found.shown, found.truncated


@pytest.mark.threat("TM-02")
def test_together_gives_what_each_gives_alone(house: House) -> None:
    house.write_firms(200)
    house.publish(FIRMS)
    for actor in (house.steward, house.analyst):
        house.sql._answers.forget()
        alone = {name: ask(house, actor, {name: text})[name] for name, text in (TOGETHER | APART).items()}
        house.sql._answers.forget()
        together = ask(house, actor, TOGETHER)
        assert {name: told(one) for name, one in together.items()} == {name: told(alone[name]) for name in TOGETHER}
        readings = {one.reading for one in together.values() if isinstance(one, SqlResult)}
        assert len(readings) == 1
        house.sql._answers.forget()
        mixed = ask(house, actor, TOGETHER | APART)
        assert {name: told(one) for name, one in mixed.items()} == {name: told(one) for name, one in alone.items()}
    assert {name: alone[name].reason for name in ("fails", "unbound", "hidden", "barred")} == {  # type: ignore[union-attr]
        "fails": "query_failed",
        "unbound": "query_unbound",
        "hidden": "sql_not_allowed",
        "barred": "sql_not_allowed",
    }


def test_a_long_answer_keeps_its_order_and_tells_that_it_was_cut(house: House) -> None:
    house.write_firms(3000)
    house.publish(FIRMS)
    object.__setattr__(house.settings, "query_rows", 2500)
    found = ask(house, house.analyst, {"a": f"SELECT 企业名称 FROM {FIRMS} ORDER BY 1 DESC", "b": TOGETHER["count"]})
    assert isinstance(found["a"], SqlResult)
    names = found["a"].rows.column(0).to_pylist()
    assert names == sorted(names, reverse=True)
    assert len(names) == 2500
    assert found["a"].truncated


@pytest.mark.threat("TM-02")
def test_what_a_policy_touches_is_never_shared(house: House) -> None:
    house.write_firms(60)
    house.publish(FIRMS)
    names = {"masked": TOGETHER["masked"]}
    own, others = ask(house, house.steward, names)["masked"], ask(house, house.analyst, names)["masked"]
    assert isinstance(own, SqlResult)
    assert isinstance(others, SqlResult)
    assert not others.cached
    assert own.rows.to_pylist() != others.rows.to_pylist()
    counted = {"count": TOGETHER["count"], "grouped": TOGETHER["grouped"]}
    ask(house, house.steward, counted)
    shared = ask(house, house.analyst, counted)
    assert all(isinstance(one, SqlResult) and one.cached for one in shared.values()), "no mask stands in between"
    house.protection.restrict(house.steward, FIRMS, [Filter("盟市", FilterOp.EQ, "包头市")], audience=None, reason="x")
    after = ask(house, house.analyst, counted)
    assert all(isinstance(one, SqlResult) and not one.cached for one in after.values())
    grouped = after["grouped"]
    assert isinstance(grouped, SqlResult)
    assert [row["盟市"] for row in grouped.rows.to_pylist()] == ["包头市"]


@pytest.mark.threat("TM-02")
def test_columns_taken_by_their_place_are_nobody_elses(house: House) -> None:
    house.write_firms(60)
    house.publish(FIRMS)
    whole = ask(house, house.steward, {"all": TOGETHER["all"]})["all"]
    assert isinstance(whole, SqlResult)
    names = list(whole.columns)
    head = names.index("法定代表人")
    places = ", ".join(f"c{n}" for n in range(head + 1))
    placed = {"placed": f"SELECT c{head} AS h FROM {FIRMS} AS x({places}) ORDER BY c0", "count": TOGETHER["count"]}
    ask(house, house.steward, placed)
    others = ask(house, house.analyst, placed)["placed"]
    house.sql._answers.forget()
    alone = ask(house, house.analyst, {"placed": placed["placed"]})["placed"]
    assert isinstance(others, SqlResult)
    assert isinstance(alone, SqlResult)
    assert not others.cached
    assert others.rows.to_pylist() == alone.rows.to_pylist()


@pytest.mark.threat("TM-13")
def test_a_page_is_one_access_with_all_that_was_asked(house: House) -> None:
    house.write_firms(60)
    house.publish(FIRMS)
    before = len(house.records(action="read", actor_id=house.analyst.id))
    found = ask(house, house.analyst, {"count": TOGETHER["count"], "grouped": TOGETHER["grouped"]})
    house.evidence.flush()
    records = house.records(action="read", actor_id=house.analyst.id)
    assert len(records) == before + 1
    digests = records[0].detail["sql_sha256"]
    assert isinstance(digests, list)
    assert len(digests) == 2
    assert {one.receipt for one in found.values() if isinstance(one, SqlResult)} == {records[0].id}
    closed = house.records(action="read.close", actor_id=house.analyst.id)[0]
    assert closed.rows == sum(one.rows.num_rows for one in found.values() if isinstance(one, SqlResult))


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("SELECT count(*) FROM t", ()),
        ("SELECT a FROM t WHERE C > 1", ("a", "c")),
        ("SELECT * FROM t", ("a", "b", "c")),
        ("SELECT t FROM t", ("a", "b", "c")),
        ("SELECT x FROM t AS x", ("a", "b", "c")),
        ("SELECT count(*) FROM t NATURAL JOIN t AS u", ("a", "b", "c")),
        ("SELECT 1 FROM t JOIN t AS u USING (b)", ("b",)),
        ("SELECT x FROM t AS u(x, y)", ("a", "b", "c")),
        ("SELECT x FROM (SELECT b FROM t) AS u(x)", ("a", "b", "c")),
        ("SELECT (SELECT max(c) FROM t AS u WHERE u.a = t.a) FROM t", ("a", "c")),
    ],
)
def test_columns_that_a_query_can_look_at(text: str, columns: tuple[str, ...]) -> None:
    assert chosen(words_of(parse(text)), ["a", "b", "c"]) == columns
