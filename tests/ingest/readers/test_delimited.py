from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beijiang.ingest.readers import BadReason, HeaderTemplate, ReadLimits, ReadOptions, open_tables
from beijiang.kit import Invalid, TooLarge

One = Callable[..., Any]
SMALL = ReadOptions(limits=ReadLimits(chunk_bytes=64))
PEOPLE = "姓名,区划代码,住址\n张伟,150102,呼和浩特市新城区\n李娜,150203,包头市昆都仑区\n"
ROWS = [("张伟", "150102", "呼和浩特市新城区"), ("李娜", "150203", "包头市昆都仑区")]
TRADITIONAL = "姓名,代碼,地址\n陳大文,150102,臺北市信義區松仁路\n林美麗,150203,高雄市鹽埕區大勇路與七賢三路口\n"


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16-le"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32-le"),
    ],
)
def test_every_encoding_gives_the_same_rows(one: One, encoding: str, found: str) -> None:
    read = one(PEOPLE.encode(encoding))
    assert read.table.encoding == found
    assert read.table.columns == ("姓名", "区划代码", "住址")
    assert read.rows == ROWS
    assert read.lines == [2, 3]
    assert not read.bad


def test_big5_is_told_from_gb18030(one: One) -> None:
    read = one(TRADITIONAL.encode("big5"))
    assert read.table.encoding == "big5"
    assert read.rows[1] == ("林美麗", "150203", "高雄市鹽埕區大勇路與七賢三路口")


def test_four_byte_characters_of_gb18030(one: One) -> None:
    text = "姓名,地名\n㐀𠮷𪚥,ᠮᠣᠩᠭᠣᠯ蒙古语地名\n王小明,普通的地名\n"
    read = one(text.encode("gb18030"))
    assert read.rows[0] == ("㐀𠮷𪚥", "ᠮᠣᠩᠭᠣᠯ蒙古语地名")


def test_the_whole_file_decides_the_encoding(one: One) -> None:
    """A megabyte of ASCII in front must not hide that the end is GB18030."""
    head = "代码,名称\n" + "".join(f"{i:06d},name{i}\n" for i in range(120_000))
    read = one((head + "999999,呼和浩特市新城区\n").encode("gb18030"))
    assert read.rows[-1] == ("999999", "呼和浩特市新城区")
    assert not read.bad


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5"])
def test_a_bad_byte_costs_its_row_only(one: One, encoding: str) -> None:
    lines = ["姓名,地址", *(f"王小明{i},呼和浩特市大街{i}" for i in range(2000))]
    data = [line.encode(encoding) for line in lines]
    data[700] = data[700][:3] + b"\xff" + data[700][3:]
    read = one(b"\n".join(data) + b"\n", options=ReadOptions(encoding=encoding))
    assert read.reasons == [(701, "undecodable")]
    assert r"\xff" in read.bad[0].raw[0]
    assert len(read.rows) == 1999
    assert 701 not in read.lines


def test_bad_bytes_do_not_change_the_found_encoding(one: One) -> None:
    data = bytearray(("姓名,地址\n" + "王小明,呼和浩特市大街\n" * 500).encode())
    data[2000] = 0xFF
    read = one(bytes(data))
    assert read.table.encoding == "utf-8"
    assert len(read.rows) == 499
    assert [b.reason for b in read.bad] == [BadReason.UNDECODABLE]


def test_utf16_with_a_broken_unit(one: One) -> None:
    good = "姓名,地址\n王小明,一号\n李小红,二号\n赵小刚,三号\n"
    data = good.encode("utf-16-le").replace("小红".encode("utf-16-le"), b"\x00\xd8\x00\xd8")
    read = one(b"\xff\xfe" + data)
    assert read.reasons == [(3, "undecodable")]
    assert [r[0] for r in read.rows] == ["王小明", "赵小刚"]


def test_nul_bytes_cost_their_rows(one: One) -> None:
    read = one(b"a,b\n1,2\n3,\x004\n5,6\n" + b"7,8\n" * 50)
    assert read.reasons == [(3, "nul_byte")]
    assert read.lines[:2] == [2, 4]


def test_ragged_rows_after_quoted_line_breaks_keep_their_line(one: One) -> None:
    text = '名称,范围,电话\n甲,"第一行\n第二行\n第三行",1\n乙,少一格\n丙,"a\nb",3\n丁,x,4,多一格\n戊,y,5\n'
    read = one(text)
    assert read.lines == [2, 6, 9]
    assert read.rows[0] == ("甲", "第一行\n第二行\n第三行", "1")
    assert read.reasons == [(5, "wrong_width"), (8, "wrong_width")]
    assert read.bad[0].raw == ("乙", "少一格")
    assert "3 列" in read.bad[0].text.zh
    assert "2 cells" in read.bad[0].text.en


def test_a_bad_byte_inside_a_quoted_line_break(one: One) -> None:
    text = '名称,范围\n甲,"一\n二X二\n三"\n乙,好\n'.encode().replace(b"X", b"\xff")
    read = one(text, options=ReadOptions(encoding="utf-8"))
    assert read.reasons == [(2, "undecodable")]
    assert (read.rows, read.lines) == ([("乙", "好")], [5])


@pytest.mark.parametrize("options", [ReadOptions(), SMALL])
def test_an_unclosed_quote_costs_its_line(one: One, options: ReadOptions) -> None:
    body = [f"{i},名称{i},备注{i}" for i in range(300)]
    body[100] = '100,"名称100,备注100'
    read = one("编号,名称,备注\n" + "\n".join(body) + "\n", options=options)
    assert read.reasons == [(102, "unclosed_quote")]
    assert len(read.rows) == 299
    assert read.lines == [i + 2 for i in range(300) if i != 100]


def test_two_stray_quotes_do_not_swallow_what_lies_between(one: One) -> None:
    body = [f"{i},名称{i},备注{i}" for i in range(300)]
    body[100] = '100,"名称100,备注100'
    body[200] = '200,"名称200",备"注"200'
    read = one("编号,名称,备注\n" + "\n".join(body) + "\n")
    assert read.reasons == [(102, "unclosed_quote")]
    assert len(read.rows) == 299


@pytest.mark.parametrize("text", ["\n,,\n\n", "\n1,,\n\n", "甲\n,,\n,,\n,,"])
def test_a_cell_of_a_few_lines_is_one_cell(one: One, text: str) -> None:
    """A line or two that could be a record, or of delimiters alone, is no evidence that a quote was forgotten."""
    read = one(f'名称,内容,备注\n"","","{text}"\n"乙","2","好"\n', options=SMALL)
    assert read.reasons == []
    assert read.rows == [(None, None, text), ("乙", "2", "好")]


def test_stray_quotes_inside_a_cell_are_text(one: One) -> None:
    read = one('品名,尺寸\n管,5" 管\n板,3" 板 4"\n条,无\n', options=SMALL)
    assert [r[1] for r in read.rows] == ['5" 管', '3" 板 4"', "无"]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", "^", "~"])
def test_the_delimiter_is_found(one: One, delimiter: str) -> None:
    text = "\n".join(
        delimiter.join(cells) for cells in [["姓名", "年龄", "地址"], ["张三", "30", "甲,乙"], ["李四", "31", "丙"]]
    )
    if delimiter == ",":
        text = text.replace("甲,乙", '"甲,乙"')
    read = one(text)
    assert read.table.delimiter == delimiter
    assert read.rows[0] == ("张三", "30", "甲,乙")


def test_titles_above_the_header_are_skipped_and_noted(one: One) -> None:
    text = (
        "2023年企业登记情况表,,,\n填报单位：市场监管局,,,单位：万元\n企业名称,代码,资金,日期\n甲公司,1,2,2023-01-02\n"
    )
    read = one(text)
    assert read.table.columns == ("企业名称", "代码", "资金", "日期")
    assert read.table.header.title_rows == 2
    assert read.table.header.titles[0] == "2023年企业登记情况表"
    assert read.lines == [4]


def test_a_file_without_header_gets_numbered_columns(one: One) -> None:
    read = one("150102,13900001111,2003-01-02\n150203,13900002222,2003-01-03\n")
    assert read.table.columns == ("列1", "列2", "列3")
    assert read.lines == [1, 2]
    assert [n.code for n in read.table.notes if n.code == "no_header"] == ["no_header"]


def test_double_and_blank_names_are_made_unique_and_noted(one: One) -> None:
    read = one("名称,名称,,名称_2\na,b,c,d\n")
    assert read.table.columns == ("名称", "名称_3", "列3", "名称_2")
    assert [n.code for n in read.table.notes] == ["double_name", "blank_name"]


@pytest.mark.parametrize("header", ["a,b", "a,b,"])
def test_a_delimiter_at_the_end_of_every_line_is_a_blank_column(one: One, header: str) -> None:
    read = one(f"{header}\n1,2,\n3,4,\n5,6,\n")
    assert read.table.columns == ("a", "b", "列3")
    assert read.rows == [("1", "2", None), ("3", "4", None), ("5", "6", None)]
    assert not read.bad


def test_a_ragged_row_in_the_sample_does_not_widen_the_table(one: One) -> None:
    read = one("a,b\n1,2\n3,4,5,6\n7,8\n")
    assert read.table.columns == ("a", "b")
    assert read.reasons == [(3, "wrong_width")]


def test_a_group_row_above_the_names_is_joined(one: One) -> None:
    read = one(",人口,,面积,\n地区,男,女,陆地,水域\n呼市,1,2,3,4\n")
    assert read.table.columns == ("地区", "人口_男", "人口_女", "面积_陆地", "面积_水域")
    assert read.lines == [3]
    assert one(",姓名,地区\n甲,张三,呼市\n乙,李四,包头\n").table.columns == ("列1", "姓名", "地区")


@pytest.mark.parametrize("text", ["名称,代码\n", "代码,名称\n1,甲\n", "甲,1\n"])
def test_names_that_stand_in_a_file_are_no_row_though_what_came_before_had_none(one: One, text: str) -> None:
    template = HeaderTemplate(title_rows=0, header_rows=0, columns=("名称", "代码"))
    read = one(text, options=ReadOptions(header=template))
    first, *rows = [line.split(",") for line in text.split()]
    named = "代码" in first
    assert read.table.columns == (tuple(first) if named else template.columns)
    assert read.table.header.header_rows == int(named)
    assert len(read.rows) == (len(rows) if named else 1)


def test_a_remembered_template_is_followed_and_a_foreign_one_is_not(one: One) -> None:
    text = "说明文字一,说明文字二\n甲,乙\n名称,代码\nA,1\n"
    template = HeaderTemplate(title_rows=2, header_rows=1, columns=("名称", "代码"))
    read = one(text, options=ReadOptions(header=HeaderTemplate.from_json(template.to_json())))
    assert read.table.columns == ("名称", "代码")
    assert read.rows == [("A", "1")]
    other = one(text, options=ReadOptions(header=HeaderTemplate(2, 1, ("别的", "列"))))
    assert "template_differs" in [n.code for n in other.table.notes]


def test_line_ends_of_every_kind(one: One) -> None:
    expected = [("1", "2"), ("3", "4")]
    for end in ("\n", "\r\n", "\r"):
        read = one(end.join(["a,b", "1,2", "3,4"]))
        assert (read.rows, read.lines) == (expected, [2, 3])


def test_a_lone_carriage_return_stays_in_its_cell(one: One) -> None:
    read = one("a,b\n1,x\ry\n3,4\n")
    assert (read.rows, read.lines) == ([("1", "x\ry"), ("3", "4")], [2, 3])


def test_blank_lines_are_no_rows(one: One) -> None:
    read = one("a,b\n\n1,2\n,\n\n3,4\n\n")
    assert (read.rows, read.lines) == ([("1", "2"), ("3", "4")], [3, 6])
    assert not read.bad


def test_empty_cells_are_null_and_blanks_are_kept(one: One) -> None:
    assert one('a,b,c\n1,,"" \n2, x ,""\n').rows == [("1", None, " "), ("2", " x ", None)]


def test_a_header_alone_is_a_table_without_rows(one: One) -> None:
    read = one("姓名,年龄\n")
    assert read.rows == []
    assert read.table.columns == ("姓名", "年龄")
    assert [n.code for n in read.table.notes] == ["no_rows"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"\n\n  \n", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        (bytes(range(256)) * 400, "binary_file"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 500, "binary_file"),
        (b"%PDF-1.7\n%abc\n", "binary_file"),
        (b"\x7fELF\x02\x01\x01" + bytes(100), "binary_file"),
    ],
)
def test_what_is_no_text_is_refused_clearly(land: Callable[..., Any], data: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        land(data)
    assert refusal.value.reason == code
    assert "数据.csv" in refusal.value.text.zh


def test_a_million_columns_are_refused(land: Callable[..., Any]) -> None:
    header = ",".join(f"c{i}" for i in range(1_000_000))
    for data in (header + "\n1\n", header, ",".join(["x" * 20] * 1_000_000)):
        with pytest.raises(TooLarge) as refusal:
            land(data)
        assert refusal.value.reason == "too_many_columns"


def test_a_hundred_megabytes_in_one_quoted_field_cost_their_row(one: One) -> None:
    for filler in ("长" * 34_000_000, "很长的一行文字\n" * 4_500_000):
        text = '名称,说明\n甲,一\n乙,"' + filler + '"\n丙,三\n'
        read = one(text)
        assert [r for r in read.reasons if r[1] == "too_long"] == [(3, "too_long")]
        assert read.rows == [("甲", "一"), ("丙", "三")]
        assert len(read.bad) == 1
        assert len(read.bad[0].raw_text()) <= 2_000


def test_a_cell_above_the_limit_costs_its_row(one: One) -> None:
    options = ReadOptions(limits=ReadLimits(max_cell_chars=100))
    read = one(f"a,b\n1,{'字' * 100}\n2,{'字' * 101}\n3,x\n", options=options)
    assert read.reasons == [(3, "too_long")]
    assert read.bad[0].column == "b"
    assert read.lines == [2, 4]


def test_too_many_rows_stop_the_reading(land: Callable[..., Any]) -> None:
    (table,) = land("a\n" + "1\n" * 50, options=ReadOptions(limits=ReadLimits(max_rows=49)))
    with pytest.raises(TooLarge) as refusal:
        list(table.batches())
    assert refusal.value.reason == "too_many_rows"


def test_batches_can_be_read_again_and_left_early(land: Callable[..., Any]) -> None:
    (table,) = land("a,b\n" + "1,2\n" * 5000, options=ReadOptions(limits=ReadLimits(chunk_bytes=256)))
    first = table.batches()
    next(first)
    first.close()
    assert sum(b.rows.num_rows for b in table.batches()) == 5000
    preview = table.preview(7)
    assert preview.row_numbers == [2, 3, 4, 5, 6, 7, 8]
    assert preview.rows[0] == ("1", "2")


CELL = st.text(st.sampled_from('甲乙ab12 ,"\n;|\t-'), max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    table=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=25),
    chunk=st.integers(8, 80),
    encoding=st.sampled_from(["utf-8", "gb18030", "utf-16-le"]),
)
def test_whatever_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str, str]], chunk: int, encoding: str
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["名称", "内容", "备注"])
    lines, at = [], 2
    for row in table:
        lines.append(at)
        writer.writerow(row)
        at += 1 + sum(cell.count("\n") for cell in row)
    path = tmp_path_factory.mktemp("csv") / "landed"
    path.write_bytes(out.getvalue().encode(encoding))
    options = ReadOptions(
        encoding=encoding,
        delimiter=",",
        header=HeaderTemplate(0, 1, ("名称", "内容", "备注")),
        limits=ReadLimits(chunk_bytes=chunk),
    )
    (found,) = open_tables(path, "t.csv", options)
    rows: list[Any] = []
    numbers: list[int] = []
    for batch in found.batches():
        assert not batch.bad
        rows += [tuple(r.values()) for r in batch.rows.to_pylist()]
        numbers += batch.row_numbers.to_pylist()
    full = [(line, tuple(c or None for c in row)) for line, row in zip(lines, table, strict=True) if any(row)]
    assert list(zip(numbers, rows, strict=True)) == full


@settings(max_examples=150, deadline=None)
@given(text=st.text(st.sampled_from('ab,"\n'), max_size=120), chunk=st.integers(8, 60))
def test_every_line_of_any_text_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, text: str, chunk: int
) -> None:
    path = tmp_path_factory.mktemp("csv") / "landed"
    path.write_text("名称,内容\n" + text + "\n")
    template = HeaderTemplate(0, 1, ("名称", "内容"))
    whole: list[Any] = []
    for size in (chunk, 1 << 20):
        options = ReadOptions(delimiter=",", header=template, limits=ReadLimits(chunk_bytes=size))
        (table,) = open_tables(path, "t.csv", options)
        seen: list[Any] = []
        for batch in table.batches():
            seen += zip(batch.row_numbers.to_pylist(), [tuple(r.values()) for r in batch.rows.to_pylist()], strict=True)
            seen += [(b.line, b.reason.value) for b in batch.bad]
        starts = [line for line, _ in seen]
        assert len(set(starts)) == len(starts)
        whole.append(sorted(seen, key=lambda s: s[0]))
    assert whole[0] == whole[1]


def test_a_header_of_three_levels(one: One) -> None:
    head = "各盟市统计表,,,,,,\n地区,2023年,,,2022年,,\n,人口,,经济,人口,,经济\n,总人口,城镇,GDP,总人口,城镇,GDP\n"
    read = one(head + "呼和浩特,350,280,3500,349,279,3400\n")
    assert read.table.columns == (
        "地区",
        *(f"{year}_{name}" for year in ("2023年", "2022年") for name in ("人口_总人口", "人口_城镇", "经济_GDP")),
    )
    assert read.table.header.titles == ("各盟市统计表",)
    assert read.lines == [5]


def test_names_below_many_groups_repeat(one: One) -> None:
    years = [f"{year}年" for year in range(2021, 2025)]
    read = one("地区," + ",,".join(years) + ",\n," + "产值,增速," * 3 + "产值,增速\n呼和浩特,1,2,3,4,5,6,7,8\n")
    assert read.table.columns == ("地区", *(f"{year}_{name}" for year in years for name in ("产值", "增速")))


def test_a_row_of_texts_below_a_header_of_two_levels_is_data(one: One) -> None:
    read = one("地区,人员,,备注\n,局长,副局长,\n呼和浩特,张三,李四,无\n")
    assert read.table.columns == ("地区", "人员_局长", "人员_副局长", "备注")
    assert read.rows == [("呼和浩特", "张三", "李四", "无")]


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf_16_by_name_follows_the_byte_order_mark(one: One, order: str) -> None:
    read = one("\ufeff名称,数\n甲,1\n".encode(f"utf-16-{order}"), "a.csv", ReadOptions(encoding="utf-16"))
    assert (read.table.columns, read.rows) == (("名称", "数"), [("甲", "1")])
