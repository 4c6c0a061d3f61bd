"""Grants: who may have what, until when, decided by whom (`security.md` 2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.exchange.models.terms import GranteeKind, Terms
from beijiang.kit import Word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.exchange.models.requests import Step

__all__ = ["ENDS_SOON", "Grant", "GrantQuery", "GrantState", "GrantView", "Usage"]

ENDS_SOON: Final = timedelta(days=30)
"""A grant that ends within so long is about to end."""


class GrantState(Word):
    """What people decided of a grant; whether its time has come or is over follows from the day."""

    ACTIVE = "active", "有效", "active"
    SUSPENDED = "suspended", "已暂停", "suspended"
    REVOKED = "revoked", "已撤销", "revoked"
    WAITING = "waiting", "未到起始日", "not begun"
    EXPIRED = "expired", "已到期", "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One grant on one table."""

    id: str
    request_id: str | None
    """None where a provider gave it without being asked."""
    resource_id: str
    resource_name: str
    table: str
    provider_id: str
    org_id: str
    grantee_kind: GranteeKind
    grantee_id: str
    terms: Terms
    levels: Mapping[str, str]
    """The grade of each item as it was decided on."""
    purpose: str
    use: str
    basis: str
    agreement: str
    """What consumer and provider agreed to, in the words shown when it was handed in."""
    state: GrantState
    revision: int
    made_at: datetime
    ended_at: datetime | None = None
    reason: str = ""

    def standing(self, day: date) -> GrantState:
        """Return how it stands on a day."""
        if self.state is not GrantState.REVOKED and day > self.terms.until:
            return GrantState.EXPIRED
        if self.state is GrantState.ACTIVE and day < self.terms.since:
            return GrantState.WAITING
        return self.state

    @property
    def holder(self) -> tuple[GranteeKind, str]:
        """Return who may use it."""
        own = self.grantee_kind is GranteeKind.ORGANISATION
        return self.grantee_kind, self.org_id if own else self.grantee_id


@dataclass(frozen=True, slots=True)
class Usage:
    """What was had under a grant on one day."""

    day: date
    calls: int
    rows: int


@dataclass(frozen=True, slots=True)
class GrantView:
    """A grant with who decided on it, what was had under it, and what this reader may do."""

    grant: Grant
    standing: GrantState
    steps: tuple[Step, ...]
    usage: tuple[Usage, ...]
    may_manage: bool
    may_give_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantQuery:
    """Which grants are wanted."""

    words: str = ""
    state: GrantState | None = None
    org_id: str | None = None
    provider_id: str | None = None
    table: str | None = None
    limit: int = 200
