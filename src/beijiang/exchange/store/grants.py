"""Grants, what is had under them, and the number that rises with each of their changes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, or_, select, update

from beijiang.exchange.models import Grant, GranteeKind, GrantState, Terms, Usage
from beijiang.exchange.store.schema import exchange_epoch, exchange_grant, exchange_usage

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Select

    from beijiang.exchange.models import GrantQuery

__all__ = ["GrantStore", "grant_of", "grants_asked"]

_G, _U, _E = exchange_grant.c, exchange_usage.c, exchange_epoch.c
_EPOCH = "SELECT value FROM exchange_epoch"
"""Asked at every access: a text that needs no compiling."""
_SAME = (
    "id", "request_id", "resource_id", "resource_name", "provider_id", "org_id", "grantee_id", "levels", "purpose",
    "use", "basis", "agreement", "revision", "made_at", "ended_at", "reason",
)  # fmt: skip


class GrantStore:
    """Read and write grants on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def epoch(self) -> int:
        """Return the number that rises with every change of a grant."""
        return int(self._connection.exec_driver_sql(_EPOCH).scalar_one())

    def get(self, grant_id: str) -> Grant | None:
        """Return one grant."""
        row = self._connection.execute(select(exchange_grant).where(_G.id == grant_id)).one_or_none()
        return None if row is None else grant_of(row)

    def add(self, made: Grant) -> None:
        """Add a grant."""
        self._connection.execute(insert(exchange_grant).values(**_values(made)))
        self._raise_epoch()

    def save(self, changed: Grant) -> bool:
        """Write the next revision of a grant; False where somebody was faster."""
        unchanged = (_G.id == changed.id, _G.revision == changed.revision - 1)
        done = self._connection.execute(update(exchange_grant).where(*unchanged).values(**_values(changed)))
        self._raise_epoch()
        return done.rowcount == 1

    def active(self, table: str) -> list[Grant]:
        """Return the grants on a table that nobody ended, the newest first; whether their time has come is not asked."""
        query = select(exchange_grant).where(_G.table_name == table, _G.state == GrantState.ACTIVE.value)
        return self._all(query.order_by(_G.made_at.desc(), _G.id))

    def active_about(self, name: str) -> list[Grant]:
        """Return what ``active`` does, of an entry without a table by the id of the entry.

        No index knows entries: this is for what happens seldom, and never for an access.
        """
        on = (_G.table_name == name) | (_G.resource_id == name)
        query = select(exchange_grant).where(on, _G.state == GrantState.ACTIVE.value)
        return self._all(query.order_by(_G.made_at.desc(), _G.id))

    def held_by(self, holders: Collection[tuple[GranteeKind, str]]) -> list[Grant]:
        """Return the grants of some holders, ended ones too, the newest first."""
        mine = [
            (_G.grantee_kind == kind.value)
            & ((_G.org_id if kind is GranteeKind.ORGANISATION else _G.grantee_id) == name)
            for kind, name in holders
        ]
        query = select(exchange_grant).where(or_(*mine))
        return self._all(query.order_by(_G.made_at.desc(), _G.id))

    def running(self, day: date) -> list[Grant]:
        """Return the grants to departments and people of theirs that are in force on a day or wait for theirs, oldest first."""
        query = select(exchange_grant).where(_G.until >= day, _G.state == GrantState.ACTIVE.value)
        return self._all(query.where(_G.grantee_kind != GranteeKind.PUBLIC.value).order_by(_G.made_at, _G.id))

    def ending(self, day: date) -> list[Grant]:
        """Return the active grants whose last day is no later than a day."""
        query = select(exchange_grant).where(_G.until <= day, _G.state == GrantState.ACTIVE.value)
        return self._all(query.order_by(_G.until, _G.id))

    def find(self, query: GrantQuery, orgs: Collection[str], person_id: str, *, every: bool) -> tuple[list[Grant], int]:
        """Return grants of or to some departments, newest first, and how many there are."""
        wanted = grants_asked(query, orgs, person_id, every=every)
        count = self._connection.execute(select(func.count()).select_from(wanted.subquery())).scalar_one()
        return self._all(wanted.order_by(_G.made_at.desc(), _G.id).limit(query.limit)), count

    def had(self, org_id: str, resource_id: str) -> bool:
        """Tell whether a department ever had a grant of an entry."""
        found = select(_G.id).where(_G.org_id == org_id, _G.resource_id == resource_id).limit(1)
        return self._connection.execute(found).first() is not None

    def organisations(self) -> set[str]:
        """Return the departments that ever gave or got a grant."""
        return set(self._connection.execute(select(_G.org_id).union(select(_G.provider_id))).scalars())

    def take(self, grant_id: str, day: date, *, calls: int, rows: int, terms: Terms) -> bool:
        """Count what is had, unless it would be more than a day's quota; one statement, so that no race gets past it."""
        self._open_day(grant_id, day)
        fits = [_U.grant_id == grant_id, _U.day == day]
        if calls and terms.calls_per_day is not None:
            fits.append(_U.calls + calls <= terms.calls_per_day)
        if rows and terms.rows_per_day is not None:
            fits.append(_U.rows + rows <= terms.rows_per_day)
        counted = update(exchange_usage).where(*fits).values(calls=_U.calls + calls, rows=_U.rows + rows)
        return self._connection.execute(counted).rowcount == 1

    def used(self, grant_id: str, day: date) -> Usage:
        """Return what was had on a day."""
        row = self._connection.execute(select(_U.calls, _U.rows).where(_U.grant_id == grant_id, _U.day == day)).first()
        return Usage(day, 0, 0) if row is None else Usage(day, row.calls, row.rows)

    def usage(self, grant_id: str, limit: int = 60) -> list[Usage]:
        """Return what was had under a grant, the newest day first."""
        query = select(_U.day, _U.calls, _U.rows).where(_U.grant_id == grant_id).order_by(_U.day.desc()).limit(limit)
        return [Usage(row.day, row.calls, row.rows) for row in self._connection.execute(query)]

    def _open_day(self, grant_id: str, day: date) -> None:
        here = select(_U.day).where(_U.grant_id == grant_id, _U.day == day)
        if self._connection.execute(here).first() is None:
            from sqlalchemy.dialects import postgresql, sqlite

            dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
            opened = dialect.insert(exchange_usage).values(grant_id=grant_id, day=day, calls=0, rows=0)
            self._connection.execute(opened.on_conflict_do_nothing())

    def _raise_epoch(self) -> None:
        self._connection.execute(update(exchange_epoch).values(value=_E.value + 1))

    def _all(self, query: Select[Any]) -> list[Grant]:
        return [grant_of(row) for row in self._connection.execute(query)]


def _values(one: Grant) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in _SAME},
        "levels": dict(one.levels),
        "table_name": one.table,
        "grantee_kind": one.grantee_kind.value,
        "terms": one.terms.to_json(),
        "until": one.terms.until,
        "state": one.state.value,
    }


def grants_asked(query: GrantQuery, orgs: Collection[str], person_id: str, *, every: bool) -> Select[Any]:
    """Return the question for grants of or to some departments, however they stand."""
    wanted = select(exchange_grant)
    if not every:
        mine = (_G.grantee_kind == GranteeKind.PERSON.value) & (_G.grantee_id == person_id)
        wanted = wanted.where(or_(_G.org_id.in_(orgs), _G.provider_id.in_(orgs), mine))
    for column, value in (
        (_G.org_id, query.org_id),
        (_G.provider_id, query.provider_id),
        (_G.table_name, query.table),
    ):
        if value:
            wanted = wanted.where(column == value)
    if query.words:
        wanted = wanted.where(
            or_(
                _G.resource_name.contains(query.words, autoescape=True),
                _G.table_name.contains(query.words, autoescape=True),
                _G.id == query.words,
            )
        )
    return wanted


def grant_of(row: Row[Any]) -> Grant:
    """Return the grant of a row."""
    return Grant(
        **{name: getattr(row, name) for name in _SAME},
        table=row.table_name,
        grantee_kind=GranteeKind(row.grantee_kind),
        terms=Terms.from_json(row.terms),
        state=GrantState(row.state),
    )
