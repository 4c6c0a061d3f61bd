"""The console's long lists: sorted, narrowed, with chosen columns, taken away as seen; requests approved together."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import python_calamine

from beijiang.access import PersonDraft
from beijiang.catalog import ItemEdit, OpenType, ResourceEdit, ShareType
from beijiang.console.listing import Ask, Coded, Column, Kind, Listing, Table
from beijiang.exchange import Item, RequestDraft, RequestState, Terms, Way
from beijiang.kit import SYSTEM, Actor, ActorKind, Language, Text, new_id
from beijiang.protection import Handling
from beijiang.tables import CommitRequest, WriteMode

Row = tuple[str, int | None, str]
ROWS: list[Row] = [("中医院", 3, "a"), ("阿拉善", None, "b"), ("包头", 10, "a"), ("=1+1", 2, "b")]
NAMES = {"a": Text("甲类", "kind A"), "b": Text("乙类", "kind B")}
TABLE: Table[Row] = Table(
    key="t",
    path="/console/t",
    title=Text("表", "Table"),
    rows=ROWS,
    row_key=lambda r: r[0],
    columns=(
        Column(key="name", words=Text("名称", "Name"), of=lambda r: r[0]),
        Column(key="n", words=Text("数", "Number"), of=lambda r: r[1], kind=Kind.NUMBER),
        Column(key="kind", words=Text("类", "Kind"), of=lambda r: Coded(r[2], NAMES[r[2]]), choice=True, shown=False),
    ),
)


def listing(*pairs: tuple[str, str], language: Language = Language.ZH) -> Listing[Row]:
    return Listing.of(TABLE, Ask(path=TABLE.path, pairs=pairs, language=language, zone=ZoneInfo("Asia/Shanghai")))


def keys(found: Listing[Row]) -> list[str]:
    return [line.key for line in found.lines]


def test_chinese_is_sorted_by_its_sound_and_numbers_by_their_size_with_nothing_last() -> None:
    assert keys(listing(("_sort", "name"))) == ["=1+1", "阿拉善", "包头", "中医院"]
    assert keys(listing(("_sort", "-n"))) == ["包头", "中医院", "=1+1", "阿拉善"]
    assert keys(listing(("_sort", "n"))) == ["=1+1", "中医院", "包头", "阿拉善"]
    assert keys(listing(("_sort", "no_such"))) == [row[0] for row in ROWS]
    assert [head.sorted for head in listing(("_sort", "-n")).heads] == ["none", "descending"]


def test_words_and_values_narrow_and_each_choice_says_how_many() -> None:
    assert keys(listing(("_only.kind", "a"))) == ["中医院", "包头"]
    assert keys(listing(("_find", "乙类"))) == ["阿拉善", "=1+1"]
    assert keys(listing(("_find", "乙类 阿拉"))) == ["阿拉善"]
    choice = listing(("_find", "甲类")).choices[0]
    assert choice.options == [("a", "甲类", 2)]
    empty = listing(("_only.kind", "no_such"), ("_sort", "n"))
    assert empty.found == 0
    assert empty.cleared == "/console/t?_sort=n"


def test_columns_are_chosen_and_a_file_has_the_same_rows_and_columns() -> None:
    found = listing(("_col", "kind"), ("_col", "name"), ("_sort", "-n"), ("_only.kind", "b"), language=Language.EN)
    assert found.file_lines() == [["Name", "Kind"], ["=1+1", "kind B"], ["阿拉善", "kind B"]]
    assert [shown for _, _, shown in found.columns] == [True, False, True]


def test_a_file_ends_at_a_limit_and_its_name_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert listing().file_part == ""
    monkeypatch.setattr("beijiang.console.listing.FILE_MOST", 2)
    found = listing(("_sort", "n"))
    assert [line[0] for line in found.file_lines()][1:] == ["=1+1", "中医院"]
    assert found.file_part == "_前2行"
    assert listing(("_find", "乙类"), language=Language.EN).file_part == ""
    assert listing(language=Language.EN).file_part == "_first_2_rows"


def test_pages_keep_the_question_and_nonsense_is_page_one() -> None:
    many: Table[Row] = Table(
        key="m", path="/m", title=TABLE.title, columns=TABLE.columns, row_key=TABLE.row_key,
        rows=[(str(n), n, "a") for n in range(120)],
    )  # fmt: skip
    ask = Ask(path="/m", pairs=[("_sort", "-n"), ("_page", "3")], language=Language.ZH, zone=ZoneInfo("UTC"))
    last = Listing.of(many, ask)
    assert (last.page, last.pages, len(last.lines)) == (3, 3, 20)
    assert last.turned(2) == "/m?_sort=-n&_page=2"
    for nonsense in ("0", "-1", "x", "9" * 40, "²"):
        again = Ask(path="/m", pairs=[("_page", nonsense)], language=Language.ZH, zone=ZoneInfo("UTC"))
        assert Listing.of(many, again).page == 1


def test_people_as_seen_in_both_kinds_of_file_and_no_cell_is_a_formula(office: Any, desk: Callable[..., Any]) -> None:
    office.access.add_person(SYSTEM, PersonDraft(login="z.formula", name="=cmd|' /C calc'!A0", org_id="education"))
    asked = "/console/people?_find=z.formula&_col=login&_col=name&lang=zh-CN"
    page = desk("sys_admin").get(asked).text
    assert 'data-found="1"' in page
    assert "_sort=login" in page
    assert "_sort=org" not in page
    told = desk("sys_admin").get(f"{asked}&_as=csv")
    assert told.headers["content-disposition"].endswith(".csv") or "csv" in told.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(told.content.decode("utf-8-sig"))))
    assert rows == [["账号", "姓名"], ["z.formula", "'=cmd|' /C calc'!A0"]]
    book = python_calamine.load_workbook(io.BytesIO(desk("sys_admin").get(f"{asked}&_as=xlsx").content))
    assert book.get_sheet_by_index(0).to_python() == [["账号", "姓名"], ["z.formula", "=cmd|' /C calc'!A0"]]
    refused = desk("analyst").get("/console/people?_as=csv")
    assert refused.status_code == 403
    assert "z.formula" not in refused.text


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("steward", "/console/catalog"),
        ("steward", "/console/runs"),
        ("steward", "/console/quarantine"),
        ("org_reviewer", "/console/sharing"),
        ("org_reviewer", "/console/grants"),
        ("steward", "/console/quality-findings"),
        ("sys_admin", "/console/jobs"),
        ("audit_admin", "/console/evidence"),
        ("steward", "/console/tables"),
        ("steward", "/console/sources"),
        ("steward", "/console/contracts"),
        ("steward", "/console/grading"),
        ("sec_admin", "/console/targets"),
    ],
)
def test_every_long_list_is_also_a_file(desk: Callable[..., Any], role: str, path: str) -> None:
    told = desk(role).get(f"{path}?_as=csv&lang=zh-CN")
    assert told.status_code == 200
    assert told.headers["content-type"] == "text/csv; charset=utf-8"
    assert told.headers["cache-control"] == "no-store"
    assert len(next(csv.reader(io.StringIO(told.content.decode("utf-8-sig"))))) > 3


def actor(role: str, org: str) -> Actor:
    return Actor(f"person_{role}_{org}", f"{org}的{role}", ActorKind.PERSON, org, frozenset({role}))


@pytest.fixture
def asked(office: Any) -> list[str]:
    """Three requests of another department for a table of ours, at the stage of the provider."""
    name = f"校车{new_id('t')[-6:]}"
    path = Path(office.settings.home) / "staging" / f"{new_id('f')}.parquet"
    schema = pa.schema([("名称", pa.string()), ("座位", pa.int64())])
    pq.write_table(pa.Table.from_pylist([{"名称": f"第{n}号", "座位": n} for n in range(40)], schema=schema), path)
    order = CommitRequest(
        table=name, org_id="education", staged=(path,), schema=schema, mode=WriteMode.APPEND, run_id=new_id("run")
    )
    office.tables.commit(SYSTEM, order)
    office.db.deliver_waiting()
    entry = office.catalog.resource_for_table(name)
    edit = ResourceEdit(
        share_type=ShareType.CONDITIONAL, share_condition="按项审批", open_type=OpenType.NOT_OPEN,
        open_condition="内部使用", update_cycle="2", categories=("207001",),
        items=(ItemEdit(column="名称", description="校车的名称"), ItemEdit(column="座位", description="座位数")),
    )  # fmt: skip
    office.catalog.edit(actor("steward", "education"), entry.id, edit)
    office.catalog.submit(actor("steward", "education"), entry.id)
    office.catalog.approve(actor("bureau_reviewer", "bigdata"), entry.id)
    office.catalog.publish(actor("bureau_publisher", "bigdata"), entry.id)
    consumer, today, made = actor("steward", "health"), office.exchange.today, []
    for n in range(3):
        terms = Terms(
            items=(Item("座位", Handling.AS_IS),), ways=frozenset({Way.API}), since=today,
            until=today + timedelta(days=30 + n),
        )  # fmt: skip
        draft = RequestDraft(
            resource_id=entry.id,
            terms=terms,
            purpose="service",
            use=f"第{n}次安排急救车辆的路线、频次与停靠",
            basis="学校卫生工作条例",
        )
        one = office.exchange.submit(consumer, [office.exchange.put(consumer, draft).id])[0]
        office.exchange.approve(actor("bureau_reviewer", "bigdata"), one.id, "齐全")
        office.exchange.approve(actor("steward", "education"), one.id, "可以提供")
        made.append(one.id)
    return made


def test_requests_are_approved_together_after_one_page_says_what_follows(
    office: Any, desk: Callable[..., Any], asked: list[str]
) -> None:
    lead = desk("org_reviewer")
    page = lead.get("/console/sharing?show=mine&lang=zh-CN").text
    assert all(f'name="one" value="{one}"' in page for one in asked)
    foreign = desk("analyst").post("/console/sharing/approve", {"one": asked, "sure": "yes", "revision": ["1"] * 3})
    assert foreign.status_code == 303
    ask = lead.post("/console/sharing/approve", {"one": [*asked[:2], "req_of_nobody"]}).text
    assert "一起同意 2 件共享申请" in ask
    assert "立即授权" in ask
    assert "1 件不再等您审批" in ask
    assert all(office.exchange.request(SYSTEM, one).request.state.is_under_review for one in asked)
    revisions = re.findall(r'name="revision" value="(\d+)"', ask)
    sent = {"one": asked[:2], "revision": [revisions[0], "999"], "sure": "yes", "words": "同意，按需使用"}
    done = lead.post("/console/sharing/approve", sent).text
    assert "已办理 1 件，未通过 1 件" in done
    states = [office.exchange.request(SYSTEM, one).request.state for one in asked]
    assert states[0] is RequestState.APPROVED
    assert all(state.is_under_review for state in states[1:])
    assert quote(asked[0]) in lead.get("/console/sharing?show=over").text
