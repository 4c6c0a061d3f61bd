"""The directory as a spreadsheet in the national layout: out and in again, all or nothing, with every fault told by its line."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from beijiang.catalog import ShareType, State
from beijiang.catalog.commands import commands
from beijiang.catalog.models.directory import COLUMNS
from beijiang.kit import Denied, Invalid
from beijiang.standards import SheetFormat

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Office

HEAD = [
    "信息资源名称",
    "信息资源分类",
    "信息资源摘要",
    "信息资源格式",
    "共享类型",
    "共享条件",
    "更新周期",
    "信息项名称",
    "数据类型",
    "数据长度",
]


def lines(*rows: list[str], head: list[str] = HEAD) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([["生态环境厅政务信息资源目录"], head, *rows])
    return out.getvalue().encode("gb18030")


WATER = [
    "水质监测接口",
    "211001",
    "重点断面的水质。",
    "rest_json、csv",
    "有条件共享",
    "限应急处置",
    "每日",
    "断面名称",
    "字符型C",
    "60",
]
MORE = ["", "", "", "", "", "", "", "酸碱度", "数值型", ""]
WELLS = ["水井登记", "211001", "登记的水井。", "CSV", "无条件共享", "", "4", "井号", "C", ""]


def test_a_directory_is_registered_and_read_back_as_it_is(office: Office) -> None:
    catalog = office.catalog
    taken = catalog.take_directory(office.steward, "目录.csv", lines(WATER, MORE, WELLS))
    assert (taken.added, taken.changed, taken.faults, taken.done) == (("水质监测接口", "水井登记"), (), (), True)
    water = next(one for one in catalog.list(office.steward) if one.entry.name == "水质监测接口")
    assert (water.state, water.entry.share_type, water.entry.update_cycle) == (State.DRAFT, ShareType.CONDITIONAL, "2")
    assert [(i.name, i.type, i.length) for i in water.entry.items] == [("断面名称", "C", 60), ("酸碱度", "N", None)]
    assert water.entry.formats == ("rest_json", "csv")
    for form in (SheetFormat.CSV, SheetFormat.XLSX):
        again = catalog.take_directory(office.steward, "again", catalog.export_directory(office.steward, form))
        assert (again.added, again.changed, len(again.same), again.faults) == ((), (), 2, ())
    book = openpyxl.load_workbook(io.BytesIO(catalog.export_directory(office.steward, SheetFormat.XLSX)))
    sheet = [[cell.value or "" for cell in row] for row in book.active.iter_rows()]
    assert sheet[0] == [text.zh for text in COLUMNS.values()]
    assert len(sheet) == 1 + 3


def test_a_file_changes_what_is_there_by_its_code_or_name(office: Office) -> None:
    found = office.published()
    change = ["改了名的空气质量", str(found.codes[0]), "按小时。", "PM2.5", "细颗粒物浓度"]
    head = ["信息资源名称", "信息资源代码", "信息资源摘要", "信息项字段", "信息项说明"]
    taken = office.catalog.take_directory(office.steward, "x", lines(change, head=head))
    assert (taken.changed, taken.faults) == (("改了名的空气质量",), ())
    now = office.catalog.get(office.steward, found.id)
    assert (now.entry.name, now.entry.summary, now.state) == ("改了名的空气质量", "按小时。", State.DRAFT)
    assert now.entry.items[2].description == "细颗粒物浓度"
    assert now.is_serving, "what is published serves until the new version is reviewed"


def test_every_fault_is_told_by_its_line_and_nothing_is_kept(office: Office) -> None:
    office.write()
    bad = [
        WATER,
        ["", "", "换了的摘要", "", "", "", "", "酸碱度", "随便型", "长"],
        ["无分类", "999999", "", "", "随缘共享", "", "每刻", "甲", "C", "0"],
        ["空气质量小时数据", "", "", "", "", "", "", "没有的列", "C", ""],
    ]
    taken = office.catalog.take_directory(office.steward, "目录.csv", lines(*bad))
    assert not taken.done
    assert [(one.line, one.field) for one in taken.faults] == [
        (4, "summary"), (4, "item_column"), (5, "share_type"), (5, "update_cycle"), (5, "item_length"), (6, "item_column"),
    ]  # fmt: skip
    assert [one.entry.name for one in office.catalog.list(office.steward)] == ["空气质量小时数据"]
    bad[2] = ["无分类", "999999", "", "", "", "", "", "甲", "C", ""]
    told = office.catalog.take_directory(office.steward, "目录.csv", lines(bad[2]))
    assert [one.line for one in told.faults] == [3]
    assert "999999" in told.faults[0].text.zh


def test_a_check_keeps_nothing_and_others_departments_are_out_of_reach(office: Office) -> None:
    head = [*HEAD, "信息资源提供方", "没有这一栏"]
    checked = office.catalog.take_directory(
        office.steward, "x", lines([*WATER, "生态环境厅", "?"], head=head), only_check=True
    )
    assert (checked.added, checked.done, checked.unknown) == (("水质监测接口",), False, ("没有这一栏",))
    assert office.catalog.list(office.steward) == ()
    for provider in ("卫生健康委员会", "没有这个厅"):
        taken = office.catalog.take_directory(office.steward, "x", lines([*WATER, provider, ""], head=head))
        assert (taken.done, len(taken.faults)) == (False, 1)
    with pytest.raises(Denied):
        office.catalog.take_directory(office.reviewer, "x", lines(WATER))
    with pytest.raises(Invalid) as refused:
        office.catalog.take_directory(office.steward, "x", b"a,b\n1,2\n")
    assert refused.value.reason == "no_directory"
    office.catalog.take_directory(office.steward, "x", lines(WATER))
    assert "水质监测接口" not in office.catalog.export_directory(office.neighbour, SheetFormat.CSV).decode("utf-8-sig")


def test_through_the_api_and_at_the_terminal(
    office: Office, open_door: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    door = open_door(office)
    sent = {"file": ("目录.csv", lines(WATER, MORE), "text/csv")}
    assert door.ask("POST", "/directory?check=true", office.steward, files=sent).json()["done"] is False
    assert door.ask("POST", "/directory", files=sent).json()["added"] == ["水质监测接口"]
    told = door.ask("GET", "/directory.csv")
    assert told.headers["content-type"].startswith("text/csv")
    assert "酸碱度" in told.text
    app = commands(lambda: office.catalog, lambda: office.access)
    path = tmp_path / "目录.xlsx"
    app(["export", str(path)], standalone_mode=False)
    assert "水质监测接口" in str(
        [cell.value for row in openpyxl.load_workbook(path).active.iter_rows() for cell in row]
    )
    wrong = tmp_path / "wrong.csv"
    wrong.write_bytes(lines(WATER))
    assert app(["import", str(wrong)], standalone_mode=False) == 1, (
        "the operator has no department, so the file names it"
    )
    assert "请填写信息资源提供方" in capsys.readouterr().out
