"""What a grant lets its holder see: declared here, so that requests and approvals may live on a floor above the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from beijiang.kit import Word
from beijiang.protection.models.grades import Level

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.tables import Exit, Filter

__all__ = ["NO_GRANT", "CountAsked", "Granted", "GrantedItem", "Grants", "Handling", "OwnGrant"]

NO_GRANT: Final = "-"
"""Named instead of a grant by who reads what is shared with everybody, whatever grants are held."""


class Handling(Word):
    """How an item of a grant is shown."""

    AS_IS = "as_is", "原值", "as it is"
    MASKED = "masked", "脱敏", "masked"


@dataclass(frozen=True, slots=True)
class GrantedItem:
    """A column of a grant, and the grade that it had when the grant was decided on."""

    column: str
    handling: Handling
    level: Level

    def holds_for(self, level: Level) -> bool:
        """Tell whether the decision covers the grade that the column has now."""
        return level.rank <= self.level.rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A grant that is in force for one reader, as far as the gate needs it."""

    id: str
    items: tuple[GrantedItem, ...]
    row_filters: tuple[Filter, ...]
    """Literal conditions on the table's own columns; all must hold."""
    exits: frozenset[Exit]
    purpose: str = ""
    """Code of what it was granted for; a reader who states it reads under this grant."""
    approvers: tuple[str, ...] = ()
    """Who decided, in order, as ``stage:person``; part of every receipt."""
    rows_limited: bool = False
    """Whether rows are counted against a quota: then an answer costs the rows that it was made of."""

    public: bool = False
    """Whether it is held by a member of the public: then nothing is had that only departments may have."""
    alone: bool = False
    """Whether nothing is had with it but its own items: a department of another node has no part in what is shared here."""

    def item(self, column: str) -> GrantedItem | None:
        """Return the item of a column."""
        return next((item for item in self.items if item.column == column), None)


@dataclass(frozen=True, slots=True)
class OwnGrant:
    """The grant of a department under which its application reads, beside the rights of whoever looks."""

    org_id: str
    id: str


@dataclass(frozen=True, slots=True)
class CountAsked:
    """A question for a number: which rows of which version, the conditions of the grant among them."""

    table: str
    version: int
    filters: tuple[Filter, ...]
    against: str = ""
    """The id of the set that the rows are held against, where the number is that of an intersection."""


class Grants(Protocol):
    """Know the grants; ``exchange`` does. Asked at every access, so that what ends has ended with the next request."""

    def held(self, actor: Actor, table: str) -> Sequence[Granted]:
        """Return the grants in force of a reader on a table, the newest decision first."""
        ...

    def of_department(self, org_id: str, table: str) -> Sequence[Granted]:
        """Return the grants in force of a department on a table, the newest decision first."""
        ...

    def within(self, grant_id: str) -> None:
        """Return if what was had today is within the day's quota; nothing is counted.

        Raises:
            Throttled: more was had than the grant allows now, or the grant ended.

        """
        ...

    def counted(self, grant_id: str, asked: CountAsked) -> int | None:
        """Return what the department of a grant was told when it asked just this; None for a new question.

        Raises:
            Refused: too many different questions were asked of the table (``count_many``).

        """
        ...

    def keep_count(self, grant_id: str, asked: CountAsked, told: int) -> int:
        """Keep what is told, and return it; of two who ask at once both get what was kept first."""
        ...

    def in_force(self, table: str) -> Sequence[Granted]:
        """Return every grant in force on a table, whoever holds it."""
        ...

    def take_call(self, grant_id: str) -> None:
        """Count one access.

        Raises:
            Throttled: the calls of the day are used up (``grant_calls``), or the grant ended just now.

        """
        ...

    def take_rows(self, grant_id: str, rows: int) -> None:
        """Count rows before they are handed over; all of them or none.

        Raises:
            Throttled: the rows of the day are used up (``grant_rows``), or the grant ended just now.

        """
        ...
