"""Rules that the data themselves suggest: lists, shapes, bounds, keys of other tables, order; and what becomes of them."""

from __future__ import annotations

import json
import random
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from beijiang.kit import Conflict, Denied, Invalid, NotFound, Refused
from beijiang.quality import Kind, Severity, Suggestion
from beijiang.quality.models import Declined
from beijiang.quality.models.shapes import common_pattern
from beijiang.quality.store import RuleStore

sys.path.insert(0, str(Path(__file__).parent))
from quality_bureau import Bureau

T = "培训补贴"
SCHEMA = pa.schema(
    [
        ("批次", pa.string()),
        ("状态", pa.string()),
        ("区划", pa.string()),
        ("学校", pa.string()),
        ("名称", pa.string()),
        ("说明", pa.string()),
        ("补贴", pa.float64()),
        ("报名", pa.date32()),
        ("结业", pa.date32()),
    ]
)
SCHOOLS = pa.schema([("学校代码", pa.string()), ("校名", pa.string())])
REGIONS = ("150102", "150103", "150104", "150105", "150202", "150203")


def rows(count: int = 200) -> list[dict[str, Any]]:
    dice = random.Random(4)  # noqa: S311 - the same rows each time
    made = []
    for n in range(count):
        begun = date(2024, 1, 1) + timedelta(days=dice.randrange(300))
        made.append(
            {
                "批次": f"BT-{dice.randrange(2020, 2026)}-{n:04d}",
                "状态": ("已受理", "已办结", "已退回")[n % 3],
                "区划": REGIONS[n % 6],
                "学校": f"S{n % 37:03d}X",
                "名称": "".join(dice.choice("天地人山水火木石田土日月") for _ in range(2 + n % 7)),
                "说明": "备注" * (n % 5 + 1) + str(n),
                "补贴": 800.0 + dice.randrange(400),
                "报名": begun,
                "结业": begun + timedelta(days=30 + dice.randrange(60)),
            }
        )
    return made


def spoiled() -> list[dict[str, Any]]:
    """Two rows are wrong in every way that a rule should catch."""
    made = rows()
    made[3] |= {"批次": "未编", "状态": "已受里", "区划": "999999", "学校": "S999X", "补贴": 9_000_000.0}
    made[4] |= {"报名": date(2024, 9, 1), "结业": date(1900, 1, 1)}
    return made


def write(bureau: Bureau, made: list[dict[str, Any]]) -> None:
    schools = [{"学校代码": f"S{n:03d}X", "校名": f"第{n}职业学校"} for n in range(60)]
    bureau.write(schools, "学校名录", SCHOOLS, key=("学校代码",))
    bureau.write(made, T, SCHEMA)


def suggested(bureau: Bureau) -> dict[tuple[Kind, tuple[str, ...]], Suggestion]:
    return {(s.draft.kind, s.draft.columns): s for s in bureau.platform.quality.suggest(bureau.steward, T)}


def test_what_stands_in_the_columns_suggests_rules_and_names_the_rows_that_break_them(bureau: Bureau) -> None:
    write(bureau, spoiled())
    by = suggested(bureau)
    listed = by[Kind.VALUES, ("状态",)]
    assert set(json.loads(str(listed.draft.params["values"]))) == {"已受理", "已办结", "已退回"}
    codes = by[Kind.CODE_SET, ("区划",)]
    assert "150102" in {v.code for v in bureau.platform.standards.code_set(str(codes.draft.params["code_set"])).values}
    shape = by[Kind.FORMAT, ("批次",)]
    assert shape.draft.params == {"pattern": r"[A-Z]{2}\-[0-9]{4}\-[0-9]{4}"}
    held = by[Kind.REFERENCE, ("学校",)]
    assert held.draft.params == {"table": "学校名录", "key": "学校代码"}
    bounds = by[Kind.RANGE, ("补贴",)]
    assert 0 <= float(str(bounds.draft.params["low"])) <= 800
    assert 1200 <= float(str(bounds.draft.params["high"])) <= 3000, "a wild value does not move the bounds"
    order = by[Kind.ORDER, ("报名", "结业")]
    for one in (listed, codes, shape, held, bounds, order):
        assert (one.b, one.failing, one.measured) == (200, 1, True)
        assert one.why.zh
        assert one.why.en
    assert (Kind.ORDER, ("结业", "报名")) not in by
    years = by[Kind.RANGE, ("结业",)]
    assert years.failing == 1
    assert {c for k, c in by if k in {Kind.VALUES, Kind.FORMAT}} == {("状态",), ("批次",)}, (
        "names and words have no shape"
    )
    for one in (listed, codes, shape, held, bounds):
        found = bureau.platform.quality.breaking(bureau.steward, T, one.key)
        assert [row["批次"] for row in found.rows.to_pylist()] == ["未编"]
        assert found.governed.receipt
    found = bureau.platform.quality.breaking(bureau.steward, T, order.key)
    assert [row["结业"] for row in found.rows.to_pylist()] == [date(1900, 1, 1)]


def test_days_that_are_mostly_the_same_have_no_order_and_few_rows_suggest_nothing(bureau: Bureau) -> None:
    same = [{**row, "结业": row["报名"]} for row in rows()]
    write(bureau, same)
    assert not {key for key in suggested(bureau) if key[0] is Kind.ORDER}
    write(bureau, rows(19))
    assert not [one for one in suggested(bureau).values() if one.measured]


def test_a_declined_suggestion_stays_away_though_the_data_change_until_it_is_offered_again(bureau: Bureau) -> None:
    quality = bureau.platform.quality
    write(bureau, spoiled())
    listed = suggested(bureau)[Kind.VALUES, ("状态",)]
    with pytest.raises(Invalid):
        quality.decline(bureau.steward, T, [listed.key], " ")
    with pytest.raises(Conflict):
        quality.decline(bureau.steward, T, [listed.key, "gone"], "不是固定清单")
    quality.decline(bureau.steward, T, [listed.key], "不是固定清单")
    assert (Kind.VALUES, ("状态",)) not in suggested(bureau)
    with pytest.raises(Conflict):
        quality.accept(bureau.steward, T, [listed.key])
    write(bureau, [{**row, "状态": f"新{row['状态']}"} for row in rows()])
    assert (Kind.VALUES, ("状态",)) not in suggested(bureau), "the same about the same column"
    (one,) = quality.declined(bureau.steward, T)
    assert (one.kind, one.columns, one.reason, one.by) == (Kind.VALUES, ("状态",), "不是固定清单", bureau.steward.id)
    quality.offer_again(bureau.steward, T, one.subject)
    assert (Kind.VALUES, ("状态",)) in suggested(bureau)
    with pytest.raises(NotFound):
        quality.offer_again(bureau.steward, T, one.subject)


def test_suggestions_are_for_those_who_manage_the_rules(bureau: Bureau) -> None:
    quality = bureau.platform.quality
    write(bureau, spoiled())
    key = suggested(bureau)[Kind.VALUES, ("状态",)].key
    for who in (bureau.stranger, bureau.sysadmin):
        for ask in (
            lambda who=who: quality.breaking(who, T, key),
            lambda who=who: quality.decline(who, T, [key], "x"),
            lambda who=who: quality.declined(who, T),
            lambda who=who: quality.offer_again(who, T, "x"),
            lambda who=who: quality.suggestion(who, T, key),
        ):
            with pytest.raises((Denied, NotFound)):
                ask()


def test_nothing_is_said_of_the_values_of_sensitive_columns(bureau: Bureau) -> None:
    write(bureau, [{**row, "状态": f"1381234567{n % 3}"} for n, row in enumerate(rows())])
    graded = {c.name: c.grade for c in bureau.platform.tables.open(bureau.steward, T, "x", _exit()).columns}
    assert graded["状态"] not in {"L1", "L2"}
    assert (Kind.VALUES, ("状态",)) not in suggested(bureau)


def test_no_name_of_a_person_and_no_day_of_birth_gets_into_a_rule(bureau: Bureau) -> None:
    born = [
        {**row, "法定代表人": ("王小明", "李建国", "张丽华")[n % 3], "出生日期": row["报名"]}
        for n, row in enumerate(rows())
    ]
    schema = SCHEMA.append(pa.field("法定代表人", pa.string())).append(pa.field("出生日期", pa.date32()))
    bureau.write(born, T, schema)
    seen = {c.name: c for c in bureau.platform.tables.open(bureau.steward, T, "x", _exit()).columns}
    assert (seen["法定代表人"].grade, seen["法定代表人"].personal, seen["状态"].personal) == ("L2", True, False)
    by = suggested(bureau)
    assert (Kind.VALUES, ("状态",)) in by
    assert not [k for k in by if k[0] in {Kind.VALUES, Kind.RANGE} and k[1][0] in {"法定代表人", "出生日期"}]
    assert "王小明" not in str(list(by.values()))


def test_a_version_that_cannot_be_read_yet_still_has_the_suggestions_of_names(bureau: Bureau) -> None:
    quality = bureau.platform.quality
    write(bureau, spoiled())
    assert not quality.suggestions(bureau.steward, T).notes
    gate = bureau.platform.tables

    def shut(*_: Any, **__: Any) -> Any:
        raise NotFound("没有这张表。", "No such table.", code="table_not_found")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "open", shut)
        seen = quality.suggestions(bureau.steward, T)
    assert Kind.NOT_NULL in {one.draft.kind for one in seen.found}
    assert not [one for one in seen.found if one.measured]
    (note,) = seen.notes
    assert "分级" in note.zh
    assert "graded" in note.en


def test_a_table_that_is_gone_meanwhile_is_not_looked_into_and_the_others_are(bureau: Bureau) -> None:
    write(bureau, rows())
    runner = bureau.platform.quality.runner
    whole = runner.version

    def version(table: str, number: int | None = None) -> Any:
        if table == "没了":
            raise NotFound("没有这张表。", "No such table.", code="table_not_found")
        return whole(table, number)

    near = [info.name for info in bureau.platform.tables.list(bureau.steward) if info.name != T]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "version", version)
        patch.setattr(type(bureau.platform.quality), "_near", lambda *_: ["没了", *near])
        assert (Kind.REFERENCE, ("学校",)) in suggested(bureau)


def test_what_is_taken_passes_at_once_and_fails_only_when_it_gets_worse(bureau: Bureau) -> None:
    made = spoiled()
    made[9]["批次"] = None
    write(bureau, made)
    by = suggested(bureau)
    eased = [one for one in by.values() if one.failing]
    assert {(Kind.VALUES, ("状态",)), (Kind.NOT_NULL, ("批次",))} <= {(o.draft.kind, o.draft.columns) for o in eased}
    assert {one.draft.severity for one in eased} == {Severity.MINOR}
    assert by[Kind.VALUES, ("状态",)].draft.threshold == 0.99
    assert by[Kind.NOT_NULL, ("状态",)].draft.threshold == 1
    bureau.platform.quality.accept(bureau.steward, T)
    assert not bureau.check(T).failed
    for row in made[:20]:
        row["状态"] = "待补"
    write(bureau, made)
    assert [fact.severity for fact in bureau.check(T).failed if "状态" in fact.name] == [Severity.MINOR]


def test_days_that_still_come_in_have_no_last_year(bureau: Bureau) -> None:
    now = bureau.clock.now().date()
    fresh = [{**row, "报名": now - timedelta(days=n), "结业": date(1990, 1, 1)} for n, row in enumerate(rows())]
    write(bureau, fresh)
    by = suggested(bureau)
    assert set(by[Kind.RANGE, ("报名",)].draft.params) == {"low"}
    assert by[Kind.RANGE, ("结业",)].draft.params == {"low": "1989-01-01", "high": "1991-12-31"}


def test_a_column_that_is_mostly_not_a_number_has_no_bounds(bureau: Bureau) -> None:
    for wild in (float("nan"), float("inf")):
        write(bureau, [{**row, "补贴": wild if n % 3 else row["补贴"]} for n, row in enumerate(rows())])
        assert (Kind.RANGE, ("补贴",)) not in suggested(bureau)


def test_a_suggestion_is_declined_once_however_often_it_is_pressed(bureau: Bureau) -> None:
    said = Declined(T, "a" * 16, Kind.VALUES, ("状态",), "不是清单", bureau.steward.id, bureau.clock.now())
    for fresh in (True, False):
        with bureau.platform.db.begin() as tx:
            assert RuleStore(tx.connection).decline(said) is fresh


def test_what_cannot_be_looked_at_in_time_is_left_out_and_said(bureau: Bureau) -> None:
    quality = bureau.platform.quality
    write(bureau, spoiled())
    quality.suggester.seconds = 0
    seen = quality.suggestions(bureau.steward, T)
    assert not seen.found
    assert ["没有看完" in note.zh and "not all" in note.en for note in seen.notes] == [True]


def test_a_neighbour_that_takes_all_the_time_leaves_what_the_columns_suggest(bureau: Bureau) -> None:
    write(bureau, spoiled())
    measures = bureau.platform.quality.runner.measures
    whole = measures.count

    def count(query: Any, tables: Any, *rest: Any) -> Any:
        assert rest, "nobody waits without end"
        if set(tables) == {"学校名录"}:
            raise Refused("超时。", "Too slow.", code="query_timeout")
        return whole(query, tables, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measures, "count", count)
        seen = bureau.platform.quality.suggestions(bureau.steward, T)
    assert {Kind.VALUES, Kind.RANGE, Kind.ORDER} <= {one.draft.kind for one in seen.found}
    assert Kind.REFERENCE not in {one.draft.kind for one in seen.found}
    assert len(seen.notes) == 1


def test_suggestions_are_counted_once_until_the_table_its_rules_or_the_reader_change(bureau: Bureau) -> None:
    quality = bureau.platform.quality
    write(bureau, spoiled())
    counted = []
    whole = quality.runner.count

    def count(*words: Any) -> Any:
        counted.append(words)
        return whole(*words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality.runner, "count", count)
        key = suggested(bureau)[Kind.VALUES, ("状态",)].key
        before = len(counted)
        assert before
        quality.breaking(bureau.steward, T, key)
        quality.decline(bureau.steward, T, [key], "不是清单")
        assert (Kind.VALUES, ("状态",)) not in suggested(bureau)
        assert len(counted) == before
        taken = suggested(bureau)[Kind.FORMAT, ("批次",)].key
        quality.accept(bureau.steward, T, [taken])
        assert len(counted) == before
        assert (Kind.FORMAT, ("批次",)) not in suggested(bureau)
        again = len(counted)
        assert again > before
        write(bureau, rows())
        assert not suggested(bureau)[Kind.CODE_SET, ("区划",)].failing
        assert len(counted) > again


def _exit() -> Any:
    from beijiang.tables import Exit

    return Exit.CHART


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (["蒙A12345", "蒙B54321"] * 10, r"[\x{4e00}-\x{9fff}][A-Z][0-9]{5}"),
        (["91150102MA0N00016G", "911100008021004330"] * 10, "[0-9A-Za-z]{18}"),
        (["1-22", "333-4"] * 10, r"[0-9]+\-[0-9]+"),
        (["第1号", "第12号"] * 10, r"[\x{4e00}-\x{9fff}][0-9]+[\x{4e00}-\x{9fff}]"),
        (["呼和浩特", "包头"] * 10, None),
        (["abc", "defg"] * 10, None),
        (["A1", "BB22", "3-C", "甲乙"] * 5, None),
        (["x1" * 40] * 20, None),
        ([], None),
    ],
)
def test_the_shape_of_most_values(values: list[str], pattern: str | None) -> None:
    assert common_pattern(values, 0.95) == pattern


def test_names_of_persons_in_an_office_are_in_no_list(bureau: Bureau) -> None:
    """A few officials stand in many rows, as states do; who they are is graded as a name is and is written into no rule."""
    schema = pa.schema([(name, pa.string()) for name in ("编号", "经办人", "审批人员", "备用一", "状态")])
    names, states = ("傅晓梅", "特木尔", "赵建国", "王芳", "李志强", "图雅"), ("已受理", "已办结", "已退回")
    cases = [
        {
            "编号": f"BJ{n:05d}",
            "经办人": names[n % 3],
            "审批人员": names[n % 2],
            "备用一": names[n % 6],
            "状态": states[n % 3],
        }
        for n in range(120)
    ]
    bureau.write(cases, "办件", schema)
    grades = bureau.platform.protection.grades_of("办件")
    assert {
        name: (grades[name].kind, str(grades[name].level)) for name in ("经办人", "审批人员", "备用一")
    } == dict.fromkeys(("经办人", "审批人员", "备用一"), ("person_name", "L2"))
    found = bureau.platform.quality.suggest(bureau.steward, "办件")
    assert "已办结" in repr(found), "what is no name is still listed"
    assert not any(name in repr(found) for name in names)
