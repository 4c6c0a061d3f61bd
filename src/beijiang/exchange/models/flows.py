"""Approval flows as data: which stages a request passes, who decides there, and which dated rule limits the time."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Text, Word
from beijiang.protection import ControlRule, Handling, asks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.catalog import Entry
    from beijiang.exchange.models.terms import Terms

__all__ = [
    "OPENING",
    "Side",
    "Stage",
    "csv_rows",
    "flow_of",
    "longest",
    "own_stages",
    "purposes",
    "stages_for",
    "traits",
]


OPENING: Final = "opening_flows"
"""The flow of applications of the public."""
_SHARING: Final = "flows"


class Side(Word):
    """Whose stage it is."""

    AUTHORITY = "authority", "数据局", "the data authority"
    PROVIDER = "provider", "提供部门", "the provider"


class Trait(Word):
    """What a request is like; the flow follows from it."""

    CONDITIONAL = "conditional", "含有条件共享的数据项，或原值需审批", "items that need approval"
    SENSITIVE = "sensitive", "含 L3 级数据项或敏感个人信息", "items of grade L3, or sensitive personal ones"
    CROSS_LEVEL = "cross_level", "跨层级", "across levels of government"
    NO_BASIS = "no_basis", "列为不予共享但未登记依据", "said to be not shared without a basis on file"
    ELSEWHERE = "elsewhere", "数据在另一节点", "the data are another node's"
    APPEALED = "appealed", "已申诉", "appealed against"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a flow, as it was when the request was handed in."""

    id: str
    side: Side
    permission: str
    limit: str
    """Topic of the dated rules that limit its time; stages of one topic share one clock."""
    name: Text
    basis: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "id": self.id,
            "side": self.side.value,
            "permission": self.permission,
            "limit": self.limit,
            "zh": self.name.zh,
            "en": self.name.en,
            "basis": self.basis,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Stage:
        """Read a stored stage back."""
        name = Text(value["zh"], value["en"])
        return cls(value["id"], Side(value["side"]), value["permission"], value["limit"], name, value["basis"])


def traits(
    entry: Entry, terms: Terms, levels: Mapping[str, str], today: date, *, cross_level: bool
) -> frozenset[Trait]:
    """Return what a request for these terms of an entry is like (`standards.md` 2.5: the stricter of type and grade wins)."""
    found = {Trait.CROSS_LEVEL} if cross_level else set()
    for asked in terms.items:
        item = entry.item(asked.column)
        if item is None:
            continue
        shared, level = entry.share_type_of(item).value, levels.get(asked.column, "L1")
        sensitive = asks(ControlRule.APPROVAL, level, max(terms.since, today)) or item.personal.value == "S"
        if sensitive:
            found.add(Trait.SENSITIVE)
        if shared == "not_shared":
            found.add(Trait.NO_BASIS)
        if shared != "unconditional" or sensitive or (level >= "L2" and asked.handling is Handling.AS_IS):
            found.add(Trait.CONDITIONAL)
    return frozenset(found)


def stages_for(found: frozenset[Trait], kept: Collection[Stage] = (), flow: str = _SHARING) -> tuple[Stage, ...]:
    """Return the stages in their order, with those that were there before; none where no approval is needed."""
    if not found & {Trait.CONDITIONAL, Trait.ELSEWHERE}:
        return tuple(kept)
    known = {stage.id: stage for stage in kept}
    return tuple(known.get(stage.id, stage) for stage, when in flow_of(flow) if when & found or stage.id in known)


@cache
def flow_of(flow: str) -> tuple[tuple[Stage, frozenset[Trait]], ...]:
    """Return the stages of a flow in their order, each with what a request is like that passes it."""
    return tuple(
        (
            Stage(
                row["stage"],
                Side(row["side"]),
                row["permission"],
                row["limit"],
                Text(row["zh"], row["en"]),
                row["basis"],
            ),
            frozenset(Trait(word) for word in row["when"].split()),
        )
        for row in csv_rows(flow)
    )


@cache
def own_stages() -> frozenset[str]:
    """Return the stages that a request passes only where it is asked, before it leaves for another node."""
    return frozenset(stage.id for stage, when in flow_of(_SHARING) if when == {Trait.ELSEWHERE})


@cache
def purposes() -> Mapping[str, Text]:
    """Return the codes that a purpose is stated by, with their words."""
    return {row["code"]: Text(row["zh"], row["en"]) for row in csv_rows("purposes")}


@cache
def _months() -> Mapping[str, int]:
    return {row["level"]: int(row["months"]) for row in csv_rows("periods")}


def longest(levels: Sequence[str], since: date) -> date:
    """Return the last day that a grant on items of these grades may have (`security.md` 2.2)."""
    months = min((_months()[level] for level in levels if level in _months()), default=min(_months().values()))
    year, month = divmod(since.year * 12 + since.month - 1 + months, 12)
    day = since.day
    while True:
        try:
            return date(year, month + 1, day)
        except ValueError:
            day -= 1


def csv_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a reference table of this part."""
    text = (resources.files("beijiang.exchange") / "reference" / f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))
