"""Going back, tidying up, and coming back to life after a crash."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlglot
from sqlalchemy import delete, update
from sqlglot import exp

from beijiang.kit import SYSTEM, BeijiangError
from beijiang.tables import Filter, FilterOp, WriteMode
from beijiang.tables.store.metadata import lake_table, lake_version

if TYPE_CHECKING:
    from conftest import Bench

TABLE = "企业名录"
KEY = ("统一社会信用代码",)


def test_rollback_is_a_new_version_and_the_old_ones_stay(bench: Bench) -> None:
    bench.commit(bench.firms(0, 10), key=KEY)
    bench.commit(bench.firms(0, 3, name="错") + bench.firms(10, 12), mode=WriteMode.MERGE)
    back = bench.tables.rollback(SYSTEM, TABLE, 1, "供方来函更正")
    assert (back.version, back.mode, back.reason) == (3, WriteMode.ROLLBACK, "供方来函更正")
    assert (back.rows, back.rows_added, back.rows_changed, back.rows_removed) == (10, 0, 3, 2)
    assert bench.rows() == bench.rows(1)
    assert len(bench.rows(2)) == 12
    bench.clock.advance(timedelta(hours=1))
    assert bench.commit(bench.firms(10, 11)).rows == 11
    assert [e.mode for e in bench.events] == ["append", "merge", "rollback", "append"]


def test_rollback_wants_a_reason_and_an_older_version(one: Bench) -> None:
    one.commit(one.firms(0, 2))
    for version, reason, code in (
        (1, "有", "already_newest"),
        (1, " ", "reason_required"),
        (9, "有", "version_not_found"),
    ):
        with pytest.raises(BeijiangError) as caught:
            one.tables.rollback(SYSTEM, TABLE, version, reason)
        assert caught.value.reason == code


def test_compaction_keeps_every_row_and_sorts_by_key(bench: Bench) -> None:
    for start in (40, 0, 20):
        bench.commit(bench.firms(start, start + 20), key=KEY)
    before = bench.rows()
    version = bench.tables.compact(SYSTEM, TABLE)
    assert (version.mode, version.rows, version.rows_added, version.rows_removed) == (WriteMode.COMPACT, 60, 0, 0)
    snapshot = bench.lake.snapshot(TABLE)
    assert len(snapshot.files) == 1
    assert bench.rows() == before
    stored = bench.engine.fetch(_tree('SELECT "统一社会信用代码" AS c FROM lake.t'), {"t": bench.lake.scan(snapshot)})
    assert stored.column("c").to_pylist() == sorted(stored.column("c").to_pylist())
    assert bench.tables.compact(SYSTEM, TABLE) == version, "nothing to do twice"
    assert len(bench.rows(2)) == 40, "earlier versions keep their files"


def _tree(sql: str) -> exp.Query:
    parsed = sqlglot.parse_one(sql, dialect="duckdb")
    assert isinstance(parsed, exp.Query)
    return parsed


def test_files_that_cannot_match_are_not_read(one: Bench) -> None:
    for start in (0, 100, 200):
        one.commit(one.firms(start, start + 100), key=KEY)
    snapshot = one.lake.snapshot(TABLE)
    cases: list[tuple[Filter, int]] = [
        (Filter("统一社会信用代码", FilterOp.EQ, "91000150"), 1),
        (Filter("统一社会信用代码", FilterOp.IN_, ["91000001", "91000250"]), 2),
        (Filter("注册资本(万元)", FilterOp.GTE, 200), 1),
        (Filter("注册资本(万元)", FilterOp.LT, 100), 1),
        (Filter("注册资本(万元)", FilterOp.GT, "文字"), 3),
        (Filter("企业名称", FilterOp.CONTAINS, "1"), 3),
        (Filter("统一社会信用代码", FilterOp.EQ, "0"), 0),
    ]
    for condition, files in cases:
        assert len(one.lake.scan(snapshot, filters=(condition,)).files) == files, condition


def test_a_crash_between_log_and_metadata_is_repaired(bench: Bench, make: Callable[[], Bench]) -> None:
    bench.commit(bench.firms(0, 10), key=KEY, reason="首批")
    bench.commit(bench.firms(5, 15, name="改"), mode=WriteMode.MERGE, run_id="run_lost", reason="二批")
    expected = bench.tables.history(SYSTEM, TABLE)
    _forget(bench, 1)
    assert bench.lake.snapshot(TABLE).version == 1
    assert bench.tables.recover() == 1
    assert bench.tables.history(SYSTEM, TABLE) == expected
    assert [e.version for e in bench.events] == [1, 2, 2], "subscribers hear of it, again if need be"
    assert bench.tables.recover() == 0


def _forget(bench: Bench, keep: int) -> None:
    """Put the metadata back to where a killed process would have left it."""
    row = bench.tables.get(SYSTEM, TABLE)
    with bench.db.begin() as tx:
        tx.execute(delete(lake_version).where(lake_version.c.version > keep))
        delta = {"version": keep, "delta_version": keep - 1}
        tx.execute(update(lake_table).where(lake_table.c.id == row.id).values(**delta))


def test_a_resumed_run_finds_its_commit_in_the_log(bench: Bench) -> None:
    bench.commit(bench.firms(0, 10), key=KEY)
    bench.commit(bench.firms(10, 20), run_id="run_lost")
    _forget(bench, 1)
    again = bench.commit(bench.firms(10, 20), run_id="run_lost")
    assert (again.version, again.rows) == (2, 20)
    assert len(bench.rows()) == 20


def test_files_of_a_dead_writer_are_swept_and_no_others(one: Bench) -> None:
    one.commit(one.firms(0, 10))
    [stored] = one.lake.snapshot(TABLE).files
    folder, marks = Path(stored).parent, one.settings.home / "lake" / ".attempts"
    orphan, committed = folder / "part-dead-00000.parquet", Path(stored).name.rsplit("-", 1)[0]
    orphan.write_bytes(b"half")
    (marks / f"{folder.name}~part-dead").touch()
    (marks / f"{folder.name}~{committed}").touch()
    one.tables.recover()
    assert not orphan.exists()
    assert Path(stored).exists()
    assert len(one.rows()) == 10
    assert not list(marks.iterdir())


def test_a_name_reserved_by_a_failed_first_commit_comes_free(one: Bench) -> None:
    with pytest.raises(BeijiangError):
        one.commit(one.firms(0, 1) * 2, key=KEY)
    assert list(one.tables.list(SYSTEM)) == []
    one.clock.advance(timedelta(days=2))
    one.tables.recover()
    assert one.commit(one.firms(0, 1), org_id="org_other").version == 1


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}},
        {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["columnMapping"], "writerFeatures": ["columnMapping"]}},
    ],
)  # fmt: skip
def test_a_table_whose_files_alone_would_lie_is_refused(one: Bench, change: dict[str, Any]) -> None:
    one.commit(one.firms(0, 3))
    folder = Path(one.lake.snapshot(TABLE).files[0]).parent
    (folder / "_delta_log" / f"{1:020d}.json").write_text(json.dumps(change))
    for attempt in (lambda: one.commit(one.firms(3, 5)), lambda: one.tables.rollback(SYSTEM, TABLE, 1, "x")):
        with pytest.raises(BeijiangError) as caught:
            attempt()
        assert caught.value.reason in {"unsupported_table", "already_newest"}


def test_lost_data_files_are_an_error_not_fewer_rows(one: Bench) -> None:
    one.commit(one.firms(0, 3))
    one.commit(one.firms(3, 5))
    Path(one.lake.snapshot(TABLE).files[0]).unlink()
    with pytest.raises(BeijiangError) as caught:
        one.rows()
    assert caught.value.reason == "data_unavailable"
