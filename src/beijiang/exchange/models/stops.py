"""What of a grant is not shared any more: since when, and why. Both sides are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beijiang.kit import Word
from beijiang.protection import Level

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from beijiang.catalog import Entry
    from beijiang.exchange.models.grants import Grant

__all__ = ["EVERYTHING", "Stop", "StopReason", "removed", "stopped_items"]

EVERYTHING = ""
"""In place of an item: the whole grant."""


class StopReason(Word):
    """Why something is not shared any more."""

    NARROWED = "narrowed", "授权被收窄", "the grant was narrowed"
    OFFLINE = "offline", "目录已下线或撤回", "the entry was taken offline or withdrawn"
    TABLE_GONE = "table_gone", "目录不再挂接这张表", "the entry has that table no longer"
    ITEM_GONE = "item_gone", "目录中已没有这个数据项", "the entry has that item no longer"
    NOT_SHARED = "not_shared", "数据项改为不予共享", "the item is not shared any more"
    REGRADED = "regraded", "数据项定级升高，不再按授权提供", "the item is graded higher now and is not given as granted"
    SECRET = "secret", "数据项标为涉密", "the item was marked as classified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One item, or the whole grant, that stopped being shared; ``ended_at`` is when it was shared again."""

    grant_id: str
    column: str
    reason: StopReason
    since: datetime
    ended_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it for an API answer."""
        return {
            "item": self.column or None,
            "reason": self.reason.value,
            "since": self.since.isoformat(),
            "ended_at": None if self.ended_at is None else self.ended_at.isoformat(),
        }


def stopped_items(
    grant: Grant, entry: Entry | None, table: str | None, levels: Mapping[str, str]
) -> dict[str, StopReason]:
    """Return which items of a grant cannot be had now by what the entry says; ``entry`` is None for an unpublished one."""
    if entry is None:
        return {EVERYTHING: StopReason.OFFLINE}
    if table != grant.table:
        return {EVERYTHING: StopReason.TABLE_GONE}
    found = {item.column: _why(grant, entry, item.column, levels) for item in grant.terms.items}
    return {column: reason for column, reason in found.items() if reason is not None}


def _why(grant: Grant, entry: Entry, column: str, levels: Mapping[str, str]) -> StopReason | None:
    item = entry.item(column)
    if item is None:
        return StopReason.ITEM_GONE
    if item.secret_flag:
        return StopReason.SECRET
    if column in entry.refused_items:
        return StopReason.NOT_SHARED
    granted, now = Level(grant.levels.get(column, "L1")), Level(levels.get(column, "L1"))
    return StopReason.REGRADED if now.rank > granted.rank else None


def removed(before: Collection[str], after: Collection[str]) -> list[str]:
    """Return the items that a narrowing took away, in their order."""
    return [column for column in before if column not in set(after)]
