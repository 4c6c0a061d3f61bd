"""企业登记信息: the market regulator's workbook, with a title, a note, a merged header and thirty years of habits."""

from __future__ import annotations

from random import Random

from beijiang.demo.files.firms import Firm
from beijiang.demo.files.handin import OPEN_LICENCE, HandIn, LoadMode, ShareType
from beijiang.demo.files.identity import FULL_WIDTH, spoil
from beijiang.demo.files.scene import AS_OF, DEMO_NOTE, Scene
from beijiang.demo.files.sheets import Cell, Group, Sheet, flat_columns, write_workbook

__all__ = ["FULL_SIZE", "firms_needed", "write_enterprises"]

FULL_SIZE = 50_000
_HEADINGS = (
    Group("序号"),
    Group("基本信息", ("企业名称", "统一社会信用代码", "成立日期", "企业类型", "登记状态", "注销吊销日期", "行业门类")),
    Group("法定代表人", ("姓名", "联系电话", "证件号码")),
    Group("注册资本"),
    Group("经营地", ("盟市", "旗县", "地址", "经度", "纬度")),
)
COLUMNS = flat_columns(_HEADINGS)
_AT = {name: place for place, name in enumerate(COLUMNS)}
_CODE, _DATE, _CAPITAL = _AT["基本信息_统一社会信用代码"], _AT["基本信息_成立日期"], _AT["注册资本"]
_LEAGUE, _COUNTY = _AT["经营地_盟市"], _AT["经营地_旗县"]
_NAME, _PHONE = _AT["基本信息_企业名称"], _AT["法定代表人_联系电话"]
_CLOSED = {"法定代表人_姓名", "法定代表人_联系电话", "法定代表人_证件号码", "经营地_地址", "序号"}

# How many of 10,000 rows get each kind of dirt.
_DIRT = {
    "wrong_check_character": 30,
    "full_width_code": 20,
    "missing_city": 300,
    "line_break_in_name": 10,
    "full_width_phone": 20,
    "missing_capital": 150,
    "foreign_capital": 40,
    "bare_serial_date": 200,
    "text_date": 600,
}
_COPIES = 40


def _copies(total: int) -> int:
    return max(2, total * _COPIES // 10_000)


def firms_needed(scene: Scene) -> int:
    """Return how many different enterprises the register holds; the rest of its rows repeat some of them."""
    total = scene.size(FULL_SIZE, 200)
    return total - _copies(total)


def write_enterprises(scene: Scene, firms: list[Firm]) -> HandIn:
    """Write the register and say what it is."""
    rng = scene.rng("enterprises")
    rows = [_row(rng, firm) for firm in firms]
    sizes = {kind: max(1, round(len(rows) * share / 10_000)) for kind, share in _DIRT.items()}
    dirty: set[int] = set()
    for kind, chosen in scene.disjoint(rng, len(rows), sizes):
        dirty.update(chosen)
        for i in chosen:
            _soil_row(rng, rows[i], kind, firms[i])
    clean = [cells for i, cells in enumerate(rows) if i not in dirty]
    copies = _copies(scene.size(FULL_SIZE, 200))
    rows += [list(cells) for cells in rng.sample(clean, copies)]
    for number, cells in enumerate(rows, start=1):
        cells[0] = number
    path = scene.path("企业登记信息（截至2026年10月）.xlsx")
    above = (
        "内蒙古自治区企业登记信息汇总表",
        f"填报单位：市场监督管理局　　截止日期：{AS_OF:%Y.%m.%d}　　注册资本单位见各行",
    )
    write_workbook(path, [Sheet("企业信息", _HEADINGS, rows, above)])
    written = sum(1 for cells in rows if str(cells[_CAPITAL]).endswith(")"))
    return HandIn(
        path=path,
        org_key="commerce_admin",
        table_name="企业登记信息",
        title="内蒙古自治区企业登记信息",
        summary="全区企业、个体工商户和农民专业合作社的登记信息，含统一社会信用代码、成立日期、类型、状态、注册资本和经营地。"
        + DEMO_NOTE,
        columns=COLUMNS,
        key_columns=("基本信息_统一社会信用代码",),
        rows=len(rows),
        category="102001",
        update_cycle="4",
        share_type=ShareType.UNCONDITIONAL,
        open_columns=tuple(name for name in COLUMNS if name not in _CLOSED),
        licence=OPEN_LICENCE,
        mode=LoadMode.MERGE,
        planted=sizes | {"duplicate_row": copies, "capital_with_unit_in_brackets": written},
    )


def _row(rng: Random, firm: Firm) -> list[Cell]:
    """Lay one enterprise out."""
    longitude, latitude = firm.place or (None, None)
    return [
        0,
        firm.name,
        firm.code,
        firm.founded,
        firm.type_name,
        firm.state,
        firm.left,
        firm.trade,
        firm.head_name,
        firm.head_phone,
        firm.head_id,
        _capital(rng, firm.capital),
        firm.county.league,
        firm.county.name,
        firm.address,
        longitude,
        latitude,
    ]


def _capital(rng: Random, amount: int) -> str:
    """Write an amount of 万元 in one of the ways that clerks have."""
    draw = rng.random()
    if draw < 0.35:  # noqa: PLR2004 - shares of the styles, here and below
        return f"{amount}(万)"
    if draw < 0.65:  # noqa: PLR2004
        return f"{amount}(万人民币元)"
    if draw < 0.85:  # noqa: PLR2004
        return f"{amount:,}万元"
    return f"{amount}.0000万人民币"


def _soil_row(rng: Random, cells: list[Cell], kind: str, firm: Firm) -> None:
    """Spoil one row in place."""
    match kind:
        case "wrong_check_character":
            cells[_CODE] = spoil(firm.code)
        case "full_width_code":
            cells[_CODE] = firm.code.translate(FULL_WIDTH)
        case "missing_city":
            cells[_LEAGUE], cells[_COUNTY] = "内蒙古", None
        case "line_break_in_name":
            cells[_NAME] = firm.name[:6] + "\n" + firm.name[6:]
        case "full_width_phone":
            cells[_PHONE] = firm.head_phone.translate(FULL_WIDTH)
        case "missing_capital":
            cells[_CAPITAL] = "N/A"
        case "foreign_capital":
            cells[_CAPITAL] = f"{rng.choice((300, 1000, 3000, 5000)):,}万美元"
        case "bare_serial_date":
            cells[_DATE] = firm.founded.toordinal() - 693_594  # Days since 1899-12-30: the cell lost its date format.
        case "text_date":
            day = firm.founded
            styles = (f"{day.year}年{day.month}月{day.day}日", f"{day.year}.{day.month}.{day.day}", f"{day:%Y%m%d}")
            cells[_DATE] = rng.choice(styles)
