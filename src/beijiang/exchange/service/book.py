"""The grants as the gate asks for them: remembered by table, and read anew whenever one changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from beijiang.exchange.errors import grant_ended, used_up
from beijiang.exchange.models import PEER_ORGANISATION, GranteeKind, Move
from beijiang.exchange.store import CountStore, GrantStore, RequestStore
from beijiang.kit import Refused, new_id
from beijiang.protection import Granted, GrantedItem, Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, tzinfo

    from beijiang.db import Database
    from beijiang.exchange.models import Grant, Step
    from beijiang.kit import Actor, Clock
    from beijiang.protection import CountAsked

__all__ = ["GrantBook"]

COUNTS_MOST: Final = 100
"""Different answers that a department gets of one table: many more, and noise would be averaged away."""

_DECIDING: Final = frozenset({Move.APPROVE, Move.NARROW, Move.GRANT})
_Holders: TypeAlias = "dict[tuple[GranteeKind, str | None], list[tuple[Grant, Granted]]]"


class GrantBook:
    """Answer at every access which grants hold. Nobody asks for access here: the gate decides with what it hears."""

    def __init__(self, db: Database, clock: Clock, zone: tzinfo) -> None:
        self._db = db
        self._clock = clock
        self._zone = zone
        self._known: tuple[int, dict[str, _Holders]] = (-1, {})

    def held(self, actor: Actor, table: str) -> Sequence[Granted]:
        """Return the grants in force of a reader on a table, the newest first; one short read tells of any change."""
        holders = self._of(table)
        if not holders:
            return ()
        today = self._today()
        mine = [(GranteeKind.PERSON, actor.id), (GranteeKind.ORGANISATION, actor.org_id)]
        if actor.org_id is None:
            mine.append((GranteeKind.PUBLIC, actor.id))
        if actor.scopes is not None:
            mine += [(GranteeKind.APPLICATION, actor.session_id), (GranteeKind.APPLICATION, actor.id)]
        found = [entry for one in mine for entry in holders.get(one, ())]
        if len(mine) > 1:
            found.sort(key=lambda entry: entry[0].made_at, reverse=True)
        return [granted for grant, granted in found if grant.terms.since <= today <= grant.terms.until]

    def of_department(self, org_id: str, table: str) -> Sequence[Granted]:
        """Return the grants in force of a department on a table, the newest decision first."""
        today = self._today()
        found = self._of(table).get((GranteeKind.ORGANISATION, org_id), [])
        return [granted for grant, granted in found if grant.terms.since <= today <= grant.terms.until]

    def in_force(self, table: str) -> Sequence[Granted]:
        """Return every grant in force on a table, whoever holds it."""
        today = self._today()
        every = [entry for entries in self._of(table).values() for entry in entries]
        return [granted for grant, granted in every if grant.terms.since <= today <= grant.terms.until]

    def counted(self, grant_id: str, asked: CountAsked) -> int | None:
        """Return what the department of a grant was told when it asked just this; None for a new question.

        Raises:
            Refused: too many different questions were asked of the table (``count_many``).

        """
        with self._db.read() as connection:
            grant, store = GrantStore(connection).get(grant_id), CountStore(connection)
            if grant is None:
                raise grant_ended()
            told = store.told(grant.org_id, asked)
            if told is None and store.answers(grant.org_id, asked.table) >= COUNTS_MOST:
                raise Refused(
                    f"本部门对这张表已得到 {COUNTS_MOST} 个不同的统计结果，不能再问新的；问过的可以再问。",
                    f"Your department was told {COUNTS_MOST} different counts of this table; only those can be asked again.",
                    code="count_many",
                )
            return told

    def keep_count(self, grant_id: str, asked: CountAsked, told: int) -> int:
        """Keep what is told, and return it; of two who ask at once both get what was kept first."""
        with self._db.begin() as tx:
            grant, store = GrantStore(tx.connection).get(grant_id), CountStore(tx.connection)
            if grant is None:
                raise grant_ended()
            kept = store.told(grant.org_id, asked)
            if kept is None:
                store.add(new_id("cnt"), grant.org_id, asked, told, self._clock.now())
            return told if kept is None else kept

    def take_call(self, grant_id: str) -> None:
        """Count one access.

        Raises:
            Throttled: the calls of the day are used up (``grant_calls``), or the grant ended (``grant_ended``).

        """
        self._take(grant_id, calls=1, rows=0)

    def take_rows(self, grant_id: str, rows: int) -> None:
        """Count rows, all or none.

        Raises:
            Throttled: the rows of the day are used up (``grant_rows``), or the grant ended (``grant_ended``).

        """
        if rows:
            self._take(grant_id, calls=0, rows=rows)

    def within(self, grant_id: str) -> None:
        """Return if what was had today is within the day's quota, which may have been narrowed meanwhile.

        Raises:
            Throttled: more was had than is allowed now, or the grant ended (``grant_ended``).

        """
        with self._db.read() as connection:
            store = GrantStore(connection)
            grant, used = store.get(grant_id), store.used(grant_id, self._today())
        if grant is None or grant.state != "active":
            raise grant_ended()
        for what, most, had in (
            ("calls", grant.terms.calls_per_day, used.calls),
            ("rows", grant.terms.rows_per_day, used.rows),
        ):
            if most is not None and had > most:
                raise used_up(what)

    def _take(self, grant_id: str, *, calls: int, rows: int) -> None:
        with self._db.begin() as tx:
            store = GrantStore(tx.connection)
            grant = store.get(grant_id)
            if grant is None or grant.state != "active":
                raise grant_ended()
            if not store.take(grant_id, self._today(), calls=calls, rows=rows, terms=grant.terms):
                raise used_up("calls" if calls else "rows")

    def _of(self, table: str) -> _Holders:
        with self._db.read() as connection:
            store = GrantStore(connection)
            epoch = store.epoch()
            known = self._known
            if known[0] != epoch:  # another thread may be at another epoch: each fills what belongs to its own
                known = self._known = (epoch, {})
            by_table = known[1]
            found = by_table.get(table)
            if found is None:
                found = by_table[table] = _by_holder(store.active(table), RequestStore(connection))
        return found

    def _today(self) -> date:
        return self._clock.now().astimezone(self._zone).date()


def _by_holder(grants: Sequence[Grant], requests: RequestStore) -> _Holders:
    found: _Holders = {}
    steps = requests.steps_of([grant.request_id or grant.id for grant in grants])
    for grant in grants:
        found.setdefault(grant.holder, []).append((grant, _granted(grant, steps[grant.request_id or grant.id])))
    return found


def _granted(grant: Grant, steps: Sequence[Step]) -> Granted:
    levels: Mapping[str, str] = grant.levels
    return Granted(
        id=grant.id,
        items=tuple(
            GrantedItem(item.column, item.handling, Level(levels.get(item.column, "L1"))) for item in grant.terms.items
        ),
        row_filters=grant.terms.filters,
        exits=grant.terms.exits,
        purpose=grant.purpose,
        approvers=tuple(f"{step.stage}:{step.by}" for step in steps if step.move in _DECIDING),
        rows_limited=grant.terms.rows_per_day is not None,
        public=grant.grantee_kind is GranteeKind.PUBLIC,
        alone=grant.org_id.startswith(PEER_ORGANISATION),
    )
