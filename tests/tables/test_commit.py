"""Commits: all or nothing, once per run, by append, merge and replace."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beijiang.kit import SYSTEM, BeijiangError
from beijiang.tables import CommitRequest, SourceFile, WriteMode

if TYPE_CHECKING:
    from conftest import Bench

ORG = "org_market"
TABLE = "企业名录"
KEY = ("统一社会信用代码",)


def refusal(bench: Bench, rows: list[dict[str, Any]], **words: Any) -> BeijiangError:
    with pytest.raises(BeijiangError) as caught:
        bench.commit(rows, **words)
    return caught.value


def test_the_first_commit_makes_a_table_with_all_it_was_told(bench: Bench) -> None:
    version = bench.commit(
        bench.firms(0, 100),
        key=KEY,
        reason="首次汇聚",
        sources=(SourceFile("ab12", "企业 2026.csv"),),
        comments={"企业名称": "登记的全称"},
    )
    assert (version.version, version.rows, version.rows_added, version.mode) == (1, 100, 100, WriteMode.APPEND)
    info = bench.tables.get(SYSTEM, TABLE)
    assert [(c.name, c.type, c.comment) for c in info.columns] == [
        ("统一社会信用代码", "text", ""),
        ("企业名称", "text", "登记的全称"),
        ("注册资本(万元)", "decimal", ""),
    ]
    assert (info.key, info.org_id, info.version, info.rows) == (KEY, ORG, 1, 100)
    assert bench.rows()[5]["注册资本(万元)"] == Decimal("5.00")
    [event] = bench.events
    assert (event.table, event.version, event.columns_changed, event.sources) == (
        TABLE, 1, True, [{"sha256": "ab12", "name": "企业 2026.csv"}],
    )  # fmt: skip
    [record] = [r for r in bench.tables.history(SYSTEM, TABLE) if r.version == 1]
    assert (record.actor_id, record.reason, record.sources[0].name) == ("system", "首次汇聚", "企业 2026.csv")
    assert bench.evidence.check().ok
    assert bench.evidence.check().records == 1


def test_the_same_run_commits_once(bench: Bench) -> None:
    first = bench.commit(bench.firms(0, 10), run_id="run_a")
    again = bench.commit(bench.firms(0, 10), run_id="run_a")
    assert again == first
    assert len(bench.rows()) == 10
    assert len(bench.events) == 1


def test_appends_add_and_versions_stay_readable(bench: Bench) -> None:
    bench.commit(bench.firms(0, 10))
    bench.commit(bench.firms(10, 15))
    assert [len(bench.rows(v)) for v in (1, 2)] == [10, 15]
    assert bench.lake.snapshot(TABLE, 1).rows == 10
    with pytest.raises(BeijiangError) as caught:
        bench.lake.snapshot(TABLE, 3)
    assert caught.value.reason == "version_not_found"


def test_a_merge_changes_adds_and_keeps(bench: Bench) -> None:
    bench.commit(bench.firms(0, 50), key=KEY)
    bench.commit(bench.firms(50, 100), key=KEY)
    incoming = (
        bench.firms(40, 45, name="更名", file="f2") + bench.firms(45, 50, file="f2") + bench.firms(100, 110, file="f2")
    )
    version = bench.commit(incoming, mode=WriteMode.MERGE)
    assert (version.rows, version.rows_added, version.rows_changed, version.rows_removed) == (110, 10, 5, 0)
    rows = {row["统一社会信用代码"]: row for row in bench.rows()}
    assert len(rows) == 110
    assert rows["91000040"]["企业名称"] == "更名40"
    assert rows["91000040"]["_bj_file"] == "f2"
    assert rows["91000047"]["_bj_file"] == "f1", "an unchanged row keeps its origin"
    untouched = set(bench.lake.snapshot(TABLE, 2).files) & set(bench.lake.snapshot(TABLE).files)
    assert len(untouched) == 1, "a file without a changed row is not rewritten"


def test_a_merge_of_the_same_rows_changes_nothing(bench: Bench) -> None:
    bench.commit(bench.firms(0, 50), key=KEY)
    version = bench.commit(bench.firms(0, 50, file="f2"), mode=WriteMode.MERGE)
    assert (version.rows, version.rows_added, version.rows_changed) == (50, 0, 0)
    assert bench.lake.snapshot(TABLE).files == bench.lake.snapshot(TABLE, 1).files
    assert {row["_bj_file"] for row in bench.rows()} == {"f1"}


def test_a_merge_tells_null_from_a_value_both_ways(bench: Bench) -> None:
    rows = bench.firms(0, 3)
    rows[0]["企业名称"] = None
    bench.commit(rows, key=KEY)
    rows[0]["企业名称"], rows[1]["企业名称"] = "有名", None
    version = bench.commit(rows, mode=WriteMode.MERGE)
    assert version.rows_changed == 2
    assert [row["企业名称"] for row in bench.rows()] == ["有名", None, "企业2"]


def test_a_merge_without_a_column_keeps_its_values(bench: Bench) -> None:
    bench.commit(bench.firms(0, 5), key=KEY)
    narrow = pa.schema([("统一社会信用代码", pa.string()), ("注册资本(万元)", pa.decimal128(14, 2))])
    bench.commit([{"统一社会信用代码": "91000001", "注册资本(万元)": 77}], schema=narrow, mode=WriteMode.MERGE)
    row = bench.rows()[1]
    assert (row["企业名称"], row["注册资本(万元)"]) == ("企业1", Decimal(77))


def test_a_replace_counts_what_differs_by_key(bench: Bench) -> None:
    bench.commit(bench.firms(0, 20), key=KEY)
    version = bench.commit(
        bench.firms(5, 10) + bench.firms(10, 12, name="新") + bench.firms(20, 23), mode=WriteMode.REPLACE
    )
    assert (version.rows, version.rows_added, version.rows_changed, version.rows_removed) == (10, 3, 2, 13)
    assert len(bench.rows()) == 10
    assert len(bench.rows(1)) == 20


def test_a_replace_without_key_counts_all_rows(bench: Bench) -> None:
    bench.commit(bench.firms(0, 20))
    version = bench.commit(bench.firms(0, 7), mode=WriteMode.REPLACE)
    assert (version.rows, version.rows_added, version.rows_removed) == (7, 7, 20)


def test_a_header_only_file_makes_an_empty_table(bench: Bench) -> None:
    version = bench.commit([], key=KEY)
    assert version.rows == 0
    assert bench.rows() == []
    assert bench.commit(bench.firms(0, 3)).rows == 3
    assert bench.commit([], mode=WriteMode.REPLACE).rows_removed == 3


@pytest.mark.parametrize("mode", [WriteMode.APPEND, WriteMode.MERGE, WriteMode.REPLACE])
def test_keys_missing_or_doubled_stop_everything(one: Bench, mode: WriteMode) -> None:
    one.commit(one.firms(0, 5), key=KEY)
    double = one.firms(10, 12) + one.firms(11, 12)
    assert refusal(one, double, mode=mode).reason == "duplicate_keys"
    missing = one.firms(10, 12)
    missing[0]["统一社会信用代码"] = None
    assert refusal(one, missing, mode=mode).reason == "key_missing"
    assert len(one.tables.history(SYSTEM, TABLE)) == 1
    assert _data_files(one) == 1, "a refused commit leaves no file behind"


def _data_files(bench: Bench) -> int:
    return len(list((bench.settings.home / "lake").glob("tbl_*/*.parquet")))


def test_an_append_that_repeats_a_key_is_refused_with_the_next_step(one: Bench) -> None:
    one.commit(one.firms(0, 5), key=KEY)
    error = refusal(one, one.firms(4, 8))
    assert (error.reason, error.detail["rows"]) == ("key_exists", 1)
    assert "merge" in error.text.zh
    assert len(one.rows()) == 5


def test_the_key_is_pinned_by_the_first_commit_that_names_it(one: Bench) -> None:
    one.commit(one.firms(0, 5))
    one.commit(one.firms(5, 9), mode=WriteMode.MERGE, key=KEY)
    assert refusal(one, one.firms(9, 10), mode=WriteMode.MERGE, key=("企业名称",)).reason == "key_differs"
    assert refusal(one, one.firms(0, 1), table="别的", mode=WriteMode.MERGE).reason == "key_required"
    assert refusal(one, one.firms(0, 1), table="又一", key=("没有",)).reason == "key_column_missing"


@pytest.mark.parametrize("name", ["", " 前空格", "换\n行", "长" * 201, "../../etc", "表/格", "表\\格", ".."])
def test_unusable_table_names_are_refused(one: Bench, name: str) -> None:
    assert refusal(one, one.firms(0, 1), table=name).reason == "table_name"


@pytest.mark.parametrize("name", ["a'b\"c; DROP TABLE x", "😀表", "CON", "." * 3, "表?a=1#b%2f"])
def test_odd_table_names_are_only_names(one: Bench, name: str) -> None:
    one.commit(one.firms(0, 2), table=name)
    assert [t.name for t in one.tables.list(SYSTEM)] == [name]
    assert len(one.rows(table=name)) == 2
    folders = [p.name for p in (one.settings.home / "lake").iterdir()]
    assert all(f.startswith(("tbl_", ".attempts")) for f in folders)


def test_columns_that_differ_in_case_only_are_refused(one: Bench) -> None:
    schema = pa.schema([("Name", pa.string()), ("name", pa.string())])
    error = refusal(one, [{"Name": "a", "name": "b"}], schema=schema)
    assert (error.reason, error.detail["columns"]) == ("column_names_collide", ["Name", "name"])


def test_a_type_without_a_place_in_tables_is_refused(one: Bench) -> None:
    schema = pa.schema([("列", pa.list_(pa.string()))])
    assert refusal(one, [{"列": ["a"]}], schema=schema).reason == "column_type"


def test_staged_columns_that_the_request_does_not_name_are_refused(one: Bench) -> None:
    path = one.stage(one.firms(0, 2))
    schema = pa.schema([("统一社会信用代码", pa.string())])
    request = one.request([{"统一社会信用代码": "1"}], schema=schema)
    request = CommitRequest(
        table=TABLE, org_id=ORG, staged=(path,), schema=schema, mode=WriteMode.APPEND, run_id=request.run_id
    )
    with pytest.raises(BeijiangError) as caught:
        one.tables.commit(SYSTEM, request)
    assert caught.value.reason == "staged_schema"


def test_two_organisations_do_not_write_one_table(one: Bench) -> None:
    one.commit(one.firms(0, 2))
    assert refusal(one, one.firms(2, 4), org_id="org_other").reason == "other_organisation"
    assert len(one.rows()) == 2


def test_naive_moments_are_read_in_the_zone_of_the_region(one: Bench) -> None:
    from datetime import UTC, datetime

    schema = pa.schema([("站", pa.string()), ("时间", pa.timestamp("us"))])
    one.commit([{"站": "呼市", "时间": datetime(2026, 1, 1, 8, 0)}], schema=schema)  # noqa: DTZ001 - naive on purpose
    [row] = one.rows()
    assert row["时间"].astimezone(UTC) == datetime(2026, 1, 1, 0, 0, tzinfo=UTC)


def test_staged_files_stay_and_are_linked_not_copied(one: Bench) -> None:
    request = one.request(one.firms(0, 10))
    one.tables.commit(SYSTEM, request)
    [staged] = request.staged
    [stored] = one.lake.snapshot(TABLE).files
    assert staged.stat().st_ino == Path(stored).stat().st_ino


@pytest.mark.parametrize("mode", [WriteMode.APPEND, WriteMode.MERGE])
def test_writers_at_the_same_time_all_land(bench: Bench, mode: WriteMode) -> None:
    bench.commit(bench.firms(0, 10), key=KEY)
    requests = [bench.request(bench.firms(10 + 5 * n, 15 + 5 * n, file=f"w{n}"), mode=mode) for n in range(6)]
    errors: list[BaseException] = []

    def write(request: CommitRequest) -> None:
        try:
            bench.tables.commit(SYSTEM, request)
        except BaseException as exc:  # noqa: BLE001 - shown by the assertion
            errors.append(exc)

    threads = [threading.Thread(target=write, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    rows = bench.rows()
    assert len(rows) == len({row["统一社会信用代码"] for row in rows}) == 40
    versions = bench.tables.history(SYSTEM, TABLE)
    assert [v.version for v in versions] == list(range(7, 0, -1))
    assert [v.rows for v in versions] == list(range(40, 9, -5))
    assert sorted(e.version for e in bench.events) == list(range(1, 8))
    assert bench.evidence.check().records == 7


def test_two_writers_of_the_same_new_key_do_not_double_it(bench: Bench) -> None:
    bench.commit(bench.firms(0, 10), key=KEY)
    requests = [bench.request(bench.firms(5, 20, name=f"写{n}"), mode=WriteMode.MERGE) for n in range(4)]
    threads = [threading.Thread(target=bench.tables.commit, args=(SYSTEM, request)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = bench.rows()
    assert len(rows) == 20
    winners = {row["企业名称"][:2] for row in rows if row["统一社会信用代码"] >= "91000005"}
    assert len(winners) == 1, "the last merge has overwritten all that it brought"


def test_two_writers_make_one_table(bench: Bench) -> None:
    requests = [bench.request(bench.firms(10 * n, 10 * n + 10), key=KEY) for n in range(4)]
    threads = [threading.Thread(target=bench.tables.commit, args=(SYSTEM, request)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bench.rows()) == 40
    assert len(bench.tables.list(SYSTEM)) == 1


def test_a_staged_path_may_be_used_again_with_other_columns(one: Bench) -> None:
    one.commit(one.firms(0, 5), key=KEY)
    path = one.stage(one.firms(5, 10))
    for run, kind in (("run_x", pa.int32()), ("run_y", pa.decimal128(14, 2))):
        schema = pa.schema([("统一社会信用代码", pa.string()), ("注册资本(万元)", kind)])
        rows = [{"统一社会信用代码": f"9200000{run[-1]}", "注册资本(万元)": 3}]
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
        request = CommitRequest(
            table=TABLE, org_id=ORG, staged=(path,), schema=schema, mode=WriteMode.MERGE, run_id=run
        )
        assert one.tables.commit(SYSTEM, request).rows_added == 1
    assert [row["注册资本(万元)"] for row in one.rows()][-2:] == [Decimal(3), Decimal(3)]
    assert _data_files(one) == 3, "what was linked for comparison only is gone again"


def test_a_column_that_incoming_rows_lack_keeps_its_type_in_the_file(bench: Bench) -> None:
    """A file with an untyped column of nulls is read by DuckDB and refused by stricter readers."""
    bench.commit(bench.firms(0, 10), mode=WriteMode.MERGE, key=KEY)
    narrow = pa.schema([("统一社会信用代码", pa.string()), ("企业名称", pa.string())])
    rows = [{name: firm[name] for name in narrow.names} for firm in bench.firms(10, 12)]
    bench.commit(rows, schema=narrow, mode=WriteMode.MERGE, key=KEY)
    assert bench.rows()[11]["注册资本(万元)"] is None
    for name in bench.lake.snapshot(TABLE).files:
        assert not any(pa.types.is_null(field.type) for field in pq.read_schema(name))
