"""Each step of a recipe makes what it should, and the same on DuckDB and over Spark Connect (Sail)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beijiang.engine import Scan, View
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.engine.spark import SparkEngine
from beijiang.kit import Invalid
from beijiang.recipes import STEPS, OnFault, Step, StepKind
from beijiang.recipes.models.compiling import Compiled, compiled
from beijiang.recipes.models.kitchen import Surroundings
from beijiang.recipes.models.places import Places
from beijiang.settings import Settings
from beijiang.standards import Standards
from beijiang.tables import Column

T, OTHER = "登记 原始", "机关表"
PLACES = Places.of(Standards().regions())
WORDS = {pa.string(): "text", pa.int64(): "integer", pa.float64(): "double", pa.date32(): "date"}


@pytest.fixture(scope="module")
def spark(spark_url: str) -> Iterator[SparkEngine]:
    engine = SparkEngine(spark_url, "Asia/Shanghai")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipes")


@pytest.fixture(scope="module")
def duck(home: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(Settings.for_tests(home))
    yield engine
    engine.close()


class Stove:
    """Both engines, and tables of one test."""

    def __init__(self, duck: DuckDBEngine, spark: SparkEngine, home: Path) -> None:
        self.duck, self.spark = duck, spark
        self.lake = home / "home" / "lake"
        self.lake.mkdir(parents=True, exist_ok=True)
        self.columns: dict[str, list[Column]] = {}
        self.scans: dict[str, Scan | View] = {}
        self.histories: set[str] = set()

    def table(self, name: str, rows: pa.Table) -> None:
        place = self.lake / f"{len(list(self.lake.iterdir()))}.parquet"
        pq.write_table(rows, place)
        self.scans[name] = Scan((str(place),), rows.schema)
        self.columns[name] = [Column(f.name, WORDS.get(f.type, "decimal")) for f in rows.schema]

    def compiled(self, *steps: Step, audit: bool = False, positions: bool = False) -> Compiled:
        around = Surroundings(
            table=T,
            columns=self.columns[T],
            history=False,
            today=date(2026, 3, 10),
            places=lambda: PLACES,
            codes=lambda name: [("1", "男性"), ("2", "女性")] if name == "sex" else [],
            successors={
                "region": {
                    "150602": [("150602", "东胜区")],
                    "152701": [("150602", "东胜区")],
                    "150601": [("150602", "东胜区"), ("150603", "康巴什区")],
                    "150699": [],
                }
            }.__getitem__,
            columns_of=self.columns.__getitem__,
            keeps_history=lambda name: name in self.histories,
        )
        return compiled(steps, around, audit=audit, positions=positions)

    def made(self, *steps: Step) -> list[dict[str, Any]]:
        """Return the rows that both engines make, in one order."""
        query = self.compiled(*steps).query()
        ours, theirs = (
            sorted(engine.fetch(query, self.scans).to_pylist(), key=lambda row: repr(list(row.values())))
            for engine in (self.duck, self.spark)
        )
        assert ours == theirs
        counts = self.compiled(*steps, audit=True).counts(len(steps))
        left, right = (engine.fetch(counts, self.scans).to_pylist()[0] for engine in (self.duck, self.spark))
        assert {k: int(v) for k, v in left.items()} == {k: int(v) for k, v in right.items()}
        assert int(left["rows"]) == len(ours)
        return ours

    def counted(self, *steps: Step) -> dict[str, int]:
        counts = self.compiled(*steps, audit=True).counts(len(steps))
        return {name: int(value) for name, value in self.duck.fetch(counts, self.scans).to_pylist()[0].items()}

    def one(self, values: Sequence[Any], step: Step, column: str = "值") -> list[Any]:
        """Return what one step makes of values, in their order."""
        self.table(T, pa.table({"n": list(range(len(values))), "值": pa.array(values)}))
        rows = sorted(self.made(step), key=lambda row: row["n"])
        return [row[column] for row in rows]


@pytest.fixture
def stove(duck: DuckDBEngine, spark: SparkEngine, home: Path) -> Stove:
    return Stove(duck, spark, home)


def step(kind: StepKind, *columns: str, on_fault: OnFault = OnFault.EMPTY, **params: str) -> Step:
    chosen = columns or (("值",) if STEPS[kind].columns[1] != 0 else ())
    return Step(kind=kind, columns=chosen, params=params, on_fault=on_fault)


TEXTS: list[tuple[Step, dict[str | None, str | None]]] = [
    (step(StepKind.TRIM), {"\u3000 甲  乙\u200b": "甲 乙", "a\n\tb": "a b", "": "", None: None, "𠮷 ": "𠮷"}),
    (step(StepKind.TRIM, inner="none"), {" 甲 \u00a0乙 ": "甲乙"}),
    (step(StepKind.TRIM, inner="keep"), {" 甲  乙 ": "甲  乙"}),
    (step(StepKind.NARROW), {"ＡＢｃ１２３（内）！～": "ABc123(内)!~", "甲\u3000乙": "甲 乙", "plain": "plain"}),
    (step(StepKind.BLANK), {"N/A": None, " n/a ": None, "无": None, "无锡": "无锡", "—": None, "-1": "-1", "": None}),
    (step(StepKind.BLANK, values="待定，xx"), {"待定": None, "XX": None, "N/A": "N/A"}),
    (step(StepKind.REPLACE, find="公司.", by=r"\1$1"), {"a公司.b公司x": r"a\1$1b公司x"}),
    (step(StepKind.REPLACE, find="[0-9]+", by="#", pattern="yes"), {"a12b3": "a#b#", "甲": "甲"}),
    (step(StepKind.FILL, value="未填"), {None: "未填", " ": "未填", "甲": "甲"}),
    (
        step(StepKind.NAME),
        {
            "内蒙古 甲 公司(北京)": "内蒙古甲公司（北京）",
            "ＡＢＣ　Trading  公司": "ABC Trading 公司",
            "内蒙古〔甲〕公司": "内蒙古（甲）公司",
        },
    ),
    (
        step(StepKind.NAME, of="person"),
        {
            "巴 特 尔": "巴特尔",
            "阿卜杜拉•买买提": "阿卜杜拉·买买提",
            "阿依 · 古丽": "阿依·古丽",
            " Anna  Li ": "Anna Li",
            "张　三": "张三",
        },
    ),
    (
        step(StepKind.IDENTITY),
        {
            "110105491231002": "11010519491231002X",
            "11010519491231002x": "11010519491231002X",
            "110105 19491231 002X": "11010519491231002X",
            "１１０１０５１９４９１２３１００２Ｘ": "11010519491231002X",
            "110105194912310021": None,
            "150102199002301234": None,
            "x": None,
            "": None,
        },
    ),
    (
        step(StepKind.CREDIT_CODE),
        {
            "91350100m000100y43": "91350100M000100Y43",
            "9135O1OOMOOO100Y43": "91350100M000100Y43",
            "91350100M000100Y4X": None,
            None: None,
        },
    ),
    (
        step(StepKind.IDENTITY, on_fault=OnFault.KEEP),
        {"110105194912310021": "110105194912310021", "110105491231002": "11010519491231002X"},
    ),
]


def test_texts_are_put_right(stove: Stove) -> None:
    for one, wanted in TEXTS:
        assert stove.one(list(wanted), one) == list(wanted.values()), one
    assert stove.one(["aB甲"], step(StepKind.CASE)) == ["AB甲"]
    assert stove.one(["aB甲"], step(StepKind.CASE, to="lower")) == ["ab甲"]


def test_days_are_read_however_they_are_written(stove: Stove) -> None:
    day = date(2024, 3, 1)
    wanted = {
        "2024-03-01": day,
        "2024/3/1": day,
        "2024年3月1日": day,
        " 20240301 ": day,
        "2024.3.1": day,
        "２０２４－０３－０１": day,
        "2024-03-01 12:00:00": day,
        "2024-03-01T12:00:00.5+08:00": day,
        "20240301 12:30": day,
        "2024-02-30": None,
        "2024年3月": None,
        "二〇二四": None,
        "20240301123000": None,
        "": None,
        None: None,
    }
    assert stove.one(list(wanted), step(StepKind.DATE)) == list(wanted.values())
    assert stove.counted(step(StepKind.DATE)) == {"rows": 15, "aside": 0, "c0": 15 - 6, "f0": 4}
    assert stove.one(["2024年3月"], step(StepKind.DATE, month_only="first")) == [day]
    assert stove.one(["1/3/2024"], step(StepKind.DATE, order="dmy")) == [day]
    assert stove.one(["3/1/2024"], step(StepKind.DATE, order="mdy")) == [day]


def test_numbers_and_money_are_read_with_their_units(stove: Stove) -> None:
    numbers = {
        "1,234.5": Decimal("1234.5000"),
        "-12，000": Decimal("-12000.0000"),
        "1.5%": Decimal("0.0150"),
        "3‰": Decimal("0.0030"),
        "3.5万": Decimal("35000.0000"),
        "5亿": Decimal("500000000.0000"),
        "１２": Decimal("12.0000"),
        "十二": None,
        "1.2.3": None,
        "": None,
    }
    assert stove.one(list(numbers), step(StepKind.NUMBER)) == list(numbers.values())
    assert stove.one(["1.5%", "2.255"], step(StepKind.NUMBER, units="no", decimals="2")) == [None, Decimal("2.26")]
    assert stove.one([1, None], step(StepKind.NUMBER, decimals="1")) == [Decimal("1.0"), None]
    money = {
        "50(万)": ("500000.00", "CNY"),
        "660(万人民币元)": ("6600000.00", "CNY"),
        "3,000万美元": ("30000000.00", "USD"),
        "537万人民币": ("5370000.00", "CNY"),
        "426.9900(万)": ("4269900.00", "CNY"),
        "50(万港元)": ("500000.00", "HKD"),
        "30(万英镑)": ("300000.00", "GBP"),
        "1万元人民币": ("10000.00", "CNY"),
        "10(万元人民币)": ("100000.00", "CNY"),
        "１２万元整": ("120000.00", "CNY"),
        "¥ 12.5": ("12.50", "CNY"),
        "US$ 3千万": ("30000000.00", "USD"),
        "-5元": ("-5.00", "CNY"),
        "百万": None,
        "N/A": None,
        None: None,
    }
    one = step(StepKind.MONEY, amount="额", currency="币")
    amounts = [None if pair is None else Decimal(pair[0]) for pair in money.values()]
    assert stove.one(list(money), one, "额") == amounts
    assert stove.one(list(money), one, "币") == [None if pair is None else pair[1] for pair in money.values()]
    assert stove.one(["5"], step(StepKind.MONEY, default="usd"), "值币种") == ["USD"]


def test_an_address_tells_its_region(stove: Stove) -> None:
    rows = [
        ("内蒙古自治区呼和浩特市新城区十四中东巷", None, None, ("150102", "呼和浩特市", "新城区")),
        ("呼和浩特经济技术开发区", "91150105MA0N", "呼和浩特", ("150105", "呼和浩特市", "赛罕区")),
        ("赤峰市新城区玉龙大街", None, None, ("150400", "赤峰市", None)),  # not Hohhot's district of that name
        ("阿荣旗亚东镇", None, "呼伦贝尔", ("150721", "呼伦贝尔市", "阿荣旗")),
        ("内蒙古达茂旗百灵庙", None, None, ("150223", "包头市", "达尔罕茂明安联合旗")),
        ("莫旗尼尔基镇", None, None, ("150722", "呼伦贝尔市", "莫力达瓦达斡尔族自治旗")),
        ("伊盟东胜市", None, None, ("150602", "鄂尔多斯市", "东胜区")),
        ("呼和浩特市锡林郭勒北路", None, None, ("150100", "呼和浩特市", None)),
        ("北京市朝阳区", None, None, (None, None, None)),
        ("某路 1 号", "91150102MA0N00016G", None, ("150102", "呼和浩特市", "新城区")),
        (None, None, "包头", ("150200", "包头市", None)),
    ]
    addresses, codes, places, wanted = zip(*rows, strict=True)
    table = {"n": list(range(len(rows))), "址": addresses, "码": pa.array(codes, pa.string()), "地": places}
    stove.table(T, pa.table(table))
    one = step(StepKind.REGION, "址", code="码", place="地", prefix="注册")
    made = sorted(stove.made(one), key=lambda row: row["n"])
    assert [(r["注册区划代码"], r["注册盟市"], r["注册旗县区"]) for r in made] == list(wanted)
    assert stove.counted(one) == {"rows": 11, "aside": 0, "c0": 10, "f0": 1}
    plain = step(StepKind.REGION, "址")
    assert [r["区划代码"] for r in sorted(stove.made(plain), key=lambda row: row["n"])][9:] == [None, None]


def test_an_address_is_read_into_parts(stove: Stove) -> None:
    rows = {
        "内蒙古自治区呼和浩特市新城区海拉尔东路街道新华 大街１２号": ("海拉尔东路街道", None, "新华大街", "12号"),
        "呼和浩特市新城区新华大街道北12号楼": (None, None, "新华大街", None),
        "锡林郭勒盟东乌珠穆沁旗萨麦苏木哈日嘎查5组": ("萨麦苏木", "哈日嘎查", None, None),
        "乌兰察布市丰镇市旧城区文庙前街30号": (None, None, "文庙前街", "30号"),
        "赤峰市新城区玉龙大街": (None, None, "玉龙大街", None),  # not Hohhot's district of that name
        "包头市固阳县银号镇西二份子村": ("银号镇", "西二份子村", None, None),
        "包头市青山区光荣道238号1-1009": (None, None, "光荣道", "238号"),
        "包头市青山区富强路12号街坊42号": (None, None, "富强路", None),
        "鄂尔多斯市东胜区民族街道万佳社区鄂托克西街10-2号附3号": ("民族街道", "万佳社区", "鄂托克西街", "10-2号附3号"),
        "海拉尔区和平二路二号": (None, None, "和平二路", "二号"),
        "临河区新村路5号": (None, None, "新村路", "5号"),
        "东胜区铁路7号": (None, None, None, "7号"),
        "某镇": ("某镇", None, None, None),
        "内蒙古满都拉镇公路北": ("满都拉镇", None, None, None),
        "": (None, None, None, None),
        None: (None, None, None, None),
    }
    names = ("乡镇街道", "村社区", "路街巷", "门牌号")
    stove.table(T, pa.table({"n": list(range(len(rows))), "址": pa.array(rows, pa.string())}))
    made = sorted(stove.made(step(StepKind.REGION, "址", parts="yes", prefix="住")), key=lambda row: row["n"])
    assert [tuple(row[f"住{name}"] for name in names) for row in made] == list(rows.values())
    assert made[7]["住旗县区"] == "青山区"
    assert "乡镇街道" not in stove.made(step(StepKind.REGION, "址"))[0], "recipes of before make the columns of before"


def test_names_tell_of_a_legal_form_and_a_trade(stove: Stove) -> None:
    rows = [
        ("鄂尔多斯市洪兴通信网络工程有限责任公司", None, ("E", "建筑业", "有限责任公司")),
        ("中国建设银行股份有限公司呼和浩特呼伦南路支行", None, ("J", "金融业", "分支机构")),
        ("土默特右旗沟门中心供销社", None, ("F", "批发和零售业", "企业（厂、站、店等）")),
        ("内蒙古巴音（集团）有限公司", "许可经营项目：无一般经营项目：乳品加工;销售", ("C", "制造业", "有限责任公司")),
        ("某某", None, (None, None, None)),
        (None, None, (None, None, None)),
    ]
    names, scopes, wanted = zip(*rows, strict=True)
    table = {"n": list(range(len(rows))), "名": pa.array(names, pa.string()), "营": pa.array(scopes, pa.string())}
    stove.table(T, pa.table(table))
    one = step(StepKind.TRADE, "名", scope="营")
    made = sorted(stove.made(one), key=lambda row: row["n"])
    assert [(r["行业门类代码"], r["行业门类"], r["组织形式"]) for r in made] == list(wanted)
    assert stove.counted(one)["f0"] == 1


def test_codes_are_mapped_and_columns_split_and_joined(stove: Stove) -> None:
    sexes = {"男性": "1", "2": "2", "男": "1", "女 ": "2", "？": None, None: None}
    coded = step(StepKind.CODES, code_set="sex", pairs="男=1\n女=2")
    assert stove.one(list(sexes), coded) == list(sexes.values())
    assert stove.counted(coded)["f0"] == 1
    assert stove.one(["1"], step(StepKind.CODES, code_set="sex", to="name", into="性别"), "性别") == ["男性"]
    regions = ["152701", "150602", "１５２７０１ ", "150601", "150699", "999999", "", None]
    now = step(StepKind.CODES, code_set="region", to="successor")
    assert stove.one(regions, now) == ["150602", "150602", "150602", None, None, None, None, None]
    assert stove.one(regions, now, "值候选") == [None, None, None, "150602 东胜区、150603 康巴什区", *[None] * 4]
    assert stove.counted(now)["f0"] == 3
    kept = step(StepKind.CODES, code_set="region", to="successor", on_fault=OnFault.KEEP, candidates="可能")
    assert stove.one(regions, kept) == ["150602", "150602", "150602", "150601", "150699", "999999", None, None]
    decided = step(StepKind.CODES, code_set="region", to="successor", pairs="150601=150603", into="今")
    assert stove.one(regions, decided, "今")[3] == "150603"
    assert stove.one(regions, decided, "今候选")[3] is None
    rows = pa.table({"a": ["呼和浩特市-新城区-x", "包头市", None, "-b"], "n": [1, 2, 3, 4], "w": [0.5, 1.0, None, 2.0]})
    stove.table(T, rows)
    made = stove.made(
        step(StepKind.SPLIT, "a", by="-", into="盟市，旗县"),
        step(StepKind.MERGE, "旗县", "盟市", "n", by="/", into="合"),
        step(StepKind.DERIVE, into="倍", expression="n * 2 + 1"),
        step(StepKind.DERIVE, into="大", expression="CASE WHEN w > 0.7 THEN '大' ELSE '小' END"),
        step(StepKind.DERIVE, into="比", expression="n / 2"),
        step(StepKind.FILTER, expression="n < 4 OR 盟市 IS NOT NULL"),
        step(StepKind.RENAME, "n", into="号"),
        step(StepKind.DROP, "a", "w"),
    )
    assert sorted(made, key=lambda row: row["号"]) == [
        {"号": 1, "盟市": "呼和浩特市", "旗县": "新城区", "合": "新城区/呼和浩特市/1", "倍": 3, "大": "小", "比": 0.5},
        {"号": 2, "盟市": "包头市", "旗县": None, "合": "包头市/2", "倍": 5, "大": "大", "比": 1.0},
        {"号": 3, "盟市": None, "旗县": None, "合": "3", "倍": 7, "大": "小", "比": 1.5},
    ]


def test_rows_are_looked_up_and_repeats_removed(stove: Stove) -> None:
    stove.table(OTHER, pa.table({"代号": ["a", "b", "b"], "名": ["甲局", "乙局2", "乙局1"], "级": [1, 2, 3]}))
    stove.table(T, pa.table({"k": ["a", "b", "c", "", "a", "a"], "v": [1, 2, 3, 4, 9, None], "d": list("uvwxyz")}))
    looked = step(StepKind.LOOKUP, "k", table=OTHER, key="代号", take="名,级", prefix="机关")
    made = stove.made(step(StepKind.DEDUPE, "k", order="v"), looked)
    assert sorted(made, key=lambda row: row["k"]) == [
        {"k": "", "v": 4, "d": "x", "机关名": None, "机关级": None},
        {"k": "a", "v": 9, "d": "y", "机关名": "甲局", "机关级": 1},
        {"k": "b", "v": 2, "d": "v", "机关名": "乙局1", "机关级": 3},
        {"k": "c", "v": 3, "d": "w", "机关名": None, "机关级": None},
    ]
    assert stove.counted(looked)["f0"] == 1
    aside = step(StepKind.LOOKUP, "k", on_fault=OnFault.ASIDE, table=OTHER, key="代号", take="名")
    assert len(stove.made(aside, step(StepKind.DEDUPE, "k", order="v", keep="first"))) == 3
    assert stove.counted(aside) == {"rows": 5, "aside": 1, "c0": 4, "f0": 1}


def test_what_cannot_be_read_stays_in_its_own_cell(stove: Stove) -> None:
    """Of several columns each keeps its own value, numbers too."""
    stove.table(T, pa.table({"甲": ["110105491231002", "x"], "乙": ["y", "11010519491231002x"], "丙": [1, 2]}))
    kept = step(StepKind.IDENTITY, "甲", "乙", "丙", on_fault=OnFault.KEEP)
    assert sorted(stove.made(kept), key=lambda row: row["丙"]) == [
        {"甲": "11010519491231002X", "乙": "y", "丙": "1"},
        {"甲": "x", "乙": "11010519491231002X", "丙": "2"},
    ]
    mapped = step(StepKind.CODES, "甲", pairs="x=好", into="码", on_fault=OnFault.KEEP)
    assert {row["码"] for row in stove.made(mapped)} == {"110105491231002", "好"}


def test_a_history_table_is_looked_up_as_it_holds_now(stove: Stove) -> None:
    ended = pa.array([date(2024, 1, 1), None], pa.date32())
    stove.table(OTHER, pa.table({"代号": ["a", "a"], "名": ["旧局", "新局"], "valid_to": ended}))
    stove.table(T, pa.table({"k": ["a"]}))
    looked = step(StepKind.LOOKUP, "k", table=OTHER, key="代号", take="名")
    stove.histories = {OTHER}
    assert stove.made(looked) == [{"k": "a", "名": "新局"}]


def test_where_a_step_failed_is_found(stove: Stove) -> None:
    stove.table(T, pa.table({"值": ["2024-01-01", "x", "2024-01-02", "y"]}))
    query = stove.compiled(step(StepKind.DATE), audit=True, positions=True).faulty(0, 10)
    scan = stove.scans[T]
    assert isinstance(scan, Scan)
    placed = {T: Scan(scan.files, scan.schema, position=True)}
    assert [row["_bj_at"] for row in stove.duck.fetch(query, placed).to_pylist()] == [1, 3]


WRONG: list[tuple[Step, str]] = [
    (Step(kind=StepKind.TRIM), "step_columns"),
    (step(StepKind.TRIM, "没有"), "unknown_column"),
    (step(StepKind.TRIM, "值", inner="x"), "step_parameter"),
    (step(StepKind.TRIM, "值", other="x"), "step_parameter"),
    (step(StepKind.FILL, "值"), "step_parameter"),
    (step(StepKind.FILL, "数", value="很多"), "step_parameter"),
    (step(StepKind.REPLACE, "值", find="(?=x)", pattern="yes"), "rule_parameter"),
    (step(StepKind.NUMBER, "值", decimals="99"), "step_parameter"),
    (step(StepKind.CODES, "值"), "step_parameter"),
    (step(StepKind.CODES, "值", pairs="男"), "step_parameter"),
    (step(StepKind.CODES, "值", to="successor"), "step_parameter"),
    (step(StepKind.SPLIT, "值", by="-", into="_bj_x"), "column_name"),
    (step(StepKind.DERIVE, "值", into="甲", expression="1"), "step_columns"),
    (step(StepKind.DERIVE, into="甲", expression="(SELECT 1)"), "condition_not_allowed"),
    (step(StepKind.DERIVE, into="甲", expression="日 - 日"), "condition_not_allowed"),
    (step(StepKind.LOOKUP, "值", table=T, key="值,数", take="数"), "step_parameter"),
    (step(StepKind.LOOKUP, "值", table=T, key="没有", take="数"), "unknown_column"),
    (step(StepKind.REGION, "值", code="没有"), "unknown_column"),
    (step(StepKind.RENAME, "值", into="数"), "column_name"),
    (step(StepKind.DROP, "值", "数", "日"), "step_columns"),
]


def test_what_a_step_cannot_do_is_said_with_its_place(stove: Stove) -> None:
    stove.table(T, pa.table({"值": ["a"], "数": [1], "日": [date(2024, 1, 1)]}))
    for wrong, code in WRONG:
        with pytest.raises(Invalid) as caught:
            stove.compiled(step(StepKind.NARROW), wrong)
        assert caught.value.reason == code, wrong
        assert caught.value.detail["step"] == 1
        assert "第 2 步" in caught.value.text.zh
        assert "Step 2" in caught.value.text.en
