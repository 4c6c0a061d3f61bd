"""Real input of real departments, kept outside the repository (see the README of the data folder)."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from beijiang.ingest.readers import ReadLimits, ReadOptions, open_tables
from beijiang.ingest.typing import ColumnType, TypeInference, apply_types, canonical_text, read_typed

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
NAMES = (
    "企业名称",
    "统一社会信用代码",
    "注册日期",
    "企业类型",
    "法人代表",
    "注册资金",
    "经营范围",
    "所在省份",
    "地区",
    "注册地址",
)

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the real data set is not beside the checkout (../shared/data)"
)


def registers() -> list[Path]:
    files = sorted((DATA / "enterprises").glob("*.csv"))
    assert len(files) == 27
    return files


def expected(path: Path) -> list[tuple[str | None, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [tuple(c or None for c in row) for row in csv.reader(file)][1:]


def test_the_27_registers_are_read_whole(read: Callable[..., Any]) -> None:
    total = 0
    inference = TypeInference(NAMES)
    for path in registers():
        (table,) = open_tables(path, path.name)
        assert table.columns == NAMES
        out = read(table)
        assert not out.bad
        assert out.rows == expected(path)
        total += len(out.rows)
        for batch in table.batches():
            inference.observe(batch)
    assert total == 19_009
    schema = inference.decide()
    assert [c.name for c in schema.columns if c.type is not ColumnType.TEXT] == ["注册日期"]
    (table,) = open_tables(registers()[-1], "2005.csv")
    days = [d for b in table.batches() for d in apply_types(b, schema).rows.column(2).to_pylist()]
    assert {d.year for d in days if isinstance(d, date)} == {2005}


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16-le", "utf-8-sig"])
def test_the_same_rows_in_other_encodings_and_small_chunks(
    land: Callable[..., Any], read: Callable[..., Any], encoding: str
) -> None:
    for path in registers()[-8:]:
        data = path.read_text(encoding="utf-8").encode(encoding)
        (table,) = land(data, path.name, ReadOptions(limits=ReadLimits(chunk_bytes=3000)))
        out = read(table)
        assert not out.bad
        assert out.rows == expected(path)


def test_all_registers_in_one_zip(land: Callable[..., Any], read: Callable[..., Any]) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in registers():
            archive.writestr(f"登记/{path.name}", path.read_text(encoding="utf-8").encode("gb18030"))
    tables = land(out.getvalue(), "登记.zip")
    assert len(tables) == 27
    assert sum(len(read(t).rows) for t in tables) == 19_009


def test_the_air_stations(tmp_path: Path) -> None:
    path = DATA / "air" / "stations.json"
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    (table,) = open_tables(path, "stations.json")
    assert table.format == "geojson"
    typed = read_typed(table, tmp_path)
    kinds = {c.name: c.type for c in typed.schema.columns}
    assert kinds["pm10"] is ColumnType.INTEGER
    assert kinds["stationcode"] is ColumnType.TEXT
    assert kinds["primarypollutant"] is ColumnType.TEXT
    assert kinds["timepoint"] is ColumnType.TIMESTAMP
    assert kinds["geometry"] is ColumnType.GEOMETRY
    (batch,) = typed.batches()
    assert (batch.rows.num_rows, batch.bad) == (1_495, [])
    spec = typed.schema.column("pm10")
    assert spec is not None
    for name in ("pm10", "so2", "co", "timepoint", "positionname", "primarypollutant"):
        spec = typed.schema.column(name)
        assert spec is not None
        changed = {c["row"]: c["raw"] for c in batch.changes.to_pylist() if c["column"] == name}
        values = batch.rows.column(batch.rows.schema.names.index(name)).to_pylist()
        raws = [f["properties"][name] for f in features]
        assert [changed.get(i, canonical_text(v, spec)) for i, v in enumerate(values, 1)] == raws
    missing = sum(1 for f in features if f["properties"]["pm10"] == "-;")
    assert missing == batch.rows.column("pm10").null_count > 0
    typed.close()


def test_the_townships(read: Callable[..., Any], tmp_path: Path) -> None:
    (table,) = open_tables(DATA / "regions" / "towns.csv", "towns.csv")
    out = read(table)
    assert len(out.rows) == 1_225
    assert out.rows[0] == ("150102001", "海拉尔东路街道", "150102")
    typed = read_typed(table, tmp_path)
    assert [c.type for c in typed.schema.columns] == [ColumnType.TEXT] * 3
    typed.close()
