"""Graphs on tables that keep their history: whose states count, on which day, and for whom."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
from asking import OWNER, Office, open_office
from company import DRAFT, FIRM_SCHEMA, HELD, HELD_SCHEMA, REGISTER, code, firm, held

from beijiang.kit import SYSTEM, FixedClock, new_id
from beijiang.mining import Direction
from beijiang.tables import VALID_FROM, VALID_TO, CommitRequest, Exit, WriteMode

FIRST = datetime(2025, 10, 1, 4, 0, tzinfo=UTC)
BEFORE, AFTER = date(2025, 10, 31), date(2025, 11, 15)
NEW_NAME = "内蒙古第2控股有限公司"
UNDATED = replace(DRAFT, holdings=replace(DRAFT.holdings, since="", until=""))
DATED = replace(DRAFT, name="按状态", holdings=replace(DRAFT.holdings, since=VALID_FROM, until=VALID_TO))


def write(
    office: Office, table: str, schema: pa.Schema, key: tuple[str, ...], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write all that a table holds now; what it held before becomes states that ended."""
    path = office.platform.settings.home / "staging" / f"{new_id('states')}.parquet"
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema=schema), path)
    request = CommitRequest(
        table=table,
        org_id=OWNER,
        staged=(path,),
        schema=schema,
        mode=WriteMode.HISTORY,
        run_id=new_id("run"),
        key=key,
        complete=True,
    )
    office.platform.tables.commit(SYSTEM, request)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Return an office whose second firm held the first until it sold to the third, and took another name that day."""
    clock = FixedClock(FIRST)
    made = open_office(tmp_path_factory.mktemp("states"), clock)
    key = "被投资企业统一社会信用代码"
    for holder, names in ((2, {}), (3, {"企业名称": NEW_NAME})):
        firms = [firm(1), firm(2, **names), firm(3)]
        write(made, REGISTER, FIRM_SCHEMA, ("统一社会信用代码",), firms)
        write(made, HELD, HELD_SCHEMA, (key,), [held(holder, 1, 60.0, since="")])
        clock.advance(timedelta(days=40))
    made.publish(REGISTER)
    made.publish(HELD)
    yield made
    made.close()


def holders(office: Office, login: str, graph: str, day: date) -> list[str]:
    shown = office.platform.graphs.chain(office[login], graph, code(1), Direction.UP, day)
    return [one.ref for one in shown.parties[1:]]


def test_a_graph_that_asks_when_each_state_held_answers_for_any_day(office: Office) -> None:
    graph = office.platform.graphs.declare(office["steward"], DATED).id
    assert holders(office, "steward", graph, BEFORE) == [code(2)]
    assert holders(office, "steward", graph, AFTER) == [code(3)]
    assert [one.name for one in office.platform.graphs.find(office["steward"], graph, "第2")] == [NEW_NAME]


@pytest.mark.parametrize("moment", ["shown", "masked", "withheld"])
def test_without_a_day_the_states_of_now_count_whatever_the_reader_is_shown(office: Office, moment: str) -> None:
    protection, steward, other = office.platform.protection, office["steward"], office["first"]
    for table in (REGISTER, HELD):
        if moment == "masked":
            protection.choose_mask(steward, table, VALID_TO, "suppress", {}, reason="不显示")
        elif moment == "withheld":
            protection.correct(steward, table, VALID_TO, level="L4", reason="不对外")
    rows = office.platform.gate.open(other, HELD, "查看", Exit.GRAPH)
    seen = next((one for one in rows.columns if one.name == VALID_TO), None)
    assert ("withheld" if seen is None else "masked" if seen.masked else "shown") == moment
    assert (rows.count(), rows.of_now().count()) == (2, 1)
    for draft in (UNDATED, DATED):
        graph = office.platform.graphs.declare(steward, replace(draft, name=f"{draft.name}{moment}")).id
        assert holders(office, "first", graph, AFTER) == [code(3)]
        assert [one.name for one in office.platform.graphs.find(other, graph, "第2")] == [NEW_NAME]
