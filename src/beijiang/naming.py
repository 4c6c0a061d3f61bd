"""What there is that a legal hold may name, by every way that people call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.evidence import HoldKind
from beijiang.kit import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.access import Access
    from beijiang.evidence import Holds
    from beijiang.tables import Tables

__all__ = ["name_for_holds"]


def name_for_holds(holds: Holds, access: Access, tables: Tables) -> None:
    """Let legal holds know the people, keys and tables that there are."""

    def people() -> Mapping[str, str]:
        """Return the ids by themselves, and the logins and names that are often written in their place."""
        found = access.people(SYSTEM)
        called = {way: one.id for one in found for way in (one.name, one.login, one.id)}
        return called | {key.id: key.id for key in access.keys(SYSTEM)}

    holds.known[HoldKind.PERSON] = people
    holds.known[HoldKind.TABLE] = lambda: {name: name for name in tables.names(SYSTEM)}
