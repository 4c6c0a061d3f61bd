"""Members of the public: an account that a registration became, with no right but to its own things."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from beijiang.access.models import Permission, Person, PersonDraft, Role
from beijiang.access.service.passwords import code_digest, new_code
from beijiang.access.service.people import People
from beijiang.access.store import PersonStore
from beijiang.kit import Actor

__all__ = ["Members"]

CODE_DAYS: Final = 30
"""How long a member may wait with the first sign-in after the account was admitted."""


class Members(People):
    """Admit members of the public."""

    @staticmethod
    def member_code() -> tuple[str, str]:
        """Return a one-time code for somebody who registers, and what is stored of it."""
        code = new_code()
        return code, code_digest(code)

    @staticmethod
    def member_digest(code: str) -> str:
        """Return what would be stored of a one-time code as somebody typed it."""
        return code_digest(code)

    def admit_member(self, actor: Actor, login: str, name: str, digest: str) -> Person:
        """Make a member's account that opens with the code whose digest was kept at the registration.

        Raises:
            Conflict: the login is taken.

        """
        self.require(actor, Permission.ACCESS_MEMBER_CONFIRM)
        draft = PersonDraft(login=login, name=name, roles=frozenset({Role.MEMBER})).checked()
        with self._db.begin() as tx:
            person = self._new_person(tx, draft)
            PersonStore(tx.connection).add(person, digest, self._clock.now() + timedelta(days=CODE_DAYS))
            self._evidence.record(tx, actor, "access.member.admit", target=person.id, detail={"login": person.login})
        return person
