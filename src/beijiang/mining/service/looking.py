"""What may be asked: the tables that a person sees, their columns, and the functions of the allow-list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.kit import NotFound
from beijiang.mining.models import TableWord
from beijiang.mining.service.base import Base
from beijiang.protection import Audience, function_words

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.protection import Seen

__all__ = ["Looking"]


class Looking(Base):
    """Words for the editor; names and marks only, never a value."""

    def tables(self, actor: Actor) -> Sequence[TableWord]:
        """Return the tables that the actor may ask, with what the catalog calls them."""
        self.access.require(actor, Permission.PROTECTION_SQL_RUN)
        found = []
        for facts in self.protection.all_facts():
            seen = self.gate.seen(actor, facts.name)
            if seen is not None:
                resource = self.catalog.resource_for_table(facts.name)
                title = facts.name if resource is None else resource.entry.name
                found.append(TableWord(name=facts.name, title=title, mine=seen.audience is Audience.OWN))
        return sorted(found, key=lambda one: (not one.mine, one.name))

    def columns(self, actor: Actor, table: str) -> Seen:
        """Return the columns of a table as the actor sees them: type, grade, mask.

        Raises:
            NotFound: unknown or hidden, which look the same.

        """
        self.access.require(actor, Permission.PROTECTION_SQL_RUN)
        seen = self.gate.seen(actor, self.gate.find(table))
        if seen is None:
            raise NotFound("没有这张表，或者您无权查询。", "There is no such table, or you may not ask it.")
        return seen

    def functions(self, actor: Actor) -> Sequence[str]:
        """Return the functions that a query may use."""
        self.access.require(actor, Permission.PROTECTION_SQL_RUN)
        return function_words()
