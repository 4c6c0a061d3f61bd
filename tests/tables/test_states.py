"""Tables that keep every state: what changed is closed and not lost, and each moment of the past can be asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from beijiang.kit import SYSTEM, BeijiangError, new_id
from beijiang.tables import Among, Part, WindowMeasure, WindowPosition, WindowSpec, WriteMode

if TYPE_CHECKING:
    from conftest import Bench

TABLE = "企业名录"
KEY = ("统一社会信用代码",)
FORGETTING = (WriteMode.APPEND, WriteMode.MERGE, WriteMode.REPLACE)
SCHEMA = pa.schema(
    [
        ("统一社会信用代码", pa.string()),
        ("企业名称", pa.string()),
        ("注册资本(万元)", pa.decimal128(14, 2)),
        ("_bj_file", pa.dictionary(pa.int32(), pa.string())),
        ("_bj_row", pa.int64()),
    ]
)


def keep(bench: Bench, rows: list[dict[str, Any]], **words: Any) -> datetime:
    """Commit rows with their history, a while after the last time, and return the moment."""
    bench.clock.advance(timedelta(minutes=1))
    return bench.commit(rows, key=KEY, mode=WriteMode.HISTORY, **words).at


def states(bench: Bench, number: int, table: str = TABLE) -> list[tuple[str, datetime, datetime | None]]:
    found = [r for r in bench.rows(table=table) if r[KEY[0]] == f"91{number:06d}"]
    return sorted(((r["企业名称"], r["valid_from"], r["valid_to"]) for r in found), key=lambda s: s[1])


def as_of(bench: Bench, moment: datetime, table: str = TABLE) -> dict[str, str]:
    """Return key and name of what held at a moment."""
    held = [
        r
        for r in bench.rows(table=table)
        if r["valid_from"] <= moment and (r["valid_to"] is None or moment < r["valid_to"])
    ]
    found = {r[KEY[0]]: r["企业名称"] for r in held}
    assert len(found) == len(held), "two states of one key hold at once"
    return found


def keys_of(bench: Bench, *numbers: int) -> Any:
    schema = pa.schema([(KEY[0], pa.string())])
    return bench.stage([{KEY[0]: f"91{n:06d}"} for n in numbers], schema)


def test_a_changed_row_is_closed_and_begun_anew_and_an_unchanged_one_is_left_alone(bench: Bench) -> None:
    first = keep(bench, bench.firms(0, 3))
    second = keep(bench, [*bench.firms(0, 1, name="新名"), *bench.firms(1, 2), *bench.firms(5, 6)])
    assert states(bench, 0) == [("企业0", first, second), ("新名0", second, None)]
    assert states(bench, 1) == [("企业1", first, None)]
    assert states(bench, 2) == [("企业2", first, None)]
    assert states(bench, 5) == [("企业5", second, None)]
    newest = bench.tables.history(SYSTEM, TABLE)[0]
    assert (newest.rows, newest.rows_added, newest.rows_changed, newest.rows_removed) == (5, 1, 1, 0)
    info = bench.tables.get(SYSTEM, TABLE)
    assert (info.history, info.subject, info.key) == (True, KEY, (*KEY, "valid_from"))
    told = {c.name: (c.type, bool(c.comment)) for c in info.columns}
    assert told["valid_from"] == told["valid_to"] == ("timestamp", True)
    assert bench.events[-1].columns[-2:] == ["valid_from", "valid_to"]


def test_a_row_that_is_gone_is_closed_and_one_that_comes_back_begins_anew(bench: Bench) -> None:
    first = keep(bench, bench.firms(0, 3))
    second = keep(bench, [], removed=(keys_of(bench, 0, 2, 99),))
    third = keep(bench, bench.firms(0, 1))
    assert states(bench, 0) == [("企业0", first, second), ("企业0", third, None)]
    assert states(bench, 2) == [("企业2", first, second)]
    assert [as_of(bench, m).keys() for m in (first, second, third)] == [
        {"91000000", "91000001", "91000002"},
        {"91000001"},
        {"91000000", "91000001"},
    ]


def test_complete_rows_close_what_they_do_not_hold(bench: Bench) -> None:
    first = keep(bench, bench.firms(0, 4), complete=True)
    second = keep(bench, [*bench.firms(1, 2), *bench.firms(2, 3, name="新")], complete=True)
    assert [states(bench, n)[-1][2] for n in range(4)] == [second, None, None, second]
    assert states(bench, 2)[0] == ("企业2", first, second)
    keep(bench, [], complete=True)
    assert as_of(bench, bench.clock.now()) == {}
    assert len(bench.rows()) == 5


def test_a_row_that_leaves_and_comes_in_one_commit_leaves_as_it_does_in_a_merge(one: Bench) -> None:
    for mode in (WriteMode.MERGE, WriteMode.HISTORY):
        words: dict[str, Any] = {"table": mode.value, "key": KEY, "mode": mode}
        one.commit(one.firms(0, 2), **words)
        one.clock.advance(timedelta(minutes=1))
        one.commit(one.firms(0, 1, name="新"), removed=(keys_of(one, 0),), **words)
        left = [r["企业名称"] for r in one.rows(table=mode.value) if r.get("valid_to") is None]
        assert left == ["企业1"]


def test_the_same_run_commits_once_and_only_files_with_a_closed_state_are_rewritten(bench: Bench) -> None:
    for start in (0, 10, 20):
        keep(bench, bench.firms(start, start + 10))
    before = set(bench.lake.snapshot(TABLE).files)
    request = bench.request(bench.firms(12, 13, name="新"), key=KEY, mode=WriteMode.HISTORY)
    once, again = bench.tables.commit(SYSTEM, request), bench.tables.commit(SYSTEM, request)
    assert once == again
    after = set(bench.lake.snapshot(TABLE).files)
    assert (len(before - after), len(after - before)) == (1, 2)
    assert len(bench.rows()) == 31


def test_moments_of_a_table_never_go_back(bench: Bench) -> None:
    first = keep(bench, bench.firms(0, 1))
    for name in ("甲", "乙", "丙"):
        bench.clock.advance(timedelta(hours=-1))
        bench.commit(bench.firms(0, 1, name=name), key=KEY, mode=WriteMode.HISTORY)
    found = states(bench, 0)
    assert [s[0] for s in found] == ["企业0", "甲0", "乙0", "丙0"]
    assert [s[1] for s in found] == [first + timedelta(microseconds=n) for n in range(4)]
    assert [s[2] for s in found] == [s[1] for s in found[1:]] + [None]
    assert [v.at for v in bench.tables.history(SYSTEM, TABLE)] == [s[1] for s in reversed(found)]


def test_a_new_column_ends_the_states_that_now_have_a_value_in_it(bench: Bench) -> None:
    keep(bench, bench.firms(0, 2))
    wider = pa.schema([*SCHEMA, ("电话", pa.string())])
    second = keep(bench, [{**bench.firms(0, 1)[0], "电话": "0991"}, bench.firms(1, 2)[0]], schema=wider)
    assert [s[1:] for s in states(bench, 1)] == [(second - timedelta(minutes=1), None)]
    assert [s[2] for s in states(bench, 0)] == [second, None]
    third = keep(bench, bench.firms(0, 1, name="又"))  # a look that lacks the column again knows no value of it
    newest = next(r for r in bench.rows() if r["valid_from"] == third)
    assert newest["电话"] is None


@pytest.mark.parametrize("mode", FORGETTING)
def test_a_table_is_one_that_keeps_history_or_is_not(bench: Bench, mode: WriteMode) -> None:
    keep(bench, bench.firms(0, 1))
    bench.commit(bench.firms(0, 1), table="另一张", key=KEY, mode=mode)
    for table, wrong, code in ((TABLE, mode, "history_table"), ("另一张", WriteMode.HISTORY, "not_a_history_table")):
        with pytest.raises(BeijiangError) as caught:
            bench.commit(bench.firms(1, 2), table=table, key=KEY, mode=wrong)
        assert caught.value.reason == code
    assert [len(bench.rows(table=t)) for t in (TABLE, "另一张")] == [1, 1]


def test_what_cannot_be_kept_is_said(bench: Bench) -> None:
    taken = pa.schema([*SCHEMA, ("Valid_From", pa.string())])
    cases = (
        ({"schema": taken, "key": KEY}, "history_column_taken"),
        ({}, "key_required"),
        ({"key": ("没有的列",)}, "key_column_missing"),
        ({"key": KEY, "complete": True, "mode": WriteMode.MERGE}, "write_mode"),
    )
    for words, code in cases:
        with pytest.raises(BeijiangError) as caught:
            bench.commit(bench.firms(0, 1), **{"mode": WriteMode.HISTORY, **words})
        assert caught.value.reason == code
    twice = bench.firms(0, 1) + bench.firms(0, 1)
    with pytest.raises(BeijiangError) as caught:
        keep(bench, twice)
    assert caught.value.reason == "duplicate_keys"
    keep(bench, bench.firms(0, 1))  # what was asked for in vain pins nothing
    with pytest.raises(BeijiangError) as caught:
        bench.commit(bench.firms(0, 1), key=("企业名称",), mode=WriteMode.HISTORY)
    assert caught.value.reason == "key_differs"
    narrow = pa.schema([f if f.name != "注册资本(万元)" else pa.field(f.name, pa.string()) for f in SCHEMA])
    with pytest.raises(BeijiangError) as caught:
        keep(bench, [{**bench.firms(0, 1)[0], "注册资本(万元)": "一"}], schema=narrow)
    assert caught.value.reason == "schema_change_stops"
    assert "新表" in caught.value.text.zh


def test_rollback_takes_states_back_and_compaction_keeps_them(bench: Bench) -> None:
    first = keep(bench, bench.firms(0, 2))
    keep(bench, bench.firms(0, 1, name="错"))
    back = bench.tables.rollback(SYSTEM, TABLE, 1, "源端更正")
    assert (back.rows, back.rows_added, back.rows_changed, back.rows_removed) == (2, 0, 1, 1)
    assert states(bench, 0) == [("企业0", first, None)]
    third = keep(bench, bench.firms(0, 1, name="对"))
    assert states(bench, 0) == [("企业0", first, third), ("对0", third, None)]
    before = bench.rows()
    bench.tables.compact(SYSTEM, TABLE)
    assert bench.rows() == before
    assert len(bench.lake.snapshot(TABLE).files) == 1
    keep(bench, bench.firms(0, 1, name="再"))
    assert len(states(bench, 0)) == 3


def test_comparisons_see_what_holds_now(bench: Bench) -> None:
    keep(bench, bench.firms(0, 3))
    keep(bench, bench.firms(0, 1, name="新"), removed=(keys_of(bench, 2),))
    now = [*bench.firms(0, 1, name="新"), *bench.firms(1, 2)]
    columns = [f.name for f in SCHEMA if not f.name.startswith("_bj")]
    schema = pa.schema([SCHEMA.field(n) for n in columns])
    path = bench.stage([{n: r[n] for n in columns} for r in now], schema)
    ask = bench.tables
    held = ask.fingerprint(SYSTEM, TABLE, columns, KEY)
    assert held.rows == 2
    assert held == ask.fingerprint_of(SYSTEM, [path], schema, KEY)
    assert ask.fingerprint(SYSTEM, TABLE, columns, KEY, version=1).rows == 3
    assert ask.fingerprint(SYSTEM, TABLE, columns, KEY, among=Among(keys=(keys_of(bench, 0, 2),))).rows == 1
    part = Part("注册资本(万元)", "1", "2")
    assert ask.fingerprint(SYSTEM, TABLE, columns, KEY, part=part).rows == 1
    assert not ask.differences(SYSTEM, TABLE, columns, KEY, [path], buckets=range(256))
    target = path.with_name("gone.parquet")
    assert ask.gone(SYSTEM, TABLE, KEY, [keys_of(bench, 1)], target) == 1
    assert pq.read_table(target).to_pylist() == [{KEY[0]: "91000000"}]
    texts = ask.kept_texts(SYSTEM, TABLE, KEY, ["企业名称"], [keys_of(bench, 0, 2)])
    assert [row["企业名称"] for row in texts] == ["新0"]
    known = ask.schema(SYSTEM, TABLE)
    assert known is not None
    assert known.names == SCHEMA.names


def test_the_log_alone_tells_that_a_table_keeps_history(one: Bench, make: Callable[[], Bench]) -> None:
    from sqlalchemy import delete, update

    from beijiang.tables.store.metadata import lake_table, lake_version

    keep(one, one.firms(0, 2))
    with one.db.begin() as tx:  # as a writer leaves it that is killed before it could register its commit
        tx.connection.execute(delete(lake_version))
        tx.connection.execute(update(lake_table).values(version=None, delta_version=-1, history=False, key=[]))
    other = make()
    other.tables.recover()
    info = other.tables.get(SYSTEM, TABLE)
    assert (info.history, info.subject) == (True, KEY)


CHANGES = st.lists(
    st.tuples(
        st.dictionaries(st.integers(0, 5), st.sampled_from(["甲", "乙", "丙"]), max_size=6),
        st.sampled_from(["complete", "merge", "removed"]),
        st.integers(-3, 3),
    ),
    min_size=1,
    max_size=7,
)


def test_as_of_each_commit_the_table_is_what_the_source_was(one: Bench) -> None:
    @settings(max_examples=20, deadline=None, phases=[Phase.generate])
    @given(changes=CHANGES)
    def replay(changes: list[Any]) -> None:
        _replay(one, changes)

    replay()


def _replay(one: Bench, changes: list[Any]) -> None:
    table, source, past = new_id("t"), dict[str, str](), list[tuple[datetime, dict[str, str]]]()
    for number, (told, way, minutes) in enumerate(changes):
        rows = [{**one.firms(n, n + 1)[0], "企业名称": name, "_bj_row": number} for n, name in sorted(told.items())]
        names = {r[KEY[0]]: r["企业名称"] for r in rows}
        words: dict[str, Any] = {"complete": way == "complete"}
        if way == "removed":
            gone = sorted({int(k[2:]) for k in source} - set(told))[::2]
            words["removed"] = (keys_of(one, *gone),)
            source = {k: v for k, v in source.items() if int(k[2:]) not in gone}
        source = names if way == "complete" else {**source, **names}
        one.clock.advance(timedelta(minutes=minutes))
        made = one.commit(rows, table=table, key=KEY, mode=WriteMode.HISTORY, **words)
        past.append((made.at, source))
        for moment, then in past:
            assert as_of(one, moment, table) == then
    assert [m for m, _ in past] == sorted({m for m, _ in past})
    assert all(m.tzinfo is UTC or m.utcoffset() == timedelta(0) for m, _ in past)


def test_windows_of_time_are_made_of_what_holds_now(one: Bench) -> None:
    schema = pa.schema([("站点", pa.string()), ("时刻", pa.timestamp("us", "UTC")), ("温度", pa.float64())])
    start = datetime(2026, 11, 1, tzinfo=UTC)

    def commit(*rows: tuple[str, int, float], **words: Any) -> None:
        told = [{"站点": s, "时刻": start + timedelta(minutes=m), "温度": t} for s, m, t in rows]
        one.clock.advance(timedelta(minutes=1))
        one.commit(told, schema=schema, table="观测", key=("站点", "时刻"), mode=WriteMode.HISTORY, **words)

    def windows(position: WindowPosition) -> tuple[list[dict[str, Any]], WindowPosition]:
        folder = one.stage([]).with_name(new_id("w"))
        folder.mkdir()
        made = one.tables.windows(SYSTEM, "观测", spec, position, folder)
        assert made is not None
        return [row for file in made.files for row in pq.read_table(file).to_pylist()], made.position

    measures = (WindowMeasure.parse("count"), WindowMeasure.parse("mean:温度"))
    spec = WindowSpec(time="时刻", size=3600, slide=3600, groups=("站点",), measures=measures, lateness=3600)
    commit(("甲", 1, 10.0), ("甲", 2, 20.0))
    found, position = windows(WindowPosition())
    assert [(r["count"], r["温度_mean"]) for r in found] == [(2, 15.0)]
    commit(("甲", 1, 30.0))
    found, position = windows(position)
    assert [(r["count"], r["温度_mean"]) for r in found] == [(2, 25.0)]
    commit(("甲", 2, 20.0), complete=True)
    found, _ = windows(position)
    assert [(r["count"], r["温度_mean"]) for r in found] == [(1, 20.0)]
