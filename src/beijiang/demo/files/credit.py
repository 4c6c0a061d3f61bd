"""双公示: licences and penalties of the enterprises, as the approving organs report them (`standards.md` 4.5 and 4.6).

Natural persons stand in both files with the given name already struck out, as the reporting rule for publication asks;
their identity numbers are reported, and must never be opened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any, Generic, TypeAlias, TypeVar

from beijiang.demo.files.delimited import lines
from beijiang.demo.files.firms import Firm, credit_code_of_authority
from beijiang.demo.files.handin import OPEN_LICENCE, HandIn, LoadMode, ShareType
from beijiang.demo.files.identity import spoil
from beijiang.demo.files.people import People
from beijiang.demo.files.scene import AS_OF, DEMO_NOTE, Scene
from beijiang.demo.files.sheets import Cell, Group, Sheet, write_workbook
from beijiang.demo.files.words import mixed_dates

__all__ = ["LICENCES", "PENALTIES", "write_licences", "write_penalties"]

LICENCES, PENALTIES = 20_000, 8_000
_SUBJECT = ("行政相对人名称", "行政相对人类别", "统一社会信用代码", "法定代表人", "证件类型", "证件号码")
LICENCE_COLUMNS = (*_SUBJECT, "许可决定文书名称", "许可决定文书号", "许可类别", "许可证书名称", "许可编号", "许可内容", "许可决定日期", "有效期自", "有效期至", "许可机关", "许可机关统一社会信用代码", "当前状态", "数据来源单位", "数据来源单位统一社会信用代码", "备注")  # fmt: skip
PENALTY_COLUMNS = (*_SUBJECT, "处罚决定文书号", "违法行为类型", "处罚事由", "处罚依据", "处罚类别", "处罚结果", "罚款金额（万元）", "处罚决定日期", "公示截止期", "处罚机关", "处罚机关统一社会信用代码", "当前状态", "数据来源单位", "数据来源单位统一社会信用代码", "备注")  # fmt: skip
_CLOSED = {"法定代表人", "证件类型", "证件号码", "备注"}
_KIND, _CODE = 1, 2
_CONTENT, _UNTIL = LICENCE_COLUMNS.index("许可内容"), LICENCE_COLUMNS.index("有效期至")
_FACTS, _FINE = PENALTY_COLUMNS.index("处罚事由"), PENALTY_COLUMNS.index("罚款金额（万元）")
_PERSON_SHARE = 0.03
_RowT = TypeVar("_RowT", list[str], list[Cell])
_LONG_TERM = "20991231"

# What is permitted: kind, certificate, content, years it holds (0: for good), and by which office.
_PERMITS = (
    ("普通", "食品经营许可证", "准予从事{trade}范围内的食品经营活动，经营场所：{place}。", 5, "市场监督管理局"),
    ("普通", "公共场所卫生许可证", "准予经营公共场所，卫生信誉度等级B级，场所：{place}。", 4, "卫生健康委员会"),
    ("普通", "道路运输经营许可证", "准予从事道路普通货物运输。", 4, "交通运输局"),
    ("核准", "建设工程规划许可证", "核准建设工程规划，建设位置：{place}。", 0, "住房和城乡建设局"),
    ("登记", "营业执照", "准予设立登记，经营范围：{trade}。", 0, "市场监督管理局"),
    ("认可", "建筑业企业资质证书", "认可建筑业企业施工总承包三级资质。", 5, "住房和城乡建设局"),
    ("特许", "取水许可证", "准予取用地下水，年许可水量{amount}万立方米。", 5, "水利局"),
    ("普通", "排污许可证", "准予按许可限值排放污染物，管理类别：简化管理。", 5, "生态环境局"),
)
# What is punished: offence, facts, basis, kind, result, usual fine in 万元, and by which office.
_OFFENCES = (
    ("未按规定公示年度报告", "未在规定期限内报送并公示年度报告。", "《企业信息公示暂行条例》有关规定", "警告", "警告，责令限期改正。", 0.0, "市场监督管理局"),
    ("销售不合格产品", "抽检发现销售的产品不符合国家标准，货值金额较小。", "《中华人民共和国产品质量法》有关规定", "罚款;没收违法所得", "没收违法所得，并处罚款{fine}万元。", 2.0, "市场监督管理局"),
    ("超标排放污染物", "在线监测数据显示颗粒物小时均值超过许可限值。", "《中华人民共和国大气污染防治法》有关规定", "罚款", "罚款{fine}万元，责令改正。", 10.0, "生态环境局"),
    ("未落实安全生产责任", "未对从业人员进行安全生产教育和培训。", "《中华人民共和国安全生产法》有关规定", "罚款", "罚款{fine}万元，责令限期改正。", 3.0, "应急管理局"),
    ("无证经营", "未取得许可证从事经营活动。", "《中华人民共和国行政许可法》有关规定", "罚款;责令停产停业", "责令停止经营，并处罚款{fine}万元。", 1.0, "市场监督管理局"),
    ("超限运输", "货运车辆超限运输，未取得超限运输车辆通行证。", "《公路安全保护条例》有关规定", "罚款", "罚款{fine}万元。", 0.5, "交通运输局"),
)  # fmt: skip
_ORGANS = ("市场监督管理局", "生态环境局", "交通运输局", "住房和城乡建设局", "水利局", "应急管理局", "卫生健康委员会")


@dataclass(frozen=True)
class _Kind(Generic[_RowT]):
    """A kind of dirt: its name, one row in how many gets it, and how it is done."""

    name: str
    one_in: int
    spoil: Callable[[_RowT], None]


@dataclass(frozen=True, slots=True)
class _Organ:
    name: str
    code: str


_Organs: TypeAlias = dict[tuple[str, str], _Organ]


def _organs(scene: Scene) -> _Organs:
    """Name the organs of each league and city by code and office, with synthetic credit codes of their own."""
    return {
        (code, office): _Organ(league + office, credit_code_of_authority(1000 + place * 50 + number, code))
        for place, (code, league) in enumerate(scene.leagues.items())
        for number, office in enumerate(_ORGANS)
    }


def _subject(rng: Random, firms: list[Firm], people: People) -> tuple[list[str], Firm]:
    """Draw whom the decision is about: mostly a firm, sometimes a person."""
    firm = firms[int(rng.random() * len(firms))]
    if rng.random() < _PERSON_SHARE:
        row = int(rng.random() * len(people.ids))
        name = people.names[row]
        return [name[0] + "*" * (len(name) - 1), "2", "", "", "111", people.ids[row]], firm
    kind = "3" if firm.is_sole_trader else "1"
    return [firm.name, kind, firm.code, firm.head_name if kind == "1" else "", "", ""], firm


def _distinct(total: int) -> int:
    """Return how many different records a file of ``total`` holds; the rest are repetitions."""
    return next(count for count in range(total, 0, -1) if count + _copies(count) <= total)


def _copies(count: int) -> int:
    return max(1, count // 400)


def _decided(rng: Random, years: int) -> date:
    return AS_OF - timedelta(days=int(rng.random() * 365 * years))


def _soil(scene: Scene, rows: list[_RowT], fit: list[int], kinds: Sequence[_Kind[_RowT]]) -> dict[str, int]:
    """Spoil rows out of ``fit`` (each at most once), then repeat some clean ones at the end; return the counts."""
    rng = scene.rng(f"credit dirt {kinds[0].name}")
    copies = _copies(len(rows))
    spoilers = {kind.name: kind.spoil for kind in kinds}
    sizes = {kind.name: max(1, len(rows) // kind.one_in) for kind in kinds}
    dirty: set[int] = set()
    for name, chosen in scene.disjoint(rng, len(fit), sizes):
        for place in chosen:
            spoilers[name](rows[fit[place]])
            dirty.add(fit[place])
    rows += rng.sample([cells for i, cells in enumerate(rows) if i not in dirty], copies)
    persons = sum(1 for cells in rows if cells[_KIND] == "2")
    return sizes | {"duplicate_row": copies, "natural_person": persons}


def _spoil_code(cells: list[Any]) -> None:
    cells[_CODE] = spoil(cells[_CODE])


def _break_content(cells: list[str]) -> None:
    cells[_CONTENT] = cells[_CONTENT][:4] + "\r\n" + cells[_CONTENT][4:]


def _empty_content(cells: list[str]) -> None:
    cells[_CONTENT] = ""


def _end_early(cells: list[str]) -> None:
    cells[_UNTIL] = "20010101"


_LICENCE_DIRT: tuple[_Kind[list[str]], ...] = (
    _Kind("wrong_check_character", 500, _spoil_code),
    _Kind("line_break_in_content", 250, _break_content),
    _Kind("ends_before_start", 1000, _end_early),
    _Kind("missing_content", 400, _empty_content),
)


def write_licences(scene: Scene, firms: list[Firm], people: People) -> HandIn:
    """Write the licences: CSV in UTF-8 with a byte order mark, as the reporting client exports it."""
    rng = scene.rng("licences")
    total = scene.size(LICENCES, 100)
    organs = _organs(scene)
    rows = [_licence(rng, number, _subject(rng, firms, people), organs) for number in range(1, _distinct(total) + 1)]
    for column in (_CONTENT + 1, _CONTENT + 2):
        for cells, text in zip(rows, mixed_dates(rng, [r[column] for r in rows], (60, 30, 4, 3, 3)), strict=True):
            cells[column] = text
    planted = _soil(scene, rows, [i for i, cells in enumerate(rows) if cells[_KIND] != "2"], _LICENCE_DIRT)
    path = scene.path("行政许可双公示_202610.csv")
    path.write_bytes(b"\xef\xbb\xbf" + lines([LICENCE_COLUMNS, *rows]).encode())
    return HandIn(
        path=path,
        org_key="ndrc",
        table_name="行政许可",
        title="行政许可信息（双公示）",
        summary="各盟市行政机关作出的行政许可决定，含行政相对人、文书号、许可类别和内容、有效期与许可机关。"
        + DEMO_NOTE,
        columns=LICENCE_COLUMNS,
        key_columns=("许可决定文书号", "许可机关统一社会信用代码"),
        rows=len(rows),
        category="104001",
        update_cycle="2",
        share_type=ShareType.UNCONDITIONAL,
        open_columns=tuple(name for name in LICENCE_COLUMNS if name not in _CLOSED),
        licence=OPEN_LICENCE,
        mode=LoadMode.MERGE,
        planted=planted,
    )


def _licence(rng: Random, number: int, drawn: tuple[list[str], Firm], organs: _Organs) -> list[str]:
    subject, firm = drawn
    kind, certificate, content, years, office = _PERMITS[int(rng.random() * len(_PERMITS))]
    organ = organs[firm.county.league_code, office]
    day = _decided(rng, 6)
    until = f"{day.year + years}{day:%m}28" if years else _LONG_TERM
    place = firm.address if subject[1] == "1" else firm.county.name
    return [
        *subject,
        f"{certificate}准予许可决定书",
        f"({day.year})许决字第{number:06d}号",
        kind,
        certificate,
        f"XK15{day.year}{number:07d}",
        content.format(trade=firm.trade, place=place, amount=10 + number % 90),
        f"{day:%Y%m%d}",
        f"{day:%Y%m%d}",
        until,
        organ.name,
        organ.code,
        "1" if until >= f"{AS_OF:%Y%m%d}" else "2",
        organ.name,
        organ.code,
        "",
    ]


def _empty_facts(cells: list[Cell]) -> None:
    cells[_FACTS] = None


def _amount_in_words(cells: list[Cell]) -> None:
    cells[_FINE] = f"{cells[_FINE]}万元"


_PENALTY_DIRT: tuple[_Kind[list[Cell]], ...] = (
    _Kind("wrong_check_character", 400, _spoil_code),
    _Kind("missing_facts", 200, _empty_facts),
    _Kind("text_amount", 100, _amount_in_words),
)


def write_penalties(scene: Scene, firms: list[Firm], people: People) -> HandIn:
    """Write the penalties: a plain workbook, because that organ's clerk works in one."""
    rng = scene.rng("penalties")
    total = scene.size(PENALTIES, 60)
    organs = _organs(scene)
    rows = [_penalty(rng, number, _subject(rng, firms, people), organs) for number in range(1, _distinct(total) + 1)]
    fined = [i for i, cells in enumerate(rows) if cells[_KIND] != "2" and cells[_FINE] is not None]
    planted = _soil(scene, rows, fined, _PENALTY_DIRT)
    path = scene.path("行政处罚双公示_202610.xlsx")
    write_workbook(path, [Sheet("行政处罚", tuple(Group(name) for name in PENALTY_COLUMNS), rows)])
    return HandIn(
        path=path,
        org_key="ndrc",
        table_name="行政处罚",
        title="行政处罚信息（双公示）",
        summary="各盟市行政机关作出的行政处罚决定，含行政相对人、文书号、违法行为类型、处罚事由和依据、处罚结果与公示截止期。"
        + DEMO_NOTE,
        columns=PENALTY_COLUMNS,
        key_columns=("处罚决定文书号", "处罚机关统一社会信用代码"),
        rows=len(rows),
        category="104002",
        update_cycle="2",
        share_type=ShareType.UNCONDITIONAL,
        open_columns=tuple(name for name in PENALTY_COLUMNS if name not in _CLOSED),
        licence=OPEN_LICENCE,
        mode=LoadMode.MERGE,
        planted=planted,
    )


def _penalty(rng: Random, number: int, drawn: tuple[list[str], Firm], organs: _Organs) -> list[Cell]:
    subject, firm = drawn
    offence, facts, basis, kind, result, base, office = _OFFENCES[int(rng.random() * len(_OFFENCES))]
    organ = organs[firm.county.league_code, office]
    day = _decided(rng, 3)
    fine = round(base * (0.5 + rng.random() * 3), 2)
    return [
        *subject,
        f"({day.year})罚决字第{number:06d}号",
        offence,
        facts,
        basis,
        kind,
        result.format(fine=fine),
        fine if base else None,
        day,
        date(day.year + 3, day.month, min(day.day, 28)),
        organ.name,
        organ.code,
        "2" if rng.random() < 0.06 else "1",  # noqa: PLR2004 - share of repaired records
        organ.name,
        organ.code,
        None,
    ]
