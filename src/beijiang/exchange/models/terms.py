"""What one may have of a table: items and how they are shown, rows, ways, time, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from beijiang.kit import Invalid, Word
from beijiang.protection import Handling
from beijiang.tables import Exit, Filter, FilterOp

__all__ = ["EXITS", "GranteeKind", "Item", "Narrowing", "Terms", "Way", "filter_from_json", "filter_to_json"]


class Way(Word):
    """How data reach the consumer (`security.md` 2.2, delivery)."""

    PAGE = "page", "在线查看", "pages of the console"
    API = "row_api", "数据接口", "row API"
    SQL = "sql", "SQL 查询", "SQL"
    FLIGHT = "flight", "批量查询流（Flight SQL）", "streams of SQL answers (Flight SQL)"
    FILE = "file", "文件下载", "files"
    DELTA = "delta_sharing", "数据共享协议 Delta Sharing", "Delta Sharing"
    PUSH = "push", "主动推送", "pushed to the consumer's own system"
    APP = "app", "应用承载", "hosted applications"
    SERVICE = "service", "服务接口", "service of the department"
    VERIFY = "verify", "核验（只答是否）", "verification: yes or no, no value"
    COUNT = "count", "统计计数（只给数量）", "counts: a number, no value"
    OVERLAP = "overlap", "隐私求交（只答约有多少）", "private intersection: about how many both have"
    COMMON = "common", "隐私求交（答出哪些）", "private intersection: which of yours are there"


EXITS: Final[Mapping[Way, frozenset[Exit]]] = {
    Way.PAGE: frozenset({Exit.PAGE, Exit.PREVIEW, Exit.CHART, Exit.SEARCH}),
    Way.API: frozenset({Exit.AGENT, Exit.DATASTORE, Exit.ROW_API}),
    Way.SQL: frozenset({Exit.SQL, Exit.GRAPH}),
    Way.FLIGHT: frozenset({Exit.FLIGHT}),
    Way.FILE: frozenset({Exit.DOWNLOAD, Exit.EXPORT, Exit.TRAINING}),
    Way.DELTA: frozenset({Exit.DELTA}),
    Way.PUSH: frozenset({Exit.PUSH, Exit.PUSH_PLAN}),
    Way.APP: frozenset({Exit.APP}),
    Way.SERVICE: frozenset({Exit.SERVICE}),
    Way.VERIFY: frozenset({Exit.VERIFY}),
    Way.COUNT: frozenset({Exit.COUNT}),
    Way.OVERLAP: frozenset({Exit.OVERLAP}),
    Way.COMMON: frozenset({Exit.COMMON}),
}
"""The exits of the platform that a way opens."""

MEETING: Final = frozenset({Way.OVERLAP, Way.COMMON})
"""Ways by which a set of the asker's is held against a table."""
ASKING: Final = frozenset({Way.VERIFY, Way.COUNT, *MEETING})
"""Ways by which something is asked, and no value is had."""


class GranteeKind(Word):
    """Who may use a grant."""

    ORGANISATION = "organisation", "本部门", "the organisation"
    PERSON = "person", "指定人员", "one person"
    APPLICATION = "application", "指定应用", "one application"
    PUBLIC = "public", "公众申请人", "an applicant of the public"


@dataclass(frozen=True, slots=True)
class Item:
    """One data item with the handling that is asked for or granted."""

    column: str
    handling: Handling = Handling.MASKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is asked for, offered by a reviewer, or granted; a column that comes later is not in it."""

    items: tuple[Item, ...]
    ways: frozenset[Way]
    since: date
    until: date
    """The last day."""
    filters: tuple[Filter, ...] = ()
    """Rows: literal conditions, all of which must hold."""
    calls_per_day: int | None = None
    rows_per_day: int | None = None

    def __post_init__(self) -> None:
        if len(set(self.columns)) < len(self.items):
            raise Invalid("同一数据项写了两次。", "An item is named twice.", code="item_twice")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns in order."""
        return tuple(item.column for item in self.items)

    @property
    def asks_only(self) -> bool:
        """Tell whether nothing is handed over: only whether values belong together, or how many there are, is answered."""
        return bool(self.ways) and self.ways <= ASKING

    @property
    def exits(self) -> frozenset[Exit]:
        """Return the exits that the ways open."""
        return frozenset().union(*(EXITS[way] for way in self.ways))

    def narrowed(self, by: Narrowing) -> Terms:
        """Return these terms with what a reviewer took away.

        Raises:
            Invalid: it would give more than was asked for, or nothing at all (``not_narrower``).

        """
        items = tuple(
            replace(item, handling=Handling.MASKED) if item.column in by.masked else item
            for item in self.items
            if item.column not in by.without
        )
        kept = replace(
            self,
            items=items,
            ways=self.ways - by.without_ways,
            until=by.until or self.until,
            filters=(*self.filters, *by.filters),
            calls_per_day=_least(self.calls_per_day, by.calls_per_day),
            rows_per_day=_least(self.rows_per_day, by.rows_per_day),
        )
        if any(quota is not None and quota < 1 for quota in (by.calls_per_day, by.rows_per_day)):
            raise Invalid("每日限量须大于零。", "A day's quota is above zero.", code="bad_quota")
        strange = (by.without | by.masked) - set(self.columns)
        if strange or kept.until > self.until or kept.until < kept.since or not items or not kept.ways:
            raise Invalid(
                "审批只能收窄：不能给出申请之外的数据项、方式或更长的期限，也不能一项都不给（请用“不同意”）。",
                "A decision can only narrow: no item, way or time beyond what was asked for, and not nothing at all "
                "(refuse it instead).",
                code="not_narrower",
                detail={"unknown": [*sorted(strange)]},
            )
        return kept

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "items": [{"column": item.column, "handling": item.handling.value} for item in self.items],
            "ways": sorted(way.value for way in self.ways),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "filters": [filter_to_json(one) for one in self.filters],
            "calls_per_day": self.calls_per_day,
            "rows_per_day": self.rows_per_day,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Terms:
        """Read stored terms back."""
        return cls(
            items=tuple(Item(item["column"], Handling(item["handling"])) for item in value["items"]),
            ways=frozenset(Way(way) for way in value["ways"]),
            since=date.fromisoformat(value["since"]),
            until=date.fromisoformat(value["until"]),
            filters=tuple(filter_from_json(one) for one in value["filters"]),
            calls_per_day=value["calls_per_day"],
            rows_per_day=value["rows_per_day"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """What a reviewer takes away from the terms; empty for nothing."""

    without: frozenset[str] = frozenset()
    masked: frozenset[str] = frozenset()
    """Columns that are given masked only."""
    without_ways: frozenset[Way] = frozenset()
    until: date | None = None
    filters: tuple[Filter, ...] = ()
    calls_per_day: int | None = None
    rows_per_day: int | None = None


def _least(asked: int | None, given: int | None) -> int | None:
    return min((n for n in (asked, given) if n is not None), default=None)


def filter_to_json(one: Filter) -> dict[str, Any]:
    """Return a condition as plain JSON values."""
    return {"column": one.column, "op": str(one.op), "value": one.value}


def filter_from_json(value: Mapping[str, Any]) -> Filter:
    """Read a stored condition back."""
    return Filter(value["column"], FilterOp(value["op"]), value["value"])
