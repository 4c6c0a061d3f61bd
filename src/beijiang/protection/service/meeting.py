"""Sets that meet and are not shown: a table's values leave as points that only the platform's secret number made.

A part of ``Gate``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from beijiang.protection.models.private import MICRO
from beijiang.protection.models.reference import release_limits
from beijiang.protection.models.releases import Limits
from beijiang.protection.service.asking import Asking
from beijiang.protection.service.noise import add_noise
from beijiang.protection.service.relation import access_ended

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.protection.models.sight import Sight
    from beijiang.protection.models.standing import Asked
    from beijiang.tables import Snapshot

__all__ = ["Blind", "Meeting", "Met"]

Blind: TypeAlias = "Callable[[Iterable[Sequence[str]]], Iterator[bytes]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """What a set would be held against."""

    grant: str
    version: int
    columns: tuple[str, ...]
    """The items of the grant, in order; the other side's values have as many parts."""
    obligations: str
    """The digest of version, items and row filters: each further step is under the very same, or is refused."""
    least: int
    """Fewer than so many are not told."""


class Meeting(Asking):
    """Intersection of a table's items with a set that the reader keeps to itself."""

    def meets(self, actor: Actor, asked: Asked) -> Met:
        """Return what a set would be held against under the actor's grant, now; nothing is read.

        Raises:
            NotFound: unknown, forbidden, or no such grant.

        """
        snapshot, sight = self._meets(actor, asked)
        least = Limits.on(self._protection.today(), "shared", list(release_limits())).values["cell"]
        columns = tuple(duty.column for duty in sight.obligations)
        grant = "" if sight.grant is None else sight.grant.id
        return Met(grant=grant, version=snapshot.version, columns=columns, obligations=sight.digest, least=least)

    def still_meets(self, actor: Actor, asked: Asked, obligations: str) -> None:
        """Return if a step may follow another.

        Raises:
            NotFound: the grant ended.
            Denied: items, rows or version are other ones now (``access_ended``).

        """
        if self._meets(actor, asked)[1].digest != obligations:
            self._note_refusal(actor, asked.table, asked.purpose, asked.exit, {"reason": "access_ended"})
            raise access_ended()

    def blinded(self, actor: Actor, asked: Asked, obligations: str, blind: Blind) -> tuple[Iterator[bytes], str]:
        """Return the different rows of the grant's items as points, and the id of the receipt; true values are blinded.

        Raises:
            NotFound: the grant ended.
            Denied: items, rows or version are other ones now (``access_ended``).
            Throttled: the calls of the day are used up.

        """
        snapshot, sight = self._meets(actor, asked)
        if sight.digest != obligations:
            self._note_refusal(actor, asked.table, asked.purpose, asked.exit, {"reason": "access_ended"})
            raise access_ended()
        self._count_call(actor, sight, asked.purpose, asked.exit)
        columns = [duty.column for duty in sight.obligations]
        governed = self._recorded(actor, snapshot, sight, columns, (asked.purpose, asked.exit))
        return blind(governed.spoken()), governed.receipt

    @staticmethod
    def about(count: int, least: int) -> int:
        """Return a number with the noise of the discrete Laplace mechanism, whose scale is the dated threshold."""
        return max(0, add_noise([count], 1, MICRO // least)[0])

    def _meets(self, actor: Actor, asked: Asked) -> tuple[Snapshot, Sight]:
        grant, number, grades, rules = self._opened(actor, asked.table, asked.purpose, asked.exit, asked.grant)
        refuse = partial(self._hidden, actor, asked.table, asked.purpose, asked.exit)
        return self._unseen(asked.table, number, (grant, grades, rules), refuse)
