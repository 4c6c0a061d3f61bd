"""New rows are looked at by themselves, and what is found grades as a look at the whole table would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.kit import new_id
from beijiang.protection.models.looked import SMALL
from beijiang.protection.store import GradeStore
from beijiang.tables import SourceFile, WriteMode

if TYPE_CHECKING:
    from beijiang.protection.models.looked import Looked
    from conftest import House

TABLE = "登记"
MANY = SMALL + 1
SCHEMA = pa.schema([("编号", pa.int64()), ("备注", pa.string()), ("_bj_file", pa.string()), ("_bj_row", pa.int64())])
SURNAMES, GIVEN = "王李张刘陈杨黄赵吴周", "伟芳娜敏静强磊军洋勇"


def write(house: House, notes: list[str | None], start: int, mode: WriteMode = WriteMode.MERGE) -> None:
    sha256 = f"{start:064x}"
    rows = [
        {"编号": start + i, "备注": note, "_bj_file": f"{sha256}#表1", "_bj_row": i + 1} for i, note in enumerate(notes)
    ]
    house.write(
        TABLE, rows, SCHEMA, mode=mode, key=("编号",), sources=(SourceFile(sha256, "来件.xlsx"),), run_id=new_id("run")
    )


def looked(house: House) -> Looked:
    with house.db.read() as connection:
        found = GradeStore(connection).looked(TABLE)
    assert found is not None
    return found


def kind(house: House) -> str:
    return {g.column: g for g in house.protection.grades(house.steward, TABLE)}["备注"].kind


def test_new_rows_are_added_to_what_was_counted(house: House) -> None:
    write(house, ["无"] * MANY, 0)
    assert (looked(house).rows, looked(house).since, kind(house)) == (MANY, 0, "plain")
    write(house, [f"138{i:08d}" for i in range(1000)], MANY)
    grown = looked(house)
    assert (grown.version, grown.rows, grown.since) == (2, MANY, 1000)
    assert grown.counts["备注"].values == MANY + 1000
    assert grown.counts["备注"].hits["mobile"] == 1000
    assert kind(house) == "plain", "one in twenty is no column of telephones, as before"
    write(house, [f"138{i:08d}" for i in range(9000)], MANY + 1000)
    assert looked(house).since == 10_000
    assert kind(house) == "mobile", "one in three is"


def test_one_number_of_a_citizen_among_new_rows_is_found(house: House) -> None:
    write(house, ["无"] * MANY, 0)
    write(house, ["见 11010519491231002X"], 5)
    assert looked(house).since == 1
    assert kind(house) == "embedded_identifier"


def test_changed_rows_alone_are_looked_at_when_a_file_is_rewritten(house: House) -> None:
    write(house, ["无"] * MANY, 0)
    write(house, ["改"] * 10, 100)
    assert looked(house).since == 10


def test_new_states_alone_are_looked_at_in_a_table_that_keeps_its_history(house: House) -> None:
    write(house, ["无"] * MANY, 0, mode=WriteMode.HISTORY)
    write(house, ["改"] * 10, 100, mode=WriteMode.HISTORY)
    assert (looked(house).version, looked(house).since) == (2, 10)


def test_a_version_that_brings_no_row_is_graded_too(house: House) -> None:
    """A file is rewritten for the rows that left it; none of its rows is new."""
    write(house, ["无"] * MANY, 0)
    keys = house.settings.home / "staging" / "gone.parquet"
    pq.write_table(pa.table({"编号": pa.array([3], pa.int64())}), keys)
    none = SCHEMA.empty_table().to_pylist()
    sources = (SourceFile(f"{1:064x}", "来件.xlsx"),)
    house.write(TABLE, none, SCHEMA, mode=WriteMode.MERGE, key=("编号",), sources=sources, removed=(keys,))
    assert (looked(house).version, looked(house).since) == (2, 0)
    facts = house.protection.view_of(TABLE).facts
    assert facts is not None
    assert facts.version == 2


def test_names_that_trickle_in_are_counted_over_the_whole(house: House) -> None:
    write(house, [None] * MANY, 0)
    names = [s + a + b for s in SURNAMES for a in GIVEN for b in GIVEN]
    for i in range(25):
        write(house, [names[i * 13]], i)
    assert kind(house) == "person_name"
    assert looked(house).since == 5, "twenty came in parts too small to tell, so the whole was looked at"


def test_the_whole_is_looked_at_again_after_much_came_or_all_was_replaced(house: House) -> None:
    write(house, ["无"] * MANY, 0)
    write(house, ["有"] * (MANY // 2 + 2), MANY)
    assert (looked(house).rows, looked(house).since) == (MANY + MANY // 2 + 2, 0)
    write(house, ["新"] * (MANY + 5), 0, mode=WriteMode.REPLACE)
    assert (looked(house).rows, looked(house).since) == (MANY + 5, 0)
