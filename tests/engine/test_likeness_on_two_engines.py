"""How alike two values are: real-looking pairs for each way of comparing, the same on DuckDB and over Spark Connect (Sail)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlglot import exp

from beijiang.engine import Engine, QueryLimits, Scan
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.engine.linking.judging import level_of
from beijiang.engine.spark import SparkEngine
from beijiang.fusion.models.matchers import link_plan
from beijiang.fusion.models.matching import FORMS, Likeness, MatchBlock, MatchField, MatchModel
from beijiang.kit import Text
from beijiang.recipes import Places
from beijiang.settings import Settings
from beijiang.standards import Standards

LABEL = Text("字段", "field")
ID, OTHER_ID = "11010519491231002X", "150102199001011234"
CODE = "91350100M000100Y43"

PAIRS: dict[Likeness, list[tuple[str | None, str | None, str]]] = {
    Likeness.PERSON_NAME: [
        ("阿拉腾·其其格", "阿拉腾其其格", "exact"),
        ("阿拉腾•其其格", "阿拉腾 ・ 其其格", "exact"),
        ("张　伟", "张伟", "exact"),
        ("張偉", "张伟", "exact"),
        ("ＪＯＨＮ Ｓmith", "John Smith", "exact"),
        ("张伟", "张玮", "same_sound"),
        ("王建国", "王健国", "same_sound"),
        ("单雄信", "山雄信", "same_sound"),
        ("解晓东", "谢晓东", "same_sound"),
        ("仇和", "求和", "same_sound"),
        ("查良镛", "扎良镛", "same_sound"),
        ("尉迟恭", "玉迟恭", "same_sound"),
        ("万俟卨", "莫其卨", "same_sound"),
        ("巴特尔", "巴特儿", "same_sound"),
        ("其其格", "琪琪格", "same_sound"),
        ("格日勒", "格日乐", "same_sound"),
        ("巴特尔", "巴图", "same_transcription"),
        ("图雅", "托娅", "same_transcription"),
        ("苏日娜", "苏如娜", "same_transcription"),
        ("乌兰其木格", "乌兰其莫格", "same_transcription"),
        ("额尔敦图雅", "额尔登托娅", "same_transcription"),
        ("李晓明", "王晓明", "same_given"),
        ("欧阳娜娜", "欧娜娜", "same_given"),
        ("刘志强", "刘志弘", "one_character"),
        ("王建国", "王建军", "one_character"),
        ("阿拉坦其其格", "阿拉坦萨其格", "one_character"),
        ("阿拉坦其其格", "阿拉坦其格", "near_sound"),
        ("张伟", "张强", "different"),
        ("单雄信", "丹雄新", "different"),
        ("乌云", "乌兰", "different"),
        ("王芳", None, "missing"),
        ("王芳", "不详", "missing"),
    ],
    Likeness.COMPANY_NAME: [
        ("内蒙古宏達商貿有限公司", "内蒙古宏达商贸有限公司", "exact"),
        ("蒙牛乳业（集团）股份有限公司", "蒙牛乳业(集团)股份有限公司 ", "exact"),
        ("内蒙古伊利实业集团股份有限公司", "伊利实业集团有限责任公司", "same_core"),
        ("呼和浩特市新城区宏达商贸有限公司", "宏达商贸有限责任公司", "same_core"),
        ("内蒙古蒙草生态环境(集团)股份有限公司", "蒙草生态环境集团股份有限公司", "same_core"),
        ("赤峰市鑫源建筑有限公司", "赤峰市新元建筑有限公司", "same_sound"),
        ("赤峰市鑫源建筑工程有限公司", "赤峰市鑫源商贸有限公司", "same_trade"),
        ("通辽市大草原牛业股份有限公司", "通辽市大草原羊业股份有限公司", "one_character"),
        ("呼和浩特市宏达商贸有限公司", "包头市宏达商贸有限公司", "same_core_elsewhere"),
        ("包头市宏达商贸有限公司", "包头市宏达商贸有限公司昆区分公司", "different"),
        ("包头市宏达商贸有限公司", "包头市永盛物流有限公司", "different"),
        ("包头市宏达商贸有限公司", "/", "missing"),
    ],
    Likeness.ADDRESS: [
        ("赤峰市红山区三道街五号", "内蒙古赤峰市红山区3道街5号", "exact"),
        (
            "内蒙古自治区呼和浩特市新城区中山路12号3号楼2单元501室",
            "呼和浩特市新城区中山路12号3栋2单元501",
            "same_door",
        ),
        ("包头市昆都仑区钢铁大街8号", "包头市昆都仑区阿尔丁大街8号", "same_numbers"),
        ("包头市昆都仑区钢铁大街8号", "包头市昆都仑区钢铁大街18号", "same_road"),
        ("包头市昆都仑区钢铁大街8号", "包头市昆都仑区阿尔丁大街9号", "same_county"),
        ("包头市昆都仑区钢铁大街8号", "包头市青山区钢铁大街8号", "different"),
        ("包头市昆都仑区钢铁大街8号", "", "missing"),
    ],
    Likeness.CITIZEN_ID: [
        (ID, ID.lower(), "exact"),
        ("440524188001010014", "440524 188001010014", "exact"),
        ("11010549123100２", "110105194912310029", "mistyped"),
        (ID, "11010519491231012X", "mistyped"),
        (ID, "11010519941231002X", "mistyped"),
        ("150102199001019999", "150102199001019999", "exact_invalid"),
        (ID, OTHER_ID, "not_valid"),
        (ID, "440524188001010014", "different"),
        (ID, "000000000000000000", "missing"),
        (ID, "无", "missing"),
    ],
    Likeness.CREDIT_CODE: [
        (CODE, " 91350100m000100y43", "exact"),
        (CODE, "9135O1OOM000100Y43", "exact"),
        (CODE, "91350100M000100Y34", "mistyped"),
        (CODE, "M000100Y4", "same_organ"),
        (CODE, "91110000802100433B", "different"),
        (CODE, None, "missing"),
    ],
    Likeness.PHONE: [
        ("+86 138-4710-1234", "13847101234", "exact"),
        ("０４７１－３６９１２３４", "(0471)3691234", "exact"),
        ("0471-3691234", "3691234", "same_tail"),
        ("13847101234", "13847102134", "mistyped"),
        ("13847101234", "1384710134", "mistyped"),
        ("13847101234", "13947101888", "different"),
        ("13847101234", "00000000000", "missing"),
        ("13847101234", "120", "missing"),
    ],
    Likeness.DATE: [
        ("1990-03-05", "1990年3月5日", "exact"),
        ("1990-03-05", "19900305", "exact"),
        ("1990/3/5 00:00:00", "1990.03.05", "exact"),
        ("1990-03-05", "1990-05-03", "day_and_month_turned"),
        ("1990-03-05", "1990-03-06", "mistyped"),
        ("1990-03-05", "1909-03-05", "mistyped"),
        ("1990-03-05", "1990-03-28", "same_month"),
        ("1990-03-05", "1991-08-11", "within_a_year"),
        ("1990-03-05", "1970-08-11", "different"),
        ("1990-03-05", "1900-01-01", "missing"),
    ],
    Likeness.CODE: [("a1 ", "Ａ1", "exact"), ("1", "2", "different"), ("1", " ", "missing")],
    Likeness.TEXT: [
        ("乌兰察布民歌（一）", "乌兰察布民歌一", "exact"),
        ("乌兰察布民歌", "乌兰察布长歌", "one_character"),
        ("Stephen", "stephan", "one_character"),
        ("Catherine", "Kathryne", "three_characters"),
        ("乌兰察布民歌", "乌兰察夫", "same_start"),
        ("乌兰察布民歌", "鄂尔多斯婚礼", "different"),
    ],
}


@pytest.fixture(scope="module")
def engines(spark_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Engine]]:
    home = tmp_path_factory.mktemp("likeness")
    found: dict[str, Engine] = {
        "duckdb": DuckDBEngine(Settings.for_tests(home), (home,)),
        "spark": SparkEngine(spark_url, "Asia/Shanghai"),
    }
    yield found
    for engine in found.values():
        engine.close()


def model(likeness: Likeness) -> MatchModel:
    first = f"value.{FORMS[likeness][0]}"
    return MatchModel((MatchField("value", likeness, LABEL),), (MatchBlock("first", (first,), LABEL),), ())


def levels(engine: Engine, likeness: Likeness, folder: Path) -> list[str]:
    """Return the level of each pair of a way of comparing."""
    plan = link_plan(model(likeness), Places.of(Standards().regions()))
    rows = [
        {"record": str(number), "source": side, "value": pair[place]}
        for number, pair in enumerate(PAIRS[likeness])
        for place, side in enumerate("lr")
    ]
    schema = pa.schema([("record", pa.string()), ("source", pa.string()), ("value", pa.string())])
    scans = {}
    for name, table in {"records": pa.Table.from_pylist(rows, schema), **plan.lookups}.items():
        path = folder / f"{likeness}_{name}.parquet"
        pq.write_table(table, path)
        scans[name] = Scan((str(path),), table.schema)
    (comparison,) = plan.comparisons
    prepared = [plan.prepare.subquery(side, copy=True) for side in "lr"]
    names = [column.alias for column in plan.prepare.selects if column.alias not in {"record", "source"}]
    shown = [
        exp.alias_(exp.column(name, table=side, quoted=True), f"{name}_{side}", quoted=True)
        for name in names
        for side in "lr"
    ]
    number = exp.alias_(exp.cast(exp.column("record", table="l"), "INT"), "number")
    pairs = (
        exp.select(number, *shown)
        .from_(prepared[0])
        .join(prepared[1], on="l.record = r.record")
        .where("l.source = 'l' AND r.source = 'r'")
    )
    query = exp.select(exp.alias_(level_of(comparison), "level")).from_(pairs.subquery("p")).order_by("number")
    words = ["missing", "different", *(level.name for level in reversed(comparison.levels))]
    return [words[int(row["level"]) + 1] for row in engine.fetch(query, scans, QueryLimits(seconds=120)).to_pylist()]


@pytest.mark.parametrize("likeness", list(Likeness))
def test_two_values_are_as_alike_as_people_hold_them_on_both_engines(
    likeness: Likeness, engines: dict[str, Engine], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "likeness0"
    assert folder.is_dir()
    expected: list[tuple[Any, ...]] = PAIRS[likeness]
    found = {name: levels(engine, likeness, folder) for name, engine in engines.items()}
    for name, words in found.items():
        wrong = [(*pair, word) for pair, word in zip(expected, words, strict=True) if pair[2] != word]
        assert not wrong, (name, wrong)
