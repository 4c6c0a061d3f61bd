"""The verbs on people: the system administrator makes accounts, the security administrator gives roles."""

from __future__ import annotations

from datetime import timedelta

from beijiang.access.errors import unknown_organisation, unknown_person
from beijiang.access.models import ADMINISTRATORS, PasswordReset, Permission, Person, PersonDraft, Role, check_roles
from beijiang.access.service.decisions import Decisions
from beijiang.access.service.passwords import code_digest, new_code
from beijiang.access.store import KeyStore, OrganisationStore, PersonStore, SessionStore, people_part
from beijiang.db import UnitOfWork
from beijiang.kit import Actor, Conflict, Invalid, Part, Refused, Wanted, new_id, normalise
from beijiang.kit.errors import JsonValue

NEED_ORGANISATION = frozenset({Role.STEWARD, Role.ORG_REVIEWER, Role.ANALYST})
"""Roles that mean nothing without an organisation."""


class People(Decisions):
    """Keep accounts and their roles."""

    def people(self, actor: Actor, org_id: str | None = None) -> list[Person]:
        """Return the people of one organisation, or all whom the actor may see."""
        if org_id is None and not self.allows(actor, Permission.ACCESS_PERSON_READ):
            org_id = actor.org_id
        self.require(actor, Permission.ACCESS_PERSON_READ, org_id)
        with self._db.read() as connection:
            return PersonStore(connection).all(org_id)

    def people_part(self, actor: Actor, wanted: Wanted) -> Part[Person]:
        """Return a part of the people that ``people`` lists, narrowed, counted and sorted."""
        org_id = None if self.allows(actor, Permission.ACCESS_PERSON_READ) else actor.org_id
        self.require(actor, Permission.ACCESS_PERSON_READ, org_id)
        with self._db.read() as connection:
            return people_part(connection, wanted, org_id, self._clock.now())

    def person(self, actor: Actor, name: str) -> Person:
        """Return one person by id or login; everybody may see themselves.

        Raises:
            NotFound: there is none, or the actor may not see the people of that organisation.

        """
        with self._db.read() as connection:
            store = PersonStore(connection)
            account = store.by_id(name) or store.by_login(normalise(name))
        found = account.person if account else None
        seen = found is not None and self.allows(actor, Permission.ACCESS_PERSON_READ, found.org_id)
        if found is None or not (seen or actor.id == found.id):
            raise unknown_person()
        return found

    def add_person(self, actor: Actor, draft: PersonDraft) -> tuple[Person, str]:
        """Make an account; return it and the one-time code, shown once, with which the person sets a password.

        Raises:
            Conflict: the login is taken.
            NotFound: the organisation is unknown.

        """
        self.require(actor, Permission.ACCESS_PERSON_MANAGE)
        if draft.roles:
            self._require_assign(actor, draft.roles)
        draft = draft.checked()
        _check_organisation(draft.roles, draft.org_id)
        code = new_code()
        with self._db.begin() as tx:
            person = self._new_person(tx, draft)
            expires = self._clock.now() + timedelta(hours=self._settings.setup_code_hours)
            PersonStore(tx.connection).add(person, code_digest(code), expires)
            self._evidence.record(
                tx,
                actor,
                "access.person.add",
                target=person.id,
                detail={"login": person.login, "org": person.org_id, "roles": _names(person.roles)},
            )
        return person, code

    def set_roles(self, actor: Actor, person_id: str, roles: frozenset[Role]) -> Person:
        """Replace somebody's roles; their sessions end, so that nothing goes on under the old ones.

        Raises:
            Refused: it is the actor's own account, or the roles may not be held together.

        """
        self.require(actor, Permission.ACCESS_ROLE_ASSIGN)
        check_roles(roles)
        with self._db.begin() as tx:
            person = self._changeable(tx, actor, person_id, "access.roles.set")
            self._require_assign(actor, roles | person.roles)
            _check_organisation(roles, person.org_id)
            PersonStore(tx.connection).set_roles(person_id, roles)
            SessionStore(tx.connection).end_all(person_id)
            if roles & ADMINISTRATORS:
                KeyStore(tx.connection).revoke_all(person_id, self._clock.now())
            detail = {"before": _names(person.roles), "after": _names(roles)}
            self._evidence.record(tx, actor, "access.roles.set", target=person_id, detail=detail)
            changed = self._existing(tx, person_id)
            self._farewell(tx, person_id)
        return changed

    def disable_person(self, actor: Actor, person_id: str, reason: str) -> Person:
        """Close an account: its sessions end and its keys are revoked at once."""
        self.require(actor, Permission.ACCESS_PERSON_MANAGE)
        with self._db.begin() as tx:
            person = self._changeable(tx, actor, person_id, "access.person.disable")
            self._require_over(actor, person)
            now = self._clock.now()
            PersonStore(tx.connection).set_disabled(person_id, now)
            SessionStore(tx.connection).end_all(person_id)
            keys = KeyStore(tx.connection).revoke_all(person_id, now)
            detail: dict[str, JsonValue] = {"reason": reason, "keys_revoked": keys}
            self._evidence.record(tx, actor, "access.person.disable", target=person_id, detail=detail)
            closed = self._existing(tx, person_id)
            self._farewell(tx, person_id)
        return closed

    def enable_person(self, actor: Actor, person_id: str) -> Person:
        """Open a closed account again; its keys stay revoked."""
        self.require(actor, Permission.ACCESS_PERSON_MANAGE)
        with self._db.begin() as tx:
            self._require_over(actor, self._changeable(tx, actor, person_id, "access.person.enable"))
            PersonStore(tx.connection).set_disabled(person_id, None)
            self._evidence.record(tx, actor, "access.person.enable", target=person_id)
            return self._existing(tx, person_id)

    def reset_person(self, actor: Actor, person_id: str) -> PasswordReset:
        """Void somebody's password, sessions and API keys; return a one-time code, shown once, and how many keys ended.

        Whoever had the account in the person's stead may have issued keys; they must not outlive the reset.

        An administrator is reset by the operator only: otherwise the system administrator could become the auditor.
        """
        self.require(actor, Permission.ACCESS_PERSON_MANAGE)
        code = new_code()
        with self._db.begin() as tx:
            self._require_over(actor, self._changeable(tx, actor, person_id, "access.person.reset"))
            now = self._clock.now()
            expires = now + timedelta(hours=self._settings.setup_code_hours)
            PersonStore(tx.connection).set_code(person_id, code_digest(code), expires)
            SessionStore(tx.connection).end_all(person_id)
            keys = KeyStore(tx.connection).revoke_all(person_id, now)
            self._evidence.record(tx, actor, "access.person.reset", target=person_id, detail={"keys_revoked": keys})
            self._farewell(tx, person_id)
        return PasswordReset(code, keys)

    def _require_assign(self, actor: Actor, roles: frozenset[Role]) -> None:
        self.require(actor, Permission.ACCESS_ROLE_ASSIGN)
        if roles & ADMINISTRATORS:
            self.require(actor, Permission.ACCESS_ADMINISTRATOR_MANAGE)

    def _require_over(self, actor: Actor, person: Person) -> None:
        if person.is_administrator:
            self.require(actor, Permission.ACCESS_ADMINISTRATOR_MANAGE)

    def _changeable(self, tx: UnitOfWork, actor: Actor, person_id: str, action: str) -> Person:
        if actor.id == person_id:
            raise Refused(
                "不能变更自己的账号或角色，请由另一位管理员办理。",
                "You may not change your own account or roles; another administrator has to.",
                code="own_account",
                detail={"action": action},
            )
        return self._existing(tx, person_id)

    def _existing(self, tx: UnitOfWork, person_id: str) -> Person:
        found = PersonStore(tx.connection).get(person_id)
        if found is None:
            raise unknown_person()
        return found

    def _new_person(self, tx: UnitOfWork, draft: PersonDraft) -> Person:
        if draft.org_id is not None and OrganisationStore(tx.connection).get(draft.org_id) is None:
            raise unknown_organisation(draft.org_id)
        if PersonStore(tx.connection).by_login(draft.login) is not None:
            raise Conflict(
                f"账号“{draft.login}”已被使用，请换一个。",
                f"The login “{draft.login}” is taken; choose another.",
                code="login_taken",
                detail={"login": draft.login},
            )
        return Person(
            id=new_id("per"),
            login=draft.login,
            name=draft.name,
            org_id=draft.org_id,
            roles=draft.roles,
            must_set_password=True,
            disabled_at=None,
            created_at=self._clock.now(),
        )


def _names(roles: frozenset[Role]) -> JsonValue:
    return [str(role) for role in sorted(roles)]


def _check_organisation(roles: frozenset[Role], org_id: str | None) -> None:
    if roles & NEED_ORGANISATION and org_id is None:
        names = "、".join(role.text.zh for role in sorted(roles & NEED_ORGANISATION))
        raise Invalid(
            f"“{names}”须隶属于一个机构，请先指定机构。",
            "Stewards, department reviewers and analysts belong to an organisation; name one.",
            code="role_needs_organisation",
        )
