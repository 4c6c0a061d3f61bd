"""Data that come to be held elsewhere while a request for them is on its way: in a table here, or at another entry there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beijiang.catalog import ItemEdit, OpenType, ResourceEdit, ShareMethod, ShareType
from beijiang.exchange import Request, RequestState, Way
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Refused, new_id
from beijiang.tables import CommitRequest, WriteMode
from travelling import CAPITAL, COLUMNS, NAME, Levels

TABLE = "本级的企业登记信息"


@pytest.fixture
def levels(tmp_path: Path) -> Iterator[Levels]:
    made = Levels(tmp_path)
    yield made
    made.close()


def put(levels: Levels, *columns: str) -> Request:
    """Put a request for the city's data into the basket; as it was when the city held them."""
    draft = levels.region.draft(*columns, resource=levels.entry, ways=frozenset({Way.FILE}))
    made: Request = levels.region.exchange.put(levels.region["consumer"], draft)
    return made


def submit(levels: Levels, made: Request) -> Request:
    found: Request = levels.region.exchange.submit(levels.region["consumer"], [made.id])[0]
    return found


def bring_home(levels: Levels) -> None:
    """Write a table of the region's own for the entry, and publish it so."""
    from exchange_bureau import OWNER, SCHEMA, firms

    region = levels.region
    platform, catalog, entry = region.platform, region.platform.catalog, levels.entry
    catalog.bind(region["steward"], entry, TABLE)
    schema = pa.schema([field for field in SCHEMA if field.name in COLUMNS])
    path = Path(platform.settings.home) / "staging" / f"{new_id('f')}.parquet"
    rows = [{name: row[name] for name in COLUMNS} for row in firms(5)]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    order = CommitRequest(
        table=TABLE, org_id=OWNER, staged=(path,), schema=schema, mode=WriteMode.APPEND, run_id=new_id("run")
    )
    platform.tables.commit(SYSTEM, order)
    platform.db.deliver_waiting()
    edit = ResourceEdit(
        share_type=ShareType.CONDITIONAL,
        share_condition="按项审批",
        share_method=ShareMethod.FILE,
        open_type=OpenType.NOT_OPEN,
        open_condition="含个人信息",
        update_cycle="2",
        items=(ItemEdit(column=NAME, share_type=ShareType.UNCONDITIONAL),),
    )
    catalog.edit(region["steward"], entry, edit)
    catalog.submit(region["steward"], entry)
    catalog.approve(region["reviewer"], entry)
    catalog.publish(region["publisher"], entry)


def refused(call: Any, *words: Any) -> str:
    with pytest.raises(BeijiangError) as error:
        call(*words)
    return error.value.reason


def test_a_draft_is_handed_in_to_whoever_holds_the_data_then(levels: Levels) -> None:
    asked, free = put(levels, CAPITAL), put(levels, NAME)
    assert (asked.table, asked.outward is None) == ("", False)
    waits, sent = levels.ask(CAPITAL), levels.left(CAPITAL)[0]
    exchange, consumer, reviewer = levels.region.exchange, levels.region["consumer"], levels.region["reviewer"]
    levels.city.exchange.ask_more(levels.city["reviewer"], levels.there(sent.id).id, "请补充业务系统名称")
    levels.post()
    bring_home(levels)

    own = submit(levels, asked)
    assert (own.table, own.outward, own.state) == (TABLE, None, RequestState.FORMAL_REVIEW)
    assert [stage.id for stage in own.stages] == ["formal_review", "provider_opinion", "provider_decision"]
    at_once = submit(levels, free)
    grant = exchange.grant(consumer, at_once.grant_id).grant
    assert (at_once.state, grant.table) == (RequestState.APPROVED, TABLE), "what needs nobody is granted on the table"

    assert refused(exchange.approve, reviewer, waits.id, "同意外送") == "data_moved"
    exchange.ask_more(reviewer, waits.id, "数据已在本级，请按本级流程补正")
    again = exchange.supply(consumer, waits.id, waits.draft, "改向本级申请")
    assert (again.table, again.outward, again.stages) == (TABLE, None, own.stages)
    for login in ("reviewer", "steward", "lead"):
        again = exchange.approve(levels.region[login], again.id, "同意")
    assert exchange.grant(consumer, again.grant_id).grant.table == TABLE

    away = replace(levels.here(sent.id).draft, system="监管系统")
    assert refused(exchange.supply, consumer, sent.id, away, "已补充") == "data_moved"
    exchange.withdraw(consumer, sent.id, "改向本级申请")
    levels.post()
    assert levels.there(sent.id).state is RequestState.WITHDRAWN


def test_a_request_leaves_for_the_entry_that_was_stated_when_it_was_handed_in(levels: Levels) -> None:
    exchange, travels = levels.region.exchange, levels.up.platform.travels
    consumer, steward, reviewer = (levels.region[login] for login in ("consumer", "steward", "reviewer"))
    made, right = put(levels, CAPITAL), levels.city.resource.id
    travels.place(steward, levels.entry, levels.down.id, "res_other")
    handed = submit(levels, made)
    assert handed.outward is not None
    assert handed.outward.resource_id == "res_other"
    travels.place(steward, levels.entry, levels.down.id, right)
    with pytest.raises(Conflict) as error:
        exchange.approve(reviewer, made.id, "同意外送")
    assert error.value.reason == "data_moved"
    exchange.ask_more(reviewer, made.id, "对方目录编号已更正，请确认")
    again = exchange.supply(consumer, made.id, made.draft, "确认")
    assert (again.outward is not None and again.outward.resource_id, again.state) == (
        right,
        RequestState.AUTHORITY_REVIEW,
    )
    exchange.approve(reviewer, made.id, "同意外送")
    levels.post()
    filed = levels.there(made.id)

    levels.city.exchange.ask_more(levels.city["reviewer"], filed.id, "请补充业务系统名称")
    levels.post()
    more = replace(levels.here(made.id).draft, system="监管系统")
    travels.place(steward, levels.entry, levels.down.id, "res_other")
    assert refused(exchange.supply, consumer, made.id, more, "已补充") == "data_moved"
    travels.place(steward, levels.entry, levels.down.id, right)
    exchange.supply(consumer, made.id, more, "已补充")
    levels.post()
    assert levels.there(made.id).draft.system == "监管系统"


def test_nobody_gives_a_grant_here_on_data_of_another_node(levels: Levels) -> None:
    draft = levels.region.draft(NAME, resource=levels.entry, ways=frozenset({Way.FILE}))
    with pytest.raises(Refused) as error:
        levels.region.exchange.give(levels.region["lead"], levels.region["consumer"].org_id, draft, "主动提供")
    assert error.value.reason == "not_its_matter"
