from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
import xlwt

from beijiang.ingest.readers import HeaderTemplate, ReadLimits, ReadOptions, open_tables
from beijiang.ingest.typing import ColumnType, read_typed
from beijiang.kit import Invalid, TooLarge

Land = Callable[..., Any]
NEW_YEAR = dt.datetime(2003, 1, 2)  # noqa: DTZ001  # a workbook's cell has no zone


def workbook(fill: Callable[[xlsxwriter.Workbook], None]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    fill(book)
    book.close()
    return out.getvalue()


def enterprises(book: xlsxwriter.Workbook) -> None:
    """A department's sheet: a title, a note, a merged header of two rows, typed cells, a merged data column."""
    sheet = book.add_worksheet("企业")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    sheet.merge_range(0, 0, 0, 6, "2023年企业登记情况表")
    sheet.write(1, 0, "填报单位：市场监督管理局")
    sheet.write(1, 5, "单位：万元")
    for column, name in ((0, "盟市"), (1, "企业名称"), (6, "是否启用")):
        sheet.merge_range(2, column, 3, column, name)
    sheet.merge_range(2, 2, 2, 4, "注册信息")
    sheet.write_row(3, 2, ["日期", "资金", "代码"])
    sheet.write(2, 5, "登记\n时间")
    sheet.merge_range(4, 0, 5, 0, "呼和浩特市")
    sheet.write_row(4, 1, ["甲公司"])
    sheet.write_row(5, 1, ["乙公司"])
    sheet.write_row(7, 0, ["包头市", "丙公司"])
    for row, date, money, code in (
        (4, NEW_YEAR, 12.5, "0101"),
        (5, NEW_YEAR + dt.timedelta(days=1), 1 / 3, "0102"),
        (7, NEW_YEAR + dt.timedelta(days=2), 7, "0103"),
    ):
        sheet.write_datetime(row, 2, date, day)
        sheet.write_number(row, 3, money)
        sheet.write_string(row, 4, code)
        sheet.write_datetime(row, 5, date + dt.timedelta(hours=row), moment)
        sheet.write_boolean(row, 6, row == 4)


NAMES = ("盟市", "企业名称", "注册信息_日期", "注册信息_资金", "注册信息_代码", "登记时间", "是否启用")


def test_titles_and_a_merged_two_row_header(land: Land, read: Callable[..., Any]) -> None:
    (table,) = land(workbook(enterprises), "企业.xlsx")
    assert table.columns == NAMES
    assert table.header == HeaderTemplate(2, 2, NAMES, ("2023年企业登记情况表", "填报单位：市场监督管理局 单位：万元"))
    assert (table.file_name, table.inner_name, table.format) == ("企业.xlsx", "企业", "xlsx")
    out = read(table)
    assert out.lines == [5, 6, 8]
    assert out.rows[0] == ("呼和浩特市", "甲公司", "2003-01-02", "12.5", "0101", "2003-01-02 04:00:00", "true")
    assert out.rows[1] == (
        "呼和浩特市",
        "乙公司",
        "2003-01-03",
        "0.3333333333333333",
        "0102",
        "2003-01-03 05:00:00",
        "false",
    )
    assert out.rows[2][0] == "包头市"
    again = read(table)
    assert again.rows == out.rows


def test_a_workbook_is_typed(land: Land, tmp_path: Path) -> None:
    (table,) = land(workbook(enterprises), "企业.xlsx")
    typed = read_typed(table, tmp_path)
    kinds = {c.name: c.type for c in typed.schema.columns}
    assert kinds["注册信息_日期"] is ColumnType.DATE
    assert kinds["登记时间"] is ColumnType.TIMESTAMP
    assert kinds["注册信息_代码"] is ColumnType.TEXT
    assert kinds["是否启用"] is ColumnType.BOOLEAN
    (batch,) = typed.batches()
    assert batch.rows.column(2).to_pylist() == [dt.date(2003, 1, 2), dt.date(2003, 1, 3), dt.date(2003, 1, 4)]
    typed.close()


def test_every_sheet_is_a_table_and_one_may_be_chosen(land: Land, read: Callable[..., Any]) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        for name in ("一季度", "空表", "二季度"):
            sheet = book.add_worksheet(name)
            if name != "空表":
                sheet.write_row(0, 0, ["地区", "数量"])
                sheet.write_row(1, 0, [name, 3])

    tables = land(workbook(fill), "季度.xlsx")
    assert [t.inner_name for t in tables] == ["一季度", "二季度"]
    (second,) = land(workbook(fill), "季度.xlsx", ReadOptions(sheet="二季度"))
    assert read(second).rows == [("二季度", "3")]
    with pytest.raises(Invalid) as refusal:
        land(workbook(fill), "季度.xlsx", ReadOptions(sheet="三季度"))
    assert refusal.value.reason == "unknown_sheet"


def test_a_table_away_from_the_corner(land: Land, read: Callable[..., Any]) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("s")
        sheet.merge_range(2, 2, 2, 4, "标题行")
        sheet.write_row(3, 2, ["地区", "数量", "年份"])
        sheet.merge_range(4, 2, 5, 2, "呼和浩特市")
        sheet.write_row(4, 3, [1, 2001])
        sheet.write_row(5, 3, [2, 2002])

    (table,) = land(workbook(fill), "a.xlsx")
    out = read(table)
    assert table.columns == ("地区", "数量", "年份")
    assert (out.rows, out.lines) == ([("呼和浩特市", "1", "2001"), ("呼和浩特市", "2", "2002")], [5, 6])


def test_numbers_keep_the_digits_that_excel_holds(land: Land, read: Callable[..., Any]) -> None:
    numbers = [1 / 3, 1234567.89, 9876543.21, 0.1 + 0.2, 1.234567e-7, -7654321.07, 100000000000.1, 7.0]

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("s")
        sheet.write_row(0, 0, ["名称", "数值"])
        for row, number in enumerate(numbers, 1):
            sheet.write_string(row, 0, "甲")
            sheet.write_number(row, 1, number)

    (table,) = land(workbook(fill), "a.xlsx")
    texts = [row[1] for row in read(table).rows]
    assert texts[1:3] == ["1234567.89", "9876543.21"]
    assert texts[-3:] == ["-7654321.07", "100000000000.1", "7"]
    assert [float(t) for t in texts] == pytest.approx(numbers, rel=1e-14)
    assert not any("e" in t for t in texts)


def test_years_in_a_header_are_names(land: Land, read: Callable[..., Any]) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("s")
        sheet.write_row(0, 0, ["地区", 2021, 2022, "2023年"])
        sheet.write_row(1, 0, ["呼和浩特市", 1, 2, 3])

    (table,) = land(workbook(fill), "a.xlsx")
    assert table.columns == ("地区", "2021", "2022", "2023年")
    assert read(table).rows == [("呼和浩特市", "1", "2", "3")]


def test_groups_over_every_column(land: Land) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("s")
        sheet.merge_range(0, 0, 1, 0, "地区")
        sheet.merge_range(0, 1, 0, 2, "2021年")
        sheet.merge_range(0, 3, 0, 4, "2022年")
        sheet.write_row(1, 1, ["产值", "增速", "产值", "增速"])
        sheet.write_row(2, 0, ["呼和浩特市", 1, 2, 3, 4])

    (table,) = land(workbook(fill), "a.xlsx")
    assert table.columns == ("地区", "2021年_产值", "2021年_增速", "2022年_产值", "2022年_增速")


def test_old_excel(land: Land, read: Callable[..., Any]) -> None:
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("统计")
    sheet.write_merge(0, 0, 0, 2, "人口统计")
    sheet.write_merge(1, 2, 0, 0, "地区")
    sheet.write_merge(1, 1, 1, 2, "人口")
    sheet.write(2, 1, "男")
    sheet.write(2, 2, "截止日期")
    sheet.write_merge(3, 4, 0, 0, "呼和浩特市")
    sheet.write(3, 1, 3.5)
    sheet.write(3, 2, dt.date(2003, 1, 2), xlwt.easyxf(num_format_str="yyyy-mm-dd"))
    sheet.write(4, 1, 4)
    out = io.BytesIO()
    book.save(out)
    (table,) = land(out.getvalue(), "统计.xls")
    assert (table.format, table.columns) == ("xls", ("地区", "人口_男", "人口_截止日期"))
    assert read(table).rows == [("呼和浩特市", "3.5", "2003-01-02"), ("呼和浩特市", "4", None)]


ODS = """<?xml version="1.0" encoding="UTF-8"?><office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body><office:spreadsheet>
<table:table table:name="表一"><table:table-row>%s</table:table-row><table:table-row>%s</table:table-row></table:table>
</office:spreadsheet></office:body></office:document-content>"""


def ods(*rows: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr("content.xml", ODS % rows)
        package.writestr(
            "META-INF/manifest.xml",
            '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return out.getvalue()


def cell(text: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string" {more}><text:p>{text}</text:p></table:table-cell>'


def test_open_document(land: Land, read: Callable[..., Any]) -> None:
    (table,) = land(ods(cell("地区") + cell("数量"), cell("呼和浩特市") + cell("5")), "a.ods")
    assert (table.format, table.inner_name) == ("ods", "表一")
    assert read(table).rows == [("呼和浩特市", "5")]


def refused(land: Land, data: bytes, name: str, options: ReadOptions | None = None) -> str:
    with pytest.raises((Invalid, TooLarge)) as refusal:
        land(data, name, options)
    assert name in refusal.value.text.zh
    return refusal.value.reason


def test_workbook_bombs_are_refused_before_the_parser(land: Land) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        with package.open("xl/worksheets/sheet1.xml", "w") as part:
            for _ in range(200):
                part.write(b" " * (1 << 20))
    assert refused(land, bomb.getvalue(), "炸弹.xlsx") == "archive_bomb"


def rewrite(data: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            content = old.read(member)
            new.writestr(member.filename, change(content) if member.filename == part else content)
    return out.getvalue()


def stored(data: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """Rewrite a part and pack nothing, so that the guard against bombs has no reason to step in."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            new.writestr(member.filename, change(content) if member.filename == part else content)
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    "cell_xml",
    [
        b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>',
        b"<row r='1048576'><c r='XFD1048576' t='inlineStr'><is><t>x</t></is></c></row>",
        b'<row r = "1048576"><c t="inlineStr" r = "AAA1048576"><is><t>x</t></is></c></row>',
        b'<row><c r="Z1048576" t="inlineStr"><is><t>x</t></is></c></row>' * 2,
        b'<row a=">" r="1048576"><c><v>1</v></c><c r="IV1048576"><v>1</v></c></row>',
    ],
)
def test_two_far_apart_cells_do_not_fill_the_memory(land: Land, cell_xml: bytes) -> None:
    """A dense parser would allocate 17 billion cells for the first of these."""
    options = ReadOptions(limits=ReadLimits(max_sheet_cells=5_000_000))
    data = rewrite(workbook(enterprises), SHEET, lambda xml: xml.replace(b"</sheetData>", cell_xml + b"</sheetData>"))
    assert refused(land, data, "远.xlsx", options) in {"sheet_too_large", "too_many_columns"}


@pytest.mark.parametrize("unit", [b"<row ", b"<c ", b"<row r='1' ", b"<mergeCell  ", b"<worksheet ", b"r='A1' "])
@pytest.mark.parametrize("name", ["半截.xlsx", "半截.ods"])
def test_a_megabyte_of_unfinished_tags_is_read_once(land: Land, unit: bytes, name: str) -> None:
    """Patterns that ran on from each tag to the end would hold the whole process for hours."""
    unfinished = b'<c r="AAA2000000"/><row>' + unit * ((10 << 20) // len(unit))
    if name.endswith(".ods"):
        repeats = b'table:number-columns-repeated="1000" '
        unfinished = repeats * ((1 << 20) // len(repeats))
        data = stored(ods(cell("地区"), cell("甲")), "content.xml", lambda xml: xml + b"<x " + unfinished)
    else:
        data = stored(workbook(enterprises), SHEET, lambda xml: xml.replace(b"</sheetData>", unfinished))
    assert refused(land, data, name) in {"broken_file", "sheet_too_large", "too_many_columns"}


def test_entities_in_a_workbook_are_refused(land: Land) -> None:
    doctype = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    data = rewrite(workbook(enterprises), SHEET, lambda xml: doctype + xml[xml.index(b"?>") + 2 :])
    assert refused(land, data, "实体.xlsx") == "unsafe_workbook"


def test_repeats_in_open_document_are_bounded(land: Land) -> None:
    row = cell("甲", 'table:number-columns-repeated="16000" office:value="1"')
    data = ods(cell("地区"), row)
    out = rewrite(
        data,
        "content.xml",
        lambda xml: xml.replace(b"<table:table-row>", b'<table:table-row table:number-rows-repeated="1000000">'),
    )
    assert refused(land, out, "重复.ods") == "sheet_too_large"


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"PK\x03\x04 not really", "a.xlsx", "broken_file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "a.xls", "broken_file"),
        (b"name,age\n1,2\n", "a.xlsx", "broken_file"),
        (workbook(lambda book: book.add_worksheet("空")), "空.xlsx", "empty_file"),
    ],
)
def test_broken_and_empty_workbooks(land: Land, data: bytes, name: str, code: str) -> None:
    assert refused(land, data, name) == code


@pytest.mark.parametrize(
    ("data", "hint"),
    [("<html><table><tr><td>编号</td></tr></table></html>", "网页"), ("编号\t名称\n001\t甲\n", "改为 .csv")],
)
def test_a_text_named_like_a_workbook_is_told_how_to_be_mended(land: Land, data: str, hint: str) -> None:
    with pytest.raises(Invalid) as refusal:
        land(data.encode("gb18030"), "导出.xls")
    assert (refusal.value.reason, hint in refusal.value.text.zh) == ("broken_file", True)


def test_a_cut_off_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    path.write_bytes(workbook(enterprises)[:-200])
    with pytest.raises(Invalid) as refusal:
        open_tables(path, "半.xlsx")
    assert refusal.value.reason == "broken_file"


def test_a_header_alone(land: Land, read: Callable[..., Any]) -> None:
    (table,) = land(workbook(lambda book: book.add_worksheet("s").write_row(0, 0, ["地区", "数量"])), "a.xlsx")
    assert read(table).rows == []
    assert [n.code for n in table.notes] == ["no_rows"]


def large() -> bytes:
    """Fill a sheet that is read in two parts; a column, a time of day and a long fraction stand in the lower one only."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": True})  # texts stand in the cells then
    sheet = book.add_worksheet("大表")
    day = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    sheet.write_row(0, 0, ["编号", "地址", "日期", "数值", "备注"])
    for row in range(1, 8_001):
        sheet.write_string(row, 0, f"{row:06d}")
        sheet.write_string(row, 1, f"内蒙古自治区呼和浩特市新城区新华大街{row}号院内三号楼二单元" * 12)
        sheet.write_datetime(row, 2, NEW_YEAR + dt.timedelta(minutes=30 * (row > 7_000)), day)
        sheet.write_number(row, 3, 2 / 3 if row == 7_999 else row)
    sheet.write_string(8_000, 4, "末行")
    book.close()
    merge = b'</sheetData><mergeCells count="1"><mergeCell ref="B7990:B7993"/></mergeCells>'
    return rewrite(out.getvalue(), SHEET, lambda xml: xml.replace(b"</sheetData>", merge))


def test_a_large_sheet_read_in_two_parts_is_one_table(land: Land, read: Callable[..., Any]) -> None:
    (table,) = land(large(), "大表.xlsx")
    assert len(table.sheet.books) == 2
    out = read(table)
    assert table.columns == ("编号", "地址", "日期", "数值", "备注")
    assert out.lines == list(range(2, 8_002))
    assert [row[0] for row in out.rows] == [f"{i:06d}" for i in range(1, 8_001)]
    assert (out.rows[0][2], out.rows[-1][2]) == ("2003-01-02 00:00:00", "2003-01-02 00:30:00")
    assert (out.rows[0][3], out.rows[7_998][3]) == ("1", "0.6666666666666666")
    assert {row[1] for row in out.rows[7_988:7_992]} == {out.rows[7_988][1]}
    assert [row[4] for row in out.rows if row[4]] == ["末行"]
    assert read(table).rows == out.rows


def test_rows_out_of_order_and_cells_without_places_keep_their_rows(land: Land, read: Callable[..., Any]) -> None:
    def moved(xml: bytes) -> bytes:
        first, last = xml.index(b'<row r="2"'), xml.index(b'<row r="3"')
        return xml[:first] + xml[last:].replace(b"</sheetData>", xml[first:last] + b"</sheetData>")

    def bare(xml: bytes) -> bytes:
        return xml.replace(b'<c r="A6001"', b"<c").replace(b'<c r="B6001"', b"<c")

    data = large()
    expected = read(land(data, "大表.xlsx")[0]).rows
    for change, parts in ((moved, 2), (bare, 1)):
        changed = rewrite(data, SHEET, change)
        assert changed != data
        (table,) = land(changed, "大表.xlsx")
        assert len(table.sheet.books) == parts
        assert read(table).rows == expected


@pytest.mark.parametrize(
    "rows",
    [
        b'<row r="2">'
        + b"<c/>" * 3000
        + b'<c t="inlineStr"><is><t>x</t></is></c></row><row r="999998"><c r="A999998"><v>1</v></c></row>',
        b"<row/>" * 300_000 + b'<row><c r="Z300050"><v>1</v></c></row>',
        b'<row r="40000000"><c r="A40000000"><v>1</v></c></row>',
        b'<row r="2"><c r="AAAA2"><v>1</v></c></row>',
        b'<row r="2"><c r="bzz2"><v>1</v></c></row><row r="900000"><c r="A900000"><v>1</v></c></row>',
        b'<row r="2"><c   r  =\n"ALL2"><v>1</v></c></row><row r="900000"><c r="A900000"><v>1</v></c></row>',
    ],
)
def test_cells_are_bounded_however_they_state_their_place(land: Land, rows: bytes) -> None:
    """A parser follows all of these, also beyond what a spreadsheet program could write."""
    options = ReadOptions(limits=ReadLimits(max_sheet_cells=5_000_000))
    data = rewrite(workbook(enterprises), SHEET, lambda xml: xml.replace(b"</sheetData>", rows + b"</sheetData>"))
    assert refused(land, data, "远.xlsx", options) in {"sheet_too_large", "too_many_columns"}


def test_a_wide_sheet_within_bounds_is_read(land: Land, read: Callable[..., Any]) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("s")
        sheet.write_row(0, 0, [f"指标{i}" for i in range(800)])
        for row in range(1, 2_500):
            sheet.write_row(row, 0, [f"值{row}", *([row] * (799 if row % 500 == 0 else 3))])

    (table,) = land(workbook(fill), "宽.xlsx", ReadOptions(limits=ReadLimits(max_sheet_cells=2_000_000)))
    out = read(table)
    assert (len(out.rows), len(table.columns)) == (2_499, 800)
    assert out.rows[499] == ("值500", *(["500"] * 799))


def test_a_package_that_names_a_part_twice_is_refused(land: Land) -> None:
    data = io.BytesIO(workbook(enterprises))
    with zipfile.ZipFile(data, "a") as package:
        package.writestr(SHEET.upper(), "<worksheet/>")
    assert refused(land, data.getvalue(), "双份.xlsx") == "broken_file"


def test_a_merged_header_of_three_levels(land: Land) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("s")
        sheet.merge_range(0, 0, 0, 4, "统计表")
        sheet.merge_range(1, 0, 3, 0, "地区")
        sheet.merge_range(1, 1, 1, 4, "2023年")
        sheet.merge_range(2, 1, 2, 2, "人口")
        sheet.merge_range(2, 3, 2, 4, "经济")
        sheet.write_row(3, 1, ["总人口", "城镇", "产值", "财政"])
        sheet.write_row(4, 0, ["呼和浩特市", 1, 2, 3, 4])

    (table,) = land(workbook(fill), "a.xlsx")
    assert table.columns == ("地区", "2023年_人口_总人口", "2023年_人口_城镇", "2023年_经济_产值", "2023年_经济_财政")


def test_numbers_of_which_the_workbook_lost_digits_are_set_aside(land: Land, read: Callable[..., Any]) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("s")
        sheet.write_row(0, 0, ["身份证号", "卡号", "总产值"])
        sheet.write_row(1, 0, [150102199001011232, 6222021234567891, 1234567890123456000])
        sheet.write_string(2, 0, "150102199001011232")
        sheet.write_row(2, 1, [6222021234567890, 5])

    (table,) = land(workbook(fill), "a.xlsx")
    out = read(table)
    assert out.rows == [("150102199001011232", "6222021234567890", "5")]
    assert [(b.line, b.column, b.reason.value) for b in out.bad] == [(2, "身份证号", "digits_lost")]
    # A card number that ends in zero only is one that somebody typed into a number cell.
    (table,) = land(rewrite(workbook(fill), SHEET, lambda xml: xml.replace(b"6222021234567891", b"6222021234567800")))
    assert [b.column for b in read(table).bad] == ["身份证号", "卡号"]


def test_times_of_day_and_spans_are_no_dates(land: Land, read: Callable[..., Any]) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("s")
        sheet.write_row(0, 0, ["时刻", "时长", "日期"])
        clock, span, day = (book.add_format({"num_format": f}) for f in ("hh:mm:ss", "[h]:mm", "yyyy-mm-dd"))
        for row, (time, hours) in enumerate(((0.5, 1.5), (0.75, 0.25)), 1):
            sheet.write_number(row, 0, time, clock)
            sheet.write_number(row, 1, hours, span)
            sheet.write_number(row, 2, row, day)

    (table,) = land(workbook(fill), "a.xlsx")
    assert read(table).rows == [("12:00:00", "36:00:00", "1900-01-01"), ("18:00:00", "06:00:00", "1900-01-02")]


def test_hidden_sheets_are_left_out_unless_named(land: Land) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        for name in ("一月", "底稿", "字典"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["地区", "数量"])
            sheet.write_row(1, 0, [name, 3])
            if name != "一月":
                sheet.hide() if name == "底稿" else sheet.very_hidden()

    tables = land(workbook(fill), "a.xlsx")
    assert [t.inner_name for t in tables] == ["一月"]
    (note,) = tables[0].notes
    assert (note.code, "底稿、字典" in note.text.zh) == ("hidden_sheets", True)
    assert [t.inner_name for t in land(workbook(fill), "a.xlsx", ReadOptions(sheet="底稿"))] == ["底稿"]


def test_total_and_remarks_below_a_table_are_no_data(land: Land, read: Callable[..., Any]) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("s")
        sheet.write_row(0, 0, ["盟市", "数量", "说明"])
        for row, name in enumerate(("呼和浩特市", "包头市"), 1):
            sheet.write_row(row, 0, [name, row])
        sheet.write_row(3, 0, ["合  计", 3])
        sheet.write_row(5, 0, ["注：快报数"])
        sheet.write_row(6, 0, ["制表人：甲", "审核人：乙"])

    (table,) = land(workbook(fill), "a.xlsx")
    assert [row[0] for row in read(table).rows] == ["呼和浩特市", "包头市"]
    (note,) = table.notes
    assert note.code == "footer_skipped"
    assert note.text.zh.endswith("合  计 3；注：快报数；制表人：甲 审核人：乙")


def test_a_total_that_stands_among_the_data_is_data(land: Land, read: Callable[..., Any]) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("s")
        sheet.write_row(0, 0, ["分组", "年份", "数量"])
        for row, cells in enumerate((("男", 2022, 1), ("合计", 2022, 2), ("男", 2023, 3), ("合计", 2023, 4)), 1):
            sheet.write_row(row, 0, cells)

    (table,) = land(workbook(fill), "a.xlsx")
    assert len(read(table).rows) == 4
    assert table.notes == ()
