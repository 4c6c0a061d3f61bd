"""The invented enterprises: made once, so that registers, licences, penalties and power use speak of the same ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from beijiang.demo.files.identity import credit_code, landline
from beijiang.demo.files.people import People
from beijiang.demo.files.scene import AS_OF, County, Scene
from beijiang.demo.files.words import BRAND, street_addresses

__all__ = ["Firm", "credit_code_of_authority", "make_firms"]

# Trade: words in the name, section of GB/T 4754, weight.
_TRADES = (
    ("商贸", "批发和零售业", 20),
    ("农牧业", "农、林、牧、渔业", 12),
    ("建筑工程", "建筑业", 10),
    ("物流", "交通运输、仓储和邮政业", 8),
    ("餐饮管理", "住宿和餐饮业", 8),
    ("科技", "信息传输、软件和信息技术服务业", 9),
    ("新能源", "电力、热力、燃气及水生产和供应业", 5),
    ("煤业", "采矿业", 4),
    ("乳业", "制造业", 4),
    ("稀土材料", "制造业", 3),
    ("文化传媒", "文化、体育和娱乐业", 5),
    ("环保", "水利、环境和公共设施管理业", 4),
    ("置业", "房地产业", 4),
    ("咨询服务", "租赁和商务服务业", 4),
)
# First two characters of the credit code: kind of enterprise, its weight.
_KINDS = {"91": 62, "92": 30, "93": 8}
COMPANY, SOLE_TRADER, COOPERATIVE = _KINDS
_SHOPS = ("超市", "餐馆", "五金店", "服装店", "农资店", "汽修部", "便利店", "奶茶店", "药店", "牛羊肉店")
_TYPES = {
    COMPANY: (
        "有限责任公司(自然人投资或控股)",
        "有限责任公司(自然人独资)",
        "有限责任公司(法人独资)",
        "股份有限公司(非上市)",
    ),
    SOLE_TRADER: ("个体工商户",),
    COOPERATIVE: ("农民专业合作社",),
}
_ADULT = "20060101"
_NEIGHBOUR = 25
"""Every so many-th company of a county shares an address."""
_STATES = ("存续", "在业", "吊销", "注销")
_LEFT = frozenset({"吊销", "注销"})
_RISK = {COMPANY: 1.0, SOLE_TRADER: 5.0, COOPERATIVE: 2.0}
_YOUNG = date(2021, 1, 1)


@dataclass(frozen=True, slots=True)
class Firm:
    """One invented enterprise, as the registry would know it."""

    name: str
    code: str
    founded: date
    kind: str
    type_name: str
    state: str
    trade: str
    head_name: str
    head_phone: str
    head_id: str
    capital: int
    """In 万元."""
    county: County
    street: str
    place: tuple[float, float] | None
    """Longitude and latitude; nobody surveys the stalls of sole traders."""
    left: date | None = None
    """The day of deregistration or revocation."""

    @property
    def is_sole_trader(self) -> bool:
        """Tell whether the enterprise is a natural person's business."""
        return self.kind == SOLE_TRADER

    @property
    def address(self) -> str:
        """Return the place of business; a sole trader's only down to the county, since it may be a home."""
        prefix = f"{self.county.league}{self.county.name}"
        return prefix if self.is_sole_trader else prefix + self.street


def credit_code_of_authority(number: int, region: str = "150000") -> str:
    """Return the synthetic credit code of an organ of government."""
    return credit_code("11", region, number)


def make_firms(scene: Scene, people: People, count: int) -> list[Firm]:
    """Invent ``count`` enterprises with distinct valid credit codes, headed by adult residents of the register."""
    rng = scene.rng("firms")
    counties = scene.draw_counties(rng, count)
    kinds = rng.choices(list(_KINDS), weights=list(_KINDS.values()), k=count)
    adults = [i for i, birth in enumerate(people.births) if birth < _ADULT]
    heads = rng.choices(adults, k=count)
    streets = street_addresses(rng, [True] * count)
    numbers = rng.sample(range(31**5), count)
    trades = rng.choices(_TRADES, weights=[weight for *_, weight in _TRADES], k=count)
    states = rng.choices(_STATES, weights=(60, 30, 4, 6), k=count)
    firms = [
        Firm(
            name=_name(rng, county, kind, trade),
            code=credit_code(kind, county.code, number),
            founded=_founded(rng),
            kind=kind,
            type_name=rng.choice(_TYPES[kind]),
            state=state,
            trade=section if kind == COMPANY else "批发和零售业" if kind == SOLE_TRADER else "农、林、牧、渔业",
            head_name=people.names[head],
            head_phone=people.mobiles[head] if rng.random() < 0.8 else landline(rng, county.area_code),  # noqa: PLR2004 - mostly mobile
            head_id=people.ids[head],
            capital=_capital(rng, kind),
            county=county,
            street=street,
            place=None if kind == SOLE_TRADER else scene.near(rng, county),
        )
        for county, kind, head, street, number, (trade, section, _), state in zip(
            counties, kinds, heads, streets, numbers, trades, states, strict=True
        )
    ]
    return _with_leavers(scene.rng("leaving"), _with_neighbours(firms))


def _with_leavers(rng: Random, firms: list[Firm]) -> list[Firm]:
    """Let the same number leave the register, sole traders and the young more often, as they do everywhere."""
    leaving = [firm.state for firm in firms if firm.state in _LEFT]
    weights = [_RISK[firm.kind] * (4.0 if firm.founded >= _YOUNG else 1.0) for firm in firms]
    # The smallest of -log(u)/w are a draw without replacement in which w is the chance.
    marks = sorted(range(len(firms)), key=lambda at: rng.expovariate(weights[at]))
    gone = dict(zip(marks[: len(leaving)], leaving, strict=True))
    there = iter([firm.state for firm in firms if firm.state not in _LEFT])
    return [
        replace(firm, state=gone[at], left=_left(rng, firm)) if at in gone else replace(firm, state=next(there))
        for at, firm in enumerate(firms)
    ]


def _left(rng: Random, firm: Firm) -> date:
    """Draw a day of leaving between the founding and the reporting date, later ones more often."""
    lived = (AS_OF - firm.founded).days
    return firm.founded + timedelta(days=int(lived * rng.random() ** 0.6))


def _with_neighbours(firms: list[Firm]) -> list[Firm]:
    """Give some companies the address of the company before them in the same county: shared addresses for the graphs."""
    last: dict[str, Firm] = {}
    seen: dict[str, int] = {}
    for place, firm in enumerate(firms):
        if firm.kind != COMPANY:
            continue
        number = seen[firm.county.code] = seen.get(firm.county.code, 0) + 1
        if number % _NEIGHBOUR == 0:
            firms[place] = replace(firm, street=last[firm.county.code].street, place=last[firm.county.code].place)
        last[firm.county.code] = firms[place]
    return firms


def _brand(rng: Random) -> str:
    return "".join(rng.choices(BRAND, k=3))


def _name(rng: Random, county: County, kind: str, trade: str) -> str:
    """Compose a name; three rare brand characters make a match with a living firm as good as impossible."""
    if kind == SOLE_TRADER:
        return f"{county.name}{_brand(rng)}{rng.choice(_SHOPS)}（个体工商户）"
    if kind == COOPERATIVE:
        return f"{county.name}{_brand(rng)}种养殖农民专业合作社"
    place = "内蒙古" if rng.random() < 0.35 else county.league  # noqa: PLR2004 - share of region-wide names
    return f"{place}{_brand(rng)}{trade}有限{'责任' if rng.random() < 0.4 else ''}公司"  # noqa: PLR2004


def _founded(rng: Random) -> date:
    """Draw a founding date between 1985 and the reporting date, newer ones more often."""
    first, last = date(1985, 1, 1).toordinal(), AS_OF.toordinal()
    return date.fromordinal(first + int((last - first) * rng.random() ** 0.45))


def _capital(rng: Random, kind: str) -> int:
    scale = {"91": (50, 100, 200, 300, 500, 600, 1000, 2000, 3000, 5000, 10_000), "92": (1, 2, 3, 5, 8, 10, 20)}
    return rng.choice(scale.get(kind, (10, 30, 50, 100, 200, 500)))
