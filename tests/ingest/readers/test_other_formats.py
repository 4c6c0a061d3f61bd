from __future__ import annotations

import datetime as dt
import io
import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beijiang.ingest.readers import ReadLimits, ReadOptions
from beijiang.kit import BeijiangError, Invalid, TooLarge

Land = Callable[..., Any]
One = Callable[..., Any]
CSV = "名称,代码\n甲,01\n乙,02\n"
ROWS = [("甲", "01"), ("乙", "02")]


def zipped(*members: tuple[str, bytes], encoding: str | None = None) -> bytes:
    """Build an archive; with ``encoding`` its names are raw bytes without the UTF-8 flag, as Windows tools write them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    if encoding is None:
        return out.getvalue()
    data = bytearray(out.getvalue())
    for name, _ in members:
        raw = name.encode(encoding).rjust(len(name.encode()), b"_")
        data[:] = data.replace(name.encode(), raw)
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + flags + 1] &= ~0x08
            at = data.find(mark, at + 4)
    return bytes(data)


def dbf(
    fields: list[tuple[bytes, str, int, int]],
    records: list[list[bytes]],
    *,
    language: int = 0,
    deleted: set[int] = frozenset(),
) -> bytes:  # type: ignore[assignment]
    size = 1 + sum(f[2] for f in fields)
    out = struct.pack("<B3BLHH17xB2x", 3, 120, 1, 1, len(records), 33 + 32 * len(fields), size, language)
    for name, kind, width, decimals in fields:
        out += struct.pack("<11sc4xBB14x", name, kind.encode(), width, decimals)
    out += b"\r"
    for index, record in enumerate(records):
        out += b"*" if index in deleted else b" "
        out += b"".join(v.rjust(f[2]) if f[1] == "N" else v.ljust(f[2]) for v, f in zip(record, fields, strict=True))
    return out + b"\x1a"


FIELDS = [("名称", "C", 20, 0), ("人口", "N", 10, 2), ("日期", "D", 8, 0), ("启用", "L", 1, 0)]


def places(encoding: str, **more: Any) -> bytes:
    fields = [(n.encode(encoding), k, w, d) for n, k, w, d in FIELDS]
    rows = [["呼和浩特市", "12.50", "20030102", "T"], ["包头市", "", "", "?"], ["已删除", "1", "20030102", "F"]]
    return dbf(fields, [[c.encode(encoding) for c in r] for r in rows], deleted={2}, **more)


@pytest.mark.parametrize(("encoding", "language"), [("gbk", 0), ("gbk", 0x4D), ("utf-8", 0)])
def test_dbf_in_its_encoding(one: One, encoding: str, language: int) -> None:
    read = one(places(encoding, language=language), "地点.dbf")
    assert read.table.columns == ("名称", "人口", "日期", "启用")
    assert read.rows == [("呼和浩特市", "12.50", "2003-01-02", "true"), ("包头市", None, None, None)]
    assert read.lines == [1, 2]


def test_a_bad_byte_in_a_dbf_costs_its_record(one: One) -> None:
    read = one(places("gbk").replace("包头市".encode("gbk"), b"\xb0\xff\xcd\xb7\xca\xd0"), "地点.dbf")
    assert read.reasons == [(2, "undecodable")]
    assert len(read.rows) == 1


def test_a_cut_off_dbf_is_refused(land: Land) -> None:
    (table,) = land(places("gbk")[:-60], "地点.dbf")
    with pytest.raises(Invalid) as refusal:
        list(table.batches())
    assert refusal.value.reason == "broken_file"


def test_a_dbf_in_a_zip_obeys_its_cpg(land: Land, read: Callable[..., Any]) -> None:
    tables = land(
        zipped(("点/文化.dbf", places("utf-8")), ("点/文化.cpg", b"UTF-8"), ("点/文化.shp", b"\x00" * 50)), "文化.zip"
    )
    assert [(t.inner_name, t.format, t.encoding) for t in tables] == [("点/文化.dbf", "dbf", "utf-8")]
    assert read(tables[0]).rows[0][0] == "呼和浩特市"


@pytest.mark.parametrize("encoding", [None, "gbk"])
def test_member_names_of_windows_archives(land: Land, read: Callable[..., Any], encoding: str | None) -> None:
    name = "企业登记.csv"
    data = zipped((name, CSV.encode("gbk")), encoding=encoding)
    (table,) = land(data, "包.zip")
    assert table.file_name == "包.zip"
    assert table.inner_name.lstrip("_") == name
    assert read(table).rows == ROWS


def test_an_archive_gives_the_tables_of_all_members(land: Land, read: Callable[..., Any]) -> None:
    members = (
        ("b.csv", CSV.encode()),
        ("a/一.json", json.dumps([{"名称": "甲"}]).encode()),
        ("说明.docx", b"PK"),
        ("__MACOSX/._b.csv", b"\x00"),
    )
    tables = land(zipped(*members), "包.zip")
    assert [t.inner_name for t in tables] == ["a/一.json", "b.csv"]
    assert [len(read(t).rows) for t in tables] == [1, 2]


def test_a_zip_bomb_is_refused_without_unpacking(land: Land) -> None:
    """The directory claims 10 GB behind 10 MB; and a small real one of 200 MB of zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    squeezed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    for claim in (200 << 20, 10_000_000_000):
        big = claim >= 1 << 32
        size, extra = (0xFFFFFFFF, struct.pack("<HHQ", 1, 8, claim)) if big else (claim, b"")
        local = (
            struct.pack("<4sHHHHHLLLHH", b"PK\x03\x04", 45, 0, 8, 0, 0, 0, len(squeezed), size, 5, len(extra))
            + b"a.csv"
            + extra
        )
        central = (
            struct.pack(
                "<4sHHHHHHLLLHHHHHLL",
                b"PK\x01\x02",
                45,
                45,
                0,
                8,
                0,
                0,
                0,
                len(squeezed),
                size,
                5,
                len(extra),
                0,
                0,
                0,
                0,
                0,
            )
            + b"a.csv"
            + extra
        )
        end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local) + len(squeezed), 0)
        with pytest.raises(TooLarge) as refusal:
            land(local + squeezed + central + end, "炸弹.zip")
        assert refusal.value.reason == "archive_bomb"


def refused(land: Land, data: bytes, name: str, options: ReadOptions | None = None) -> str:
    with pytest.raises(BeijiangError) as refusal:
        land(data, name, options)
    assert refusal.value.text.zh
    assert refusal.value.text.en
    return refusal.value.reason


def test_archives_that_cannot_be_taken(land: Land) -> None:
    inner = zipped(("a.csv", CSV.encode()))
    assert refused(land, zipped(("内.zip", inner)), "外.zip") == "nested_too_deep"
    few = ReadOptions(limits=ReadLimits(max_members=2))
    assert refused(land, zipped(*((f"{i}.csv", b"a\n1\n") for i in range(3))), "多.zip", few) == "too_many_members"
    assert refused(land, zipped(("说明.pdf", b"x")), "无.zip") == "no_table"
    assert refused(land, zipped(), "空.zip") == "no_table"
    assert refused(land, zipped(("a.exe", b"MZ\x90\x00" + bytes(50))), "程序.zip") == "unknown_format"
    locked = bytearray(inner)
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    assert refused(land, bytes(locked), "密码.zip") == "encrypted_file"
    damaged = bytearray(inner)
    damaged[45] ^= 0xFF
    assert refused(land, bytes(damaged), "坏.zip") == "broken_file"


def test_two_members_of_one_name_are_refused(land: Land) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = zipped(("a.csv", CSV.encode()), ("a.csv", b"x,y\n1,2\n"))
    with pytest.raises(Invalid) as refusal:
        land(data, "双.zip")
    assert refusal.value.reason == "double_member"


def test_what_a_system_leaves_in_folders_is_passed_over(land: Land, read: Callable[..., Any]) -> None:
    data = zipped(("a.csv", CSV.encode()), ("Thumbs.db", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), ("desktop.ini", b"[x]"))
    (table,) = land(data, "夹.zip")
    assert read(table).rows == ROWS


def test_deeper_nesting_may_be_allowed(land: Land, read: Callable[..., Any]) -> None:
    data = zipped(("内.zip", zipped(("甲.csv", CSV.encode()))))
    (table,) = land(data, "外.zip", ReadOptions(limits=ReadLimits(max_nesting=2)))
    assert read(table).rows == ROWS
    assert table.inner_name.endswith("甲.csv")


def test_json_shapes_give_the_same_table(one: One) -> None:
    rows = [{"名称": "甲", "代码": "01"}, {"名称": "乙", "代码": "02"}]
    shapes = {
        "a.json": json.dumps(rows),
        "b.json": json.dumps({"名称": ["甲", "乙"], "代码": ["01", "02"]}, ensure_ascii=False),
        "c.json": json.dumps({"code": 0, "message": "ok", "data": {"total": 2, "list": rows}}),
        "d.ndjson": "\n".join(json.dumps(r) for r in rows),
        "e.json": "\n\n".join(json.dumps(r, ensure_ascii=False) for r in rows) + "\n",
    }
    for name, text in shapes.items():
        for encoding in ("utf-8", "gb18030"):
            read = one(text.encode(encoding), name)
            assert (read.table.columns, read.rows) == (("名称", "代码"), ROWS), name
    assert read.table.format == "ndjson"
    assert read.lines == [1, 3]


def test_json_values_as_text(one: One) -> None:
    read = one(
        json.dumps(
            [{"a": 1.0, "b": 1e-7, "c": True, "d": None, "e": {"x": [1, "甲"]}, "f": 12345678901234567890, "g": ""}]
        ),
        "a.json",
    )
    assert read.rows == [("1", "0.0000001", "true", None, '{"x":[1,"甲"]}', "12345678901234567890", None)]


@pytest.mark.parametrize("name", ["数.json", "数.ndjson"])
def test_no_digit_of_a_json_number_is_lost(one: One, name: str) -> None:
    rows = [
        '{"编号": 150102199001011234567890, "值": 123456789012345678.123456, "内": {"长": [0.12345678901234567891, 1.5]}, "短": 2.0}',
        '{"编号": -7, "值": 1e3, "内": null, "短": 0.1}',
    ]
    text = "\n".join(rows) if name.endswith("ndjson") else f"[{','.join(rows)}]"
    assert one(text, name).rows == [
        ("150102199001011234567890", "123456789012345678.123456", '{"长":[0.12345678901234567891,1.5]}', "2"),
        ("-7", "1000", None, "0.1"),
    ]


def test_long_numbers_do_not_open_the_door_to_deep_nesting(land: Land) -> None:
    with pytest.raises(Invalid) as refusal:
        land('[{"a": 12345678901234567890123, "b": ' + "[" * 200_000 + "]" * 200_000 + "}]", "深.json")
    assert refusal.value.reason == "broken_file"


def test_bad_lines_of_ndjson_cost_themselves(one: One) -> None:
    data = b'{"a": 1}\n{"a": 2\n{"b": 3}\n[4]\n{"a": "\xff"}\n\n{"a": 5}\n'
    read = one(data, "a.ndjson", ReadOptions(encoding="utf-8"))
    assert read.reasons == [(2, "not_an_object"), (4, "not_an_object"), (5, "undecodable")]
    assert (read.rows, read.lines) == ([("1", None), (None, "3"), ("5", None)], [1, 3, 7])


def test_geojson_points_give_coordinates(one: One) -> None:
    line = {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}
    features = [
        {
            "type": "Feature",
            "id": 7,
            "geometry": {"type": "Point", "coordinates": [111.75, 40.84]},
            "properties": {"名称": "甲"},
        },
        {"type": "Feature", "geometry": line, "properties": {"名称": "乙"}},
    ]
    read = one(json.dumps({"type": "FeatureCollection", "features": features}), "a.geojson")
    assert read.table.columns == ("名称", "id", "geometry", "经度", "纬度")
    assert read.table.geometry == {"geometry"}
    assert read.rows[0] == ("甲", "7", '{"type":"Point","coordinates":[111.75,40.84]}', "111.75", "40.84")
    assert read.rows[1][3:] == (None, None)


@pytest.mark.parametrize(
    ("text", "code"), [("[1, 2]", "no_table"), ("{", "broken_file"), ("[]", "no_table"), ("", "empty_file")]
)
def test_json_without_a_table(land: Land, text: str, code: str) -> None:
    assert refused(land, text.encode(), "a.json") == code


def test_a_large_json_document_is_refused_by_size(land: Land) -> None:
    assert (
        refused(land, b'[{"a": 1}]', "a.json", ReadOptions(limits=ReadLimits(max_document_bytes=5)))
        == "document_too_large"
    )


def test_parquet_columns_become_text(land: Land, read: Callable[..., Any]) -> None:
    table = pa.table(
        {
            "名称": pa.array(["甲", ""]),
            "数": pa.array([1, None]),
            "额": pa.array([Decimal("1.50"), None]),
            "日": pa.array([dt.date(2003, 1, 2), None]),
            "时": pa.array([dt.datetime(2003, 1, 1, 19, 4, 5, tzinfo=dt.UTC), None]),
            "分类": pa.array(["x", None]).dictionary_encode(),
            "表": pa.array([[1, 2], None]),
            "是": pa.array([True, None]),
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out)
    (found,) = land(out.getvalue(), "a.parquet")
    assert found.row_estimate == 2
    assert read(found).rows == [
        ("甲", "1", "1.50", "2003-01-02", "2003-01-02 03:04:05", "x", "[1,2]", "true"),
        (None,) * 8,
    ]


def test_a_broken_parquet_and_an_unknown_format(land: Land) -> None:
    assert refused(land, b"PAR1" + bytes(100), "a.parquet") == "broken_file"
    assert refused(land, b"hello", "a.parquet") == "broken_file"
    assert refused(land, b"hello", "a.docx") == "unknown_format"
    assert refused(land, b"", "a.dbf") == "empty_file"
    assert refused(land, b"a,b\n1,2\n", "a.dbf") == "broken_file"


def test_the_front_doors_load_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "import beijiang.ingest.readers.contract, beijiang.ingest.readers.source, beijiang.ingest.typing.schema\n"
        "from beijiang.ingest.typing import ColumnSpec, TypedBatch, TypedSchema, apply_types, canonical_text\n"
        "print([m for m in ('pyarrow', 'polars', 'fastexcel', 'duckdb', 'openpyxl') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert out.stdout.strip() == "[]"
