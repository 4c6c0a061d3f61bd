"""股东出资信息: who holds how much of which company, with chains of six levels and circles planted among the ordinary ones."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from random import Random

from beijiang.demo.files.delimited import lines
from beijiang.demo.files.firms import COMPANY, Firm
from beijiang.demo.files.handin import HandIn, LoadMode, OpenType, ShareType
from beijiang.demo.files.people import People
from beijiang.demo.files.scene import AS_OF, DEMO_NOTE, Scene

__all__ = ["write_holdings"]

COLUMNS = (
    "被投资企业统一社会信用代码",
    "被投资企业名称",
    "股东统一社会信用代码",
    "股东证件号码",
    "股东名称",
    "持股比例",
    "起始日期",
    "退出日期",
)
_LEVELS = 6
_RING = 3


def write_holdings(scene: Scene, firms: list[Firm], people: People) -> HandIn:
    """Write the register of holdings of companies and say what it is."""
    rng = scene.rng("holdings")
    companies = [firm for firm in firms if firm.kind == COMPANY]
    adults = [row for row in range(len(people.ids)) if people.age(row) >= 25]  # noqa: PLR2004 - who may be a shareholder
    planted = max(1, len(companies) // 2000)
    order = rng.sample(companies, len(companies))
    chains = [order[at * _LEVELS : (at + 1) * _LEVELS] for at in range(planted)]
    rest = order[planted * _LEVELS :]
    rings = [rest[at * _RING : (at + 1) * _RING] for at in range(planted)]
    rest = rest[planted * _RING :]
    rows: list[tuple[str, ...]] = []
    for chain in chains:
        for below, above in pairwise(chain):
            rows += _split(rng, below, above, 51 + rng.randrange(30), people, adults)
        rows += _shared(rng, chain[-1], people, adults)
    for ring in rings:
        for below, above in zip(ring, [*ring[1:], ring[0]], strict=True):
            rows += _split(rng, below, above, 10 + rng.randrange(35), people, adults)
    for place, firm in enumerate(rest):
        if place > 20 and rng.random() < 0.22:  # noqa: PLR2004 - companies that a company holds
            rows += _split(rng, firm, rest[rng.randrange(place)], 20 + rng.randrange(79), people, adults)
        else:
            rows += _shared(rng, firm, people, adults)
    path = scene.path("股东出资信息.csv")
    path.write_text(lines([COLUMNS, *rows]), encoding="utf-8", newline="")
    return HandIn(
        path=path,
        org_key="commerce_admin",
        table_name="股东出资信息",
        title="内蒙古自治区企业股东出资信息",
        summary="公司股东（企业和自然人）的持股比例、起始日期和退出日期。" + DEMO_NOTE,
        columns=COLUMNS,
        key_columns=(),
        rows=len(rows),
        category="102001",
        update_cycle="4",
        share_type=ShareType.UNCONDITIONAL,
        open_type=OpenType.NOT_OPEN,
        open_condition="含自然人股东的个人信息，依据个人信息保护法不予开放。",
        mode=LoadMode.REPLACE,
        planted={"chain": len(chains), "ring": len(rings)},
    )


def _split(
    rng: Random, below: Firm, above: Firm, share: int, people: People, adults: list[int]
) -> list[tuple[str, ...]]:
    """Let one company hold part of another, and its head or somebody else the rest."""
    rows = [_row(rng, below, (above.code, "", above.name), share)]
    if share < 100:  # noqa: PLR2004 - per cent
        rows.append(_row(rng, below, _person(rng, below, people, adults), 100 - share))
    return rows


def _shared(rng: Random, firm: Firm, people: People, adults: list[int]) -> list[tuple[str, ...]]:
    """Let one to three people hold a company."""
    parts = rng.choice(((100,), (60, 40), (51, 49), (70, 30), (40, 35, 25), (50, 50)))
    first = (firm.head_id, firm.head_name)
    holders = [("", *first), *(_person(rng, firm, people, adults) for _ in parts[1:])]
    rows = [_row(rng, firm, holder, share) for holder, share in zip(holders, parts, strict=True)]
    if rng.random() < 0.03:  # noqa: PLR2004 - one who gave it up
        gone = _person(rng, firm, people, adults)
        rows.append(_row(rng, firm, gone, 10, until=_day(rng, firm.founded)))
    return rows


def _person(rng: Random, firm: Firm, people: People, adults: list[int]) -> tuple[str, str, str]:
    if rng.random() < 0.3:  # noqa: PLR2004 - heads who hold a part themselves
        return ("", firm.head_id, firm.head_name)
    row = adults[int(rng.random() ** 3 * len(adults))]  # some hold much
    return ("", people.ids[row], people.names[row])


def _row(
    rng: Random, firm: Firm, holder: tuple[str, str, str], share: int, until: date | None = None
) -> tuple[str, ...]:
    since = firm.founded if until is not None or rng.random() < 0.8 else _day(rng, firm.founded)  # noqa: PLR2004
    code, number, name = holder
    dates = (since.isoformat(), until.isoformat() if until else "")
    return (firm.code, firm.name, code, number, name, f"{share}%" if rng.random() < 0.1 else str(share), *dates)  # noqa: PLR2004


def _day(rng: Random, founded: date) -> date:
    return date.fromordinal(
        founded.toordinal() + 1 + int(rng.random() * max(1, AS_OF.toordinal() - founded.toordinal()))
    )
