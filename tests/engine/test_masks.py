"""Every mask hides the same on both engines: clean values, dirt, nothing, names of minorities, characters beyond the BMP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlglot import exp

from beijiang.engine import Engine, Scan, View
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.engine.spark import SparkEngine
from beijiang.protection.models.choices import TYPES, MaskFunction, read_parameters
from beijiang.protection.models.masks import MASKS, Masker
from beijiang.protection.models.treatments import treated
from beijiang.settings import Settings
from beijiang.standards import Standards

CLEAN = [
    *("张三丰", "王", "欧阳娜娜", "巴特尔·额尔敦", "阿依古丽·买买提", "𠮷田𠀀", "x" * 20, "x" * 21),
    *("11010519491231002X", "11010519491231002x", "110105491231002", "150102199001011230"),
    *("13812348000", "0471-6282800", "(0471)6282800", "6222021234561234", "E12345678"),
    *("呼和浩特市新城区某某街1号", "内蒙古自治区包头市某小区3号楼", "包头市包头市包头市包头市", "北京市海淀区"),
    *("zhang@example.cn", "张@例.cn", "a@b.c-d.cn", "a@b@c.cn", "蒙A12345", "蒙A·D12345", "𠀀A12345"),
    *("92150102MA0N00016G", "91150102MA0N00016G", "92150102MA0N00016", "1949年12月31日", "19491231", "1949"),
    *("111.123456", "-41.5", "41", "41.", "999.129", "东经111度", "", " ", "****", "null", "1" * 19, "1" * 20),
    *("全角１３８１２３４８０００", "a\u0301bc", "👨‍👩‍👧家", "\ufffd", "张'三\\丰", "100%_", "\x01"),
]
VALUES: list[str | None] = [
    None,
    *CLEAN,
    *(f"{value}{end}" for value in CLEAN for end in ("\n", "\r\n", " ", "\u00a0", "\u3000", "\u2028", "x", "张三")),
    *(f"{start}{value}" for value in CLEAN for start in ("\n", "\t", "\u3000", "证号")),
]
TYPED: dict[str, tuple[pa.DataType, list[Any]]] = {
    "integer": (pa.int64(), [13812348000, 150102199001011230, 0, -5, None]),
    "decimal": (pa.decimal128(18, 4), [Decimal("111.1250"), Decimal("-0.5050"), Decimal(0), None, Decimal("622.02")]),
    "double": (pa.float64(), [2.675, -2.675, 1e20, None, 0.1 + 0.2]),
    "boolean": (pa.bool_(), [True, False, None, True, False]),
    "date": (pa.date32(), [date(1949, 12, 31), date(2024, 2, 29), None, date(1, 1, 1), date(9999, 12, 31)]),
    "timestamp": (
        pa.timestamp("us", tz="UTC"),
        [datetime(2024, 12, 31, 16, 30, tzinfo=UTC), datetime(1949, 1, 1, tzinfo=UTC), None]
        + [datetime(2026, 6, 30, 15, 59, 59, 999999, tzinfo=UTC)] * 2,
    ),
}
T = "表"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.for_tests(tmp_path_factory.mktemp("masks"))


@pytest.fixture(scope="module")
def engines(spark_url: str, settings: Settings) -> Iterator[tuple[Engine, Engine]]:
    duck, spark = DuckDBEngine(settings), SparkEngine(spark_url, settings.time_zone)
    yield duck, spark
    duck.close()
    spark.close()


@pytest.fixture
def place(settings: Settings) -> Path:
    folder = settings.home / "lake"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def scanned(folder: Path, name: str, kind: pa.DataType, values: list[Any]) -> dict[str, Scan | View]:
    path = folder / f"{name}.parquet"
    table = pa.table({"行": list(range(len(values))), "值": pa.array(values, kind)})
    pq.write_table(table, path)
    return {T: Scan((str(path),), table.schema)}


def shown(engine: Engine, columns: dict[str, exp.Expr], scans: dict[str, Scan | View]) -> dict[str, list[Any]]:
    parts = [exp.alias_(part, name, quoted=True) for name, part in columns.items()]
    query = exp.select(*parts).from_(exp.table_(exp.to_identifier(T, quoted=True), db="lake")).order_by("1")
    return engine.fetch(query, scans).to_pydict()


def same(engines: tuple[Engine, Engine], masks: dict[str, exp.Expr], scans: dict[str, Scan | View]) -> dict[str, Any]:
    columns = {"行": exp.column(exp.to_identifier("行", quoted=True)), **masks}
    ours, theirs = (shown(engine, columns, scans) for engine in engines)
    differing = {
        name: [(n, a, b) for n, (a, b) in enumerate(zip(ours[name], theirs[name], strict=True)) if a != b]
        for name in masks
    }
    assert {name: found[:5] for name, found in differing.items() if found} == {}
    return ours


VALUE = exp.column(exp.to_identifier("值", quoted=True))


def test_default_masks_of_text_hide_the_same(engines: tuple[Engine, Engine], place: Path) -> None:
    masker = Masker([region.name for region in Standards().regions()])
    masks = {name: masker.apply(name, VALUE.copy(), "text")[0] for name in (*MASKS, "address", "null")}
    ours = same(engines, masks, scanned(place, "text", pa.string(), VALUES))
    for name in set(masks) - {"sole_trader", "round", "year"}:
        kept = [v for v, mask in zip(VALUES, ours[name], strict=True) if v == mask and v and set(v.strip()) - {"*"}]
        assert kept == [], f"{name} shows a value whole"
    at = VALUES.index("13812348000\n")
    assert ours["phone"][at] == "****", "a line break behind a value is dirt"


@pytest.mark.parametrize("kind", sorted(TYPED))
def test_default_masks_of_other_types_hide_the_same(engines: tuple[Engine, Engine], place: Path, kind: str) -> None:
    masker = Masker(["呼和浩特市"])
    masks = {name: masker.apply(name, VALUE.copy(), kind)[0] for name in (*MASKS, "address", "null")}
    ours = same(engines, masks, scanned(place, kind, *TYPED[kind]))
    if kind == "double":
        assert ours["round"][:2] == [pytest.approx(2.68, abs=0.011), pytest.approx(-2.68, abs=0.011)]


CHOICES: list[tuple[str, MaskFunction, dict[str, str]]] = [
    ("text", MaskFunction.KEEP, {"prefix": "1", "suffix": "2"}),
    ("text", MaskFunction.KEEP, {"prefix": "0", "suffix": "4"}),
    ("text", MaskFunction.TRUNCATE, {"length": "3"}),
    *(("text", MaskFunction.REGION_UP, {"tier": tier}) for tier in ("province", "prefecture", "county")),
    *((kind, MaskFunction.SUPPRESS, {}) for kind in ("text", *TYPED)),
    ("integer", MaskFunction.KEEP, {"prefix": "3", "suffix": "4"}),
    *((kind, MaskFunction.BUCKET, {"width": "10"}) for kind in ("integer", "decimal", "double")),
    *((kind, MaskFunction.BUCKET, {"edges": "-0.5/0/18.5/1000000"}) for kind in ("integer", "decimal", "double")),
    *((kind, MaskFunction.ROUND_TO, {"step": step}) for kind in ("integer", "decimal", "double") for step in ("7", "100", "0.1")),
    *((kind, MaskFunction.CLAMP, {"low": "-1", "high": "120"}) for kind in ("integer", "decimal", "double")),
    ("integer", MaskFunction.CLAMP, {"low": "-0.5", "high": "0.5"}),
    *((kind, MaskFunction.DATE_TRUNC, {"unit": unit}) for kind in ("date", "timestamp") for unit in ("year", "quarter", "month")),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["text", *sorted(TYPED)])
def test_chosen_masks_show_the_same(engines: tuple[Engine, Engine], place: Path, kind: str) -> None:
    masks = {}
    for n, (of, function, given) in enumerate(CHOICES):
        if of == kind:
            assert kind in TYPES[function] | {"geometry"}
            for mask in ("identity", "full", "name"):
                parameters = read_parameters(function, given)
                masks[f"{n} {function} {given} {mask}"] = treated(function, parameters, VALUE.copy(), kind, mask)[0]
    values = (pa.string(), [*VALUES, "150102", "150102001", "150102001002", "250102", "15010"])
    same(engines, masks, scanned(place, f"chosen {kind}", *(values if kind == "text" else TYPED[kind])))


@pytest.mark.parametrize(
    ("function", "given", "value", "shown"),
    [
        (MaskFunction.BUCKET, {"width": "10"}, 34, "[30,40)"),
        (MaskFunction.BUCKET, {"width": "10"}, -1, "[-10,0)"),
        (MaskFunction.BUCKET, {"edges": "18/65"}, 64.5, "[18,65)"),
        (MaskFunction.BUCKET, {"edges": "18/65"}, 65, "≥65"),
        (MaskFunction.ROUND_TO, {"step": "5"}, 12.5, 15.0),
        (MaskFunction.ROUND_TO, {"step": "0.1"}, -0.25, -0.3),
        (MaskFunction.CLAMP, {"low": "0", "high": "100"}, 107.0, 100.0),
    ],
)
def test_numbers_are_made_coarse(
    engines: tuple[Engine, Engine], place: Path, function: MaskFunction, given: dict[str, str], value: float, shown: Any
) -> None:
    part, _ = treated(function, read_parameters(function, given), VALUE.copy(), "double", "full")
    scans = scanned(place, f"one {function} {value} {len(str(given))}", pa.float64(), [float(value)])
    assert same(engines, {"m": part}, scans)["m"] == [shown]
