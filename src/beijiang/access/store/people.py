"""SQL on people and their roles."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from beijiang.access.models import ADMINISTRATORS, Person, Role
from beijiang.access.store.schema import person, person_role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row, Select
    from sqlalchemy.sql import ColumnElement

_EVERYBODY = 1000
"""From so many people on the roles of all are read."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an account proves itself with; never leaves this domain."""

    person: Person
    password_hash: str | None = field(repr=False)
    code_digest: str | None = field(repr=False)
    code_expires_at: datetime | None


class PersonStore:
    """Add, find and change people."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, new: Person, code_digest: str, code_expires_at: datetime) -> None:
        """Store a person with a one-time code and without a password."""
        values = {
            "id": new.id,
            "login": new.login,
            "name": new.name,
            "org_id": new.org_id,
            "office": "data",
            "code_digest": code_digest,
            "code_expires_at": code_expires_at,
            "created_at": new.created_at,
        }
        self.connection.execute(insert(person).values(**values))
        self.set_roles(new.id, new.roles)

    def set_roles(self, person_id: str, roles: frozenset[Role]) -> None:
        """Replace the roles; the database refuses what the rule of the three administrators forbids."""
        self.connection.execute(delete(person_role).where(person_role.c.person_id == person_id))
        admin = next(iter(roles & ADMINISTRATORS), None)
        office = {"office": "data" if admin is None else "admin", "admin_role": None if admin is None else str(admin)}
        self.connection.execute(update(person).where(person.c.id == person_id).values(**office))
        data = [{"person_id": person_id, "role": str(role)} for role in sorted(roles - ADMINISTRATORS)]
        if data:
            self.connection.execute(insert(person_role), data)

    def set_password(self, person_id: str, password_hash: str) -> None:
        """Store a new password hash and spend the one-time code."""
        values = {"password_hash": password_hash, "code_digest": None, "code_expires_at": None}
        self.connection.execute(update(person).where(person.c.id == person_id).values(**values))

    def set_code(self, person_id: str, code_digest: str, expires_at: datetime) -> None:
        """Replace whatever the account proved itself with by a one-time code."""
        values = {"password_hash": None, "code_digest": code_digest, "code_expires_at": expires_at}
        self.connection.execute(update(person).where(person.c.id == person_id).values(**values))

    def set_disabled(self, person_id: str, at: datetime | None) -> None:
        """Disable the account, or enable it again."""
        self.connection.execute(update(person).where(person.c.id == person_id).values(disabled_at=at))

    def get(self, person_id: str) -> Person | None:
        """Return one person."""
        found = self._credentials(person.c.id == person_id)
        return None if found is None else found.person

    def by_login(self, login: str) -> Credentials | None:
        """Return the account of this login."""
        return self._credentials(person.c.login == login)

    def by_id(self, person_id: str) -> Credentials | None:
        """Return the account of this id."""
        return self._credentials(person.c.id == person_id)

    def all(self, org_id: str | None = None) -> list[Person]:
        """Return all people, or those of one organisation, by login."""
        query = select(person).order_by(person.c.login)
        if org_id is not None:
            query = query.where(person.c.org_id == org_id)
        rows = self.connection.execute(query).all()
        return self._with_roles(rows, select(person_role.c.person_id, person_role.c.role))

    def made_of(self, rows: Sequence[Row[Any]]) -> list[Person]:
        """Make people of whole rows of their table; their roles are read for all of them at once."""
        held = select(person_role.c.person_id, person_role.c.role)
        ids = [row.id for row in rows]
        return self._with_roles(rows, held if len(ids) > _EVERYBODY else held.where(person_role.c.person_id.in_(ids)))

    def _with_roles(self, rows: Sequence[Row[Any]], query: Select[Any]) -> list[Person]:
        roles: dict[str, set[Role]] = {}
        for held in self.connection.execute(query):
            roles.setdefault(held.person_id, set()).add(Role(held.role))
        return [_person(row, roles.get(row.id, set())) for row in rows]

    def _credentials(self, condition: ColumnElement[bool]) -> Credentials | None:
        row = self.connection.execute(select(person).where(condition)).one_or_none()
        if row is None:
            return None
        query = select(person_role.c.role).where(person_role.c.person_id == row.id)
        roles = {Role(role) for role in self.connection.execute(query).scalars()}
        return Credentials(_person(row, roles), row.password_hash, row.code_digest, row.code_expires_at)


def _person(row: Row[Any], roles: set[Role]) -> Person:
    held = roles if row.admin_role is None else roles | {Role(row.admin_role)}
    return Person(
        id=row.id,
        login=row.login,
        name=row.name,
        org_id=row.org_id,
        roles=frozenset(held),
        must_set_password=row.password_hash is None,
        disabled_at=row.disabled_at,
        created_at=row.created_at,
    )
