"""What there is that a legal hold may name, by every way that people call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.evidence import HoldKind, Known
from beijiang.kit import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.access import Access
    from beijiang.evidence import Holds
    from beijiang.tables import Tables

__all__ = ["name_for_holds"]


def name_for_holds(holds: Holds, access: Access, tables: Tables) -> None:
    """Let legal holds know the people, keys and tables that there are."""

    def people() -> Sequence[Known]:
        """Return people, who are often called by their login or name, and keys."""
        offices = {office.id: office.name_zh for office in access.organisations()}
        found = [
            Known(one.id, (one.name, one.login), "，".join(filter(None, (one.login, offices.get(one.org_id or "")))))
            for one in access.people(SYSTEM)
        ]
        return [*found, *(Known(key.id) for key in access.keys(SYSTEM))]

    holds.known[HoldKind.PERSON] = people
    holds.known[HoldKind.TABLE] = lambda: [Known(name) for name in tables.names(SYSTEM)]
