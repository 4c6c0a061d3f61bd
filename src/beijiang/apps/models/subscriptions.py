"""Which APIs an application subscribes to, on which plan, and what its use of them was."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from beijiang.kit import Text, Word

__all__ = [
    "BINS",
    "FACES",
    "FLIGHT_ADDRESS",
    "OTHER_API",
    "Plan",
    "Subscription",
    "SubscriptionState",
    "Use",
    "api_of",
    "bin_of",
    "share_below",
]

OTHER_API: Final = "other"
"""Stands for every address that is subscribed to by nobody: tokens open it, the rights of its reader decide."""
BINS: Final = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)
"""Milliseconds up to which calls are counted together; what takes longer is in one more bin."""
FLIGHT_ADDRESS: Final = "/flight"
"""Stands for the server of Flight SQL, which has no addresses of its own."""
FACES: Final = {
    "ckan": Text("CKAN 接口", "the CKAN API"),
    "flight": Text("Flight SQL", "Flight SQL"),
    "mcp": Text("智能体接口（MCP）", "the door for agents (MCP)"),
    "share": Text("Delta Sharing", "Delta Sharing"),
    "sql": Text("SQL 查询", "SQL"),
}
"""Protocols of others by which many tables are read; a plan holds for all that is asked in one of them."""
_ADDRESSES: Final = (
    (re.compile(r"/api/v1/datasets/([^/]+)(?:/.*)?"), "rows:{}"),
    (re.compile(r"/api/v1/exchange/services/([^/]+)/call"), "service:{}"),
    (re.compile(r"/api/v1/apps/([^/]+)/data/([^/]+)"), "app:{}/{}"),
    (re.compile(r"/api/v1/sandbox/([^/]+)/rows"), "sandbox:{}"),
    (re.compile(r"/api/v1/sandbox/services/([^/]+)/call"), "sandbox:service:{}"),
    (re.compile(r"/api/v1/sandbox/apps/([^/]+)/data/([^/]+)"), "sandbox:app:{}/{}"),
    (re.compile(r"/api/v1/exchange/tables/(.+)/[^/]+"), "table:{}"),
    (re.compile(r"/api/(?:2|3|action|util)/.*|/datastore/dump/.*"), "face:ckan"),
    (re.compile(r"/mcp/?"), "face:mcp"),
    (re.compile(r"/share/.*"), "face:share"),
    (re.compile(r"/api/v1/sql(?:/export)?"), "face:sql"),
    (re.compile(FLIGHT_ADDRESS), "face:flight"),
)


class Plan(Word):
    """How much an application may ask of an API."""

    per_minute: int
    per_day: int

    def __new__(cls, value: str, zh: str = "", en: str = "", per_minute: int = 0, per_day: int = 0) -> Self:
        """Make a member that carries its limits."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.text = Text(zh, en)
        member.per_minute, member.per_day = per_minute, per_day
        return member

    TRIAL = "trial", "试用（每分钟 30 次，每日 1000 次）", "trial (30 a minute, 1,000 a day)", 30, 1000
    STANDARD = "standard", "标准（每分钟 300 次，每日 5 万次）", "standard (300 a minute, 50,000 a day)", 300, 50_000
    LARGE = "large", "大量（每分钟 3000 次，每日 100 万次）", "large (3,000 a minute, 1,000,000 a day)", 3000, 1_000_000


class SubscriptionState(Word):
    """Where a subscription stands."""

    ASKED = "asked", "待审核", "waits for review"
    ACTIVE = "active", "可用", "active"
    REFUSED = "refused", "未通过", "refused"
    ENDED = "ended", "已终止", "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One application's subscription to one API."""

    id: str
    client_id: str
    api: str
    name: str
    plan: Plan
    state: SubscriptionState
    by_id: str
    by: str
    at: datetime
    decided_by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What an application asked of an API in one hour, or in several taken together."""

    client_id: str
    api: str
    hour: datetime
    calls: int = 0
    errors: int = 0
    """Answers from 400 up, the refused ones left out."""
    refused: int = 0
    """Over a limit, or without a subscription."""
    bins: tuple[int, ...] = (0,) * (len(BINS) + 1)

    def plus(self, other: Use) -> Use:
        """Return both together, at the hour of this one."""
        return Use(
            client_id=self.client_id,
            api=self.api,
            hour=self.hour,
            calls=self.calls + other.calls,
            errors=self.errors + other.errors,
            refused=self.refused + other.refused,
            bins=tuple(a + b for a, b in zip(self.bins, other.bins, strict=True)),
        )

    @property
    def p95(self) -> int | None:
        """Return the milliseconds within which 95 of 100 calls were answered, as a bin has it; None: longer than the last."""
        return share_below(self.bins, 0.95)


def api_of(path: str) -> str:
    """Return the API that an address belongs to."""
    for pattern, name in _ADDRESSES:
        found = pattern.fullmatch(path)
        if found:
            return name.format(*found.groups())[:200]
    return OTHER_API


def bin_of(millis: float) -> int:
    """Return which bin a call is counted in."""
    return next((at for at, most in enumerate(BINS) if millis <= most), len(BINS))


def share_below(bins: Sequence[int], share: float) -> int | None:
    """Return the upper end of the bin in which a share of all calls is reached; 0 without calls, None beyond the last."""
    total, seen = sum(bins), 0
    if not total:
        return 0
    for most, count in zip(BINS, bins, strict=False):
        seen += count
        if seen >= share * total:
            return most
    return None
