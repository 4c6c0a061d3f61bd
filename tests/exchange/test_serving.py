"""Serving copies: quicker, and in everything the same; there only while some reader has a right to what they hold."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exchange_bureau import AT, OWNER, TABLE, Bureau, People
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.catalog import ItemEdit, OpenType, ResourceEdit, ShareType
from beijiang.exchange import CopyState, GrantState, Narrowing, RecallDraft, Remedy
from beijiang.exchange.commands import servings as commands
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Denied, Invalid, Language, NotFound, new_id
from beijiang.protection import CopyShelf
from beijiang.protection.models.serving import puts
from beijiang.tables import CommitRequest, Exit, Filter, FilterOp, Sort, WriteMode

CAPITAL, CITY, NAME = "注册资本", "盟市", "企业名称"
WIDE = "各种类型"
PAGES = 5
"""Of a random walk: its first, and four that each go on from the mark of the one before, over rows that are equal in the order."""
WORDS = ["呼和浩特", "包头", "", "a", "A", "𠮷野", "ａ", "zz%_", "a\x00b", "ü", "Ü", "10", "9"]
KINDS = pa.schema(
    [
        ("编号", pa.int64()),
        ("文字", pa.string()),
        ("整数", pa.int32()),
        ("金额", pa.decimal128(14, 2)),
        ("长数", pa.decimal128(30, 6)),
        ("比率", pa.float64()),
        ("是否", pa.bool_()),
        ("日期", pa.date32()),
        ("时刻", pa.timestamp("us", "UTC")),
    ]
)


def some_rows(count: int, seed: int) -> list[dict[str, Any]]:
    """Rows of every type with many nulls and ties, and the numbers at which order goes wrong."""
    pick = random.Random(seed)  # noqa: S311 - test data

    def maybe(value: Any) -> Any:
        return None if pick.random() < 0.15 else value

    return [
        {
            "编号": seed * 10_000 + n,
            "文字": maybe(pick.choice(WORDS)),
            "整数": maybe(pick.randrange(-4, 5)),
            "金额": maybe(Decimal(pick.randrange(-300, 300)) / 100),
            "长数": maybe(Decimal(pick.randrange(-(10**20), 10**20)).scaleb(-6)),
            "比率": maybe(pick.choice([0.0, -0.0, 1.5, -1.5, math.inf, -math.inf, math.nan, 1e300, 5e-324])),
            "是否": maybe(pick.random() < 0.5),
            "日期": maybe(date(1969, 12, 25) + timedelta(days=pick.randrange(12))),
            "时刻": maybe(
                datetime(1969, 12, 31, 23, tzinfo=UTC) + timedelta(microseconds=pick.randrange(7) * 1_234_567)
            ),
        }
        for n in range(count)
    ]


def write_wide(bureau: Bureau, seed: int) -> None:
    path = Path(bureau.platform.settings.home) / "staging" / f"{new_id('f')}.parquet"
    pq.write_table(pa.Table.from_pylist(some_rows(180, seed), schema=KINDS), path)
    order = CommitRequest(
        table=WIDE,
        org_id=OWNER,
        staged=(path,),
        schema=KINDS,
        mode=WriteMode.MERGE,
        key=("编号",),
        run_id=new_id("run"),
    )
    bureau.platform.tables.commit(SYSTEM, order)
    bureau.platform.db.deliver_waiting()


@pytest.fixture(scope="module")
def wide(region: Bureau) -> str:
    """A table of every type in several files, shared with everybody."""
    for seed in (1, 2, 3):
        write_wide(region, seed)
    catalog = region.platform.catalog
    found = catalog.resource_for_table(WIDE)
    assert found is not None
    edit = ResourceEdit(
        share_type=ShareType.UNCONDITIONAL,
        open_type=OpenType.NOT_OPEN,
        open_condition="内部使用",
        update_cycle="2",
        categories=("207001",),
        items=(ItemEdit(column="编号", share_type=ShareType.UNCONDITIONAL),),
    )
    catalog.edit(region["steward"], found.id, edit)
    catalog.submit(region["steward"], found.id)
    catalog.approve(region["reviewer"], found.id)
    catalog.publish(region["publisher"], found.id)
    return found.id


@pytest.fixture
def servings(bureau: Bureau) -> Iterator[Any]:
    """Each test ends what it asked for."""
    found = bureau.platform.servings
    yield found
    for view in found.views(SYSTEM):
        found.end(SYSTEM, view.serving.table)


def made(bureau: Bureau, login: str, table: str, *columns: str) -> Any:
    """Ask, and wait until the job has ended."""
    view = bureau.platform.servings.ask(bureau[login], table, columns)
    job = bureau.platform.jobs.run_inline(view.job)
    assert job.error is None, job.error
    return bureau.platform.servings.view(bureau[login], table)


def governed(bureau: Bureau, login: str, table: str) -> Any:
    return bureau.platform.gate.open(bureau[login], table, "", Exit.ROW_API)


def asked(pick: random.Random) -> tuple[tuple[Filter, ...], Sort | None, int]:
    """Draw a question: filters with values of the rows, beside them and unfit ones; an order or none."""
    values: dict[str, list[Any]] = {
        "编号": ["10005", "20010", "30179", "7", "1.5", "99999999999999999999"],
        "文字": [*WORDS[:8], "浩特", "\ud7ff"],
        "整数": ["0", "-4", "3", "2.5", "4000000000"],
        "金额": ["0", "1.25", "-2.99", "0.125", "1e2"],
        "长数": ["0", "1.5"],
        "比率": ["0", "1.5", "-1.5", "1e300", "x"],
        "是否": ["是", "0"],
        "日期": ["1970-01-01", "1969-12-30", "x"],
        "时刻": ["1970-01-01 00:00", "1969-12-31T23:00:01.234567+00:00", "1970-01-01"],
    }
    filters = []
    for _ in range(pick.choice([0, 1, 1, 1, 2, 3])):
        column = pick.choice(list(values))
        op = pick.choice([FilterOp.EQ, FilterOp.EQ, *FilterOp])
        if op in {FilterOp.IN_, FilterOp.NOTIN}:
            value: Any = tuple(pick.choices(values[column], k=pick.randrange(1, 4)))
        else:
            value = None if op in {FilterOp.ISNULL, FilterOp.NOTNULL} else pick.choice(values[column])
        filters.append(Filter(column, op, value))
    sort = Sort(pick.choice(list(values)), pick.random() < 0.5) if pick.random() < 0.6 else None
    return tuple(filters), sort, pick.choice([1, 7, 40, 1000])


def walk(read: Any, filters: Any, sort: Any, size: int) -> tuple[list[pa.Table], list[Any], str]:
    """Return the first pages of a walk, what its marks say, and how it failed."""
    pages, marks, after = [], [], None
    try:
        for _ in range(PAGES):
            page = read.page(filters=filters, sort=sort, after=after, limit=size)
            pages.append(page.rows)
            after = page.next
            if after is None:
                break
            marks.append(read._tools.tokens.open(after, read._binding(filters, sort)))
    except BeijiangError as error:
        return pages, marks, error.reason
    return pages, marks, ""


def same(one: pa.Table, other: pa.Table) -> bool:
    """Compare values bit for bit: no number equals itself here, and the two zeros differ."""
    return one.schema.equals(other.schema, check_metadata=True) and [repr(row) for row in one.to_pylist()] == [
        repr(row) for row in other.to_pylist()
    ]


@pytest.mark.parametrize("seed", range(8))
def test_a_copy_answers_as_the_engine_does(bureau: Bureau, servings: Any, wide: str, seed: int) -> None:
    view = made(bureau, "steward", WIDE, *KINDS.names[1:])
    (copy, whose), *_ = view.copies
    assert (copy.state, whose, copy.rows) == (CopyState.READY, ("shared",), 540)
    assert set(copy.indexes) == set(KINDS.names) - {"长数"}, "a decimal of 30 digits is shown, not compared"
    shelf, pick, answered = bureau.platform.gate.copies, random.Random(seed), 0  # noqa: S311
    read = governed(bureau, "consumer", WIDE)
    file = shelf.get(read.table_id, read.print)
    for _ in range(120):
        filters, sort, size = asked(pick)
        quick = walk(read, filters, sort, size)
        read._tools, before = _without_copies(read._tools), read._tools
        plain = walk(read, filters, sort, size)
        read._tools = before
        assert quick[1:] == plain[1:], (filters, sort, size)
        assert len(quick[0]) == len(plain[0])
        assert all(same(a, b) for a, b in zip(quick[0], plain[0], strict=True)), (filters, sort, size)
        if quick[2] == "":
            able = puts(filters, sort, file.columns, file.indexed) is not None
            assert (read._copied(filters, sort, size, None) is not None) is able, "what a copy can answer, it answers"
            answered += able
    assert answered > 30, "the copy has to be asked, or this proves nothing"


def _without_copies(tools: Any) -> Any:
    from dataclasses import replace

    return replace(tools, copies=None)


def test_a_walk_goes_on_when_the_copy_comes_or_goes_meanwhile(bureau: Bureau, servings: Any, wide: str) -> None:
    conditions = (Filter("文字", FilterOp.EQ, "包头"),)
    whole = governed(bureau, "consumer", WIDE).page(filters=conditions, limit=1000).rows.column("编号").to_pylist()
    seen, after, turn = [], None, 0
    while True:
        read = governed(bureau, "consumer", WIDE)
        page = read.page(filters=conditions, after=after, limit=3)
        seen += page.rows.column("编号").to_pylist()
        after = page.next
        if after is None:
            break
        turn += 1
        if turn % 2:
            made(bureau, "steward", WIDE, "文字")
        else:
            servings.end(SYSTEM, WIDE)
    assert seen == whole
    assert turn > 3


def test_equal_grants_share_a_copy_and_each_sees_its_own(bureau: Bureau, servings: Any) -> None:
    bureau.granted(CAPITAL)
    bureau.granted(CAPITAL, by="banner", impact="跨层级评估")
    bureau.granted(CITY, by="banner", impact="跨层级评估", filters=(Filter(CITY, FilterOp.EQ, "包头市"),))
    view = made(bureau, "steward", TABLE, NAME)
    assert {copy.state for copy, _ in view.copies} == {CopyState.READY}
    assert sorted(len(whose) for _, whose in view.copies) == [1, 1, 2], "shared, one grant, and two that are equal"
    one = (Filter(NAME, FilterOp.EQ, "内蒙古第3商贸有限公司"),)
    assert bureau.read("consumer", filters=one) == [{NAME: "内蒙古第3商贸有限公司", CAPITAL: Decimal("3.50")}]
    assert bureau.read("steward", filters=one)[0][CAPITAL] == Decimal("3.50"), "the own department has no copy"


@pytest.mark.threat("TM-03")
def test_what_ended_is_removed_and_never_read(bureau: Bureau, servings: Any) -> None:
    grant = bureau.granted(CAPITAL, calls_per_day=50)
    made(bureau, "steward", TABLE, NAME)
    read = governed(bureau, "consumer", TABLE)
    held = bureau.platform.gate.copies.place(read.table_id, read.print)
    assert held.exists()
    bureau.exchange.suspend(bureau["lead"], grant.id, "核查")
    assert set(bureau.read("consumer")[0]) == {NAME}, "a copy is there, and is not what this reader has now"
    servings.watch()
    assert not held.exists()
    bureau.exchange.resume(bureau["lead"], grant.id, "核查无误")
    assert set(bureau.read("consumer")[0]) == {NAME, CAPITAL}
    servings.watch()
    work_off(bureau)
    assert held.exists(), "the copies follow"
    bureau.exchange.narrow(
        bureau["lead"], grant.id, Narrowing(filters=(Filter(CITY, FilterOp.EQ, "包头市"),)), "只给包头"
    )
    assert len(bureau.read("consumer")) == 10
    assert bureau.exchange.grant(bureau["lead"], grant.id).usage[0].rows >= 40, "rows count against the quota as ever"
    assert bureau.exchange.grant(bureau["lead"], grant.id).standing is GrantState.ACTIVE


def work_off(bureau: Bureau) -> None:
    """Let the jobs that wait be worked off."""
    with_jobs = [job for job in bureau.platform.jobs.jobs(SYSTEM) if not job.ended]
    for job in with_jobs:
        bureau.platform.jobs.run_inline(job.id)


def test_a_new_release_has_its_own_copy_and_a_recalled_one_none(bureau: Bureau, servings: Any) -> None:
    found = bureau.publish("临时登记", 12)
    made(bureau, "steward", "临时登记", NAME)
    before = set(shelf_of(bureau, "临时登记"))
    bureau.write("临时登记", [])
    bureau.platform.db.deliver_waiting()
    servings.watch()
    work_off(bureau)
    after = set(shelf_of(bureau, "临时登记"))
    assert len(after) == 1
    assert not before & after
    assert governed(bureau, "consumer", "临时登记").version == 2
    draft = RecallDraft(resource_id=found.id, versions=(1, 2), reason="有误", remedy=Remedy.DELETE)
    bureau.platform.recalls.recall(bureau["lead"], draft)
    with pytest.raises(NotFound):
        governed(bureau, "consumer", "临时登记")
    servings.watch()
    assert not shelf_of(bureau, "临时登记")


def shelf_of(bureau: Bureau, table: str) -> list[str]:
    folder = Path(bureau.platform.settings.home) / "serving"
    with_id = bureau.platform.tables.get(SYSTEM, table).id
    return [path.stem for path in (folder / with_id).glob("*.db")]


def test_a_killed_build_leaves_nothing_that_is_read(bureau: Bureau, servings: Any, wide: str) -> None:
    view = servings.ask(bureau["steward"], WIDE, ("文字",))
    read = governed(bureau, "consumer", WIDE)

    class Killed(BaseException):
        pass

    def die(rows: int) -> None:
        raise Killed

    bureau.platform.gate.copies.begin(read.table_id)
    with pytest.raises(Killed):
        read.write_copy(["文字"], die)
    folder = Path(bureau.platform.settings.home) / "serving" / read.table_id
    (folder / ".left-by-a-killed-process").write_bytes(b"SQLite format 3\x00 half of it")
    assert not shelf_of(bureau, WIDE)
    assert read.page(limit=3).rows.num_rows == 3
    bureau.platform.jobs.run_inline(view.job)
    assert [path.name for path in folder.iterdir()] == [f"{read.print}.db"]
    (folder / f"{read.print}.db").chmod(0o600)
    (folder / f"{read.print}.db").write_bytes(b"torn")
    bureau.platform.gate.copies.close()
    assert read.page(limit=3).rows.num_rows == 3, "what cannot be opened is not read"
    assert not shelf_of(bureau, WIDE)


def test_the_disk_budget_holds_and_says_so(bureau: Bureau, servings: Any, wide: str) -> None:
    shelf = bureau.platform.gate.copies
    before, shelf.limit = shelf.limit, 20_000
    try:
        copy, _ = made(bureau, "steward", WIDE).copies[0]
        assert (copy.state, "serving_limit_bytes" in copy.note.en) == (CopyState.FAILED, True)
        assert not shelf_of(bureau, WIDE)
        servings.watch()
        assert not [job for job in bureau.platform.jobs.jobs(SYSTEM) if not job.ended], (
            "it is not tried again and again"
        )
    finally:
        shelf.limit = before
    bureau.platform.jobs.run_inline(servings.refresh(bureau["steward"], WIDE).job)
    assert servings.view(bureau["steward"], WIDE).copies[0][0].state is CopyState.READY


def test_only_who_looks_after_a_table_has_copies_made(bureau: Bureau, servings: Any) -> None:
    with pytest.raises(Denied):
        servings.ask(bureau["consumer"], TABLE)
    with pytest.raises(NotFound):
        servings.ask(bureau["colleague"], TABLE)
    with pytest.raises(NotFound):
        servings.view(bureau["colleague"], TABLE)
    with pytest.raises(Invalid, match="No reader sees"):
        servings.ask(bureau["lead"], TABLE, ["法定代表人电话"])
    bureau.write("未发布的表", [])
    bureau.platform.db.deliver_waiting()
    with pytest.raises(Conflict):
        servings.ask(bureau["steward"], "未发布的表")
    assert not servings.views(bureau["colleague"])


def test_programs_have_copies_made_and_use_them(bureau: Bureau, servings: Any) -> None:
    programs, here = People(bureau), f"{AT}/serving"
    put = programs["steward"].put(f"{here}/{TABLE}", json={"columns": [NAME]})
    assert put.status_code == 200, put.text
    bureau.platform.jobs.run_inline(put.json()["job"])
    told = programs["steward"].get(f"{here}/{TABLE}").json()["copies"]
    assert [(one["state"], one["for"], one["rows"]) for one in told] == [("ready", ["shared"], 30)]
    assert [one["table"] for one in programs["steward"].get(here).json()["tables"]] == [TABLE]
    rows = programs["consumer"].get(f"{AT}/tables/{TABLE}/rows", params={NAME: "内蒙古第7商贸有限公司"}).json()
    assert rows["rows"] == [{NAME: "内蒙古第7商贸有限公司"}]
    assert rows["receipt"]
    assert programs["steward"].post(f"{here}/{TABLE}/refresh").json()["job"]
    work_off(bureau)
    assert programs["consumer"].get(f"{here}/{TABLE}").status_code == 403
    assert programs["steward"].delete(f"{here}/{TABLE}").status_code == 204
    assert programs["steward"].get(f"{here}/{TABLE}").json()["error"]["code"] == "no_serving"


def test_an_operator_has_copies_made_at_the_terminal(bureau: Bureau, servings: Any) -> None:
    terminal.set_style(as_json=True, language=Language.ZH)
    group = commands(lambda: servings, lambda: bureau.platform.jobs, lambda: bureau.platform.access)

    def run(*words: str) -> Any:
        done = CliRunner().invoke(group, [*words, "--as", "steward"])
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.output

    found = json.loads(run("ask", TABLE, "--column", NAME))
    assert [(one["state"], one["for"], one["indexes"]) for one in found] == [("可用", "shared", NAME)]
    assert json.loads(run("show", TABLE)) == json.loads(run("list")) == found
    run("refresh", TABLE)
    run("end", TABLE)
    assert json.loads(run("list")) == []


KILLED = """
import sys, time
from pathlib import Path
import pyarrow as pa
from beijiang.protection.models.serving import CopyColumn, Form
from beijiang.protection.store.copies import write_copy
schema = pa.schema([("v", pa.int64()), ("_bj_part", pa.int64()), ("_bj_at", pa.int64())])
def batches():
    for n in range(1000):
        yield pa.record_batch([[n], [0], [n]], schema=schema)
        print(n, flush=True)
        time.sleep(0.01)
write_copy(Path(sys.argv[1]), schema=schema, columns=[CopyColumn("v", "integer", Form.WHOLE)], indexes=["v"],
           batches=batches(), room=lambda size: None, tell=lambda rows: None)
"""


def test_a_process_that_is_killed_leaves_no_copy(bureau: Bureau, tmp_path: Path) -> None:
    shelf = CopyShelf(tmp_path, 1 << 30, "Asia/Shanghai")
    shelf.begin("tbl")
    target = shelf.place("tbl", "f" * 64)
    with subprocess.Popen([sys.executable, "-c", KILLED, str(target)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        while child.stdout.readline() != b"5\n":
            pass
        child.kill()
    assert list(target.parent.iterdir()), "what it had begun is there"
    assert shelf.get("tbl", "f" * 64) is None
    assert shelf.prints("tbl") == {}
    shelf.begin("tbl")
    assert not list(target.parent.iterdir())
