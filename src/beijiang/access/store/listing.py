"""Accounts as a long list: what stands in its columns, in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import case, func, or_, select

from beijiang.access.store.people import PersonStore
from beijiang.access.store.schema import person, person_role
from beijiang.db import Shelf, age_of, part_of
from beijiang.kit import Part

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from beijiang.access.models import Person
    from beijiang.kit import Wanted

__all__ = ["people_part"]

_P = person.c


def people_part(connection: Connection, wanted: Wanted, org_id: str | None, now: datetime) -> Part[Person]:
    """Return a part of the accounts of an organisation (None: of all), by login."""
    roles = _roles()
    shelf = Shelf(
        rows=select(person) if org_id is None else select(person).where(_P.org_id == org_id),
        columns={
            "login": _P.login,
            "name": _P.name,
            "org": _P.org_id,
            "roles": roles,
            "standing": case(
                (_P.disabled_at.is_not(None), "closed"),
                (or_(roles.is_(None), roles == ""), "no_role"),
                (_P.password_hash.is_(None), "first"),
                else_="used",
            ),
            "made": _P.created_at,
            "age": age_of(_P.created_at, now),
        },
        counted=("org", "roles", "standing", "age"),
        words=("login", "name"),
        order=(_P.login,),
    )
    rows, found, counts = part_of(connection, shelf, wanted)
    return Part(PersonStore(connection).made_of(rows), found, counts)


def _roles() -> ColumnElement[str]:
    """Return the roles of an account with commas between them, by name; an administrator has the one."""
    held = select(person_role.c.role).where(person_role.c.person_id == _P.id).order_by(person_role.c.role)
    inner = held.correlate(person).subquery()
    joined = select(func.aggregate_strings(inner.c.role, ",")).scalar_subquery()
    return func.coalesce(_P.admin_role, joined)
