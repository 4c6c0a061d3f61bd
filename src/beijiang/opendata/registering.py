"""The verbs of registration: a person asks for an account, a person of the authority confirms it. No network is needed.

The platform sends nothing: who registers gets a login and a code on the page, once; an officer of the authority reaches them by the
contact that they gave, and admits them; the code then opens the account. Nobody can learn here whether an account exists: the
platform draws the end of every login itself, and every wrong question about a registration has the same answer.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.exchange import Applicant, ApplicantKind
from beijiang.ingest import AlertKind
from beijiang.kit import Conflict, Invalid, NotFound, Text, new_id
from beijiang.opendata.members import Registered, Registration, RegistrationState, Standing, clean_words
from beijiang.opendata.store import RegistrationStore
from beijiang.standards import CaseState, begin, deadline, stop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from beijiang.access import Access
    from beijiang.crypto import Vault
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.ingest import Alerts
    from beijiang.kit import Actor, Clock
    from beijiang.opendata.doorman import Doorman
    from beijiang.opendata.members import RegistrationDraft
    from beijiang.quality import Tickets
    from beijiang.standards import Deadline, Standards

__all__ = ["PublicParts", "Registrations"]

PURPOSE: Final = "portal-contact"
_TOPIC: Final = "member.confirm"
_TRIES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicParts:
    """What the verbs of the public work with."""

    db: Database
    standards: Standards
    access: Access
    evidence: Evidence
    alerts: Alerts
    vault: Vault
    tickets: Tickets
    doorman: Doorman
    clock: Clock
    zone: ZoneInfo


class Registrations:
    """Who of the public asks for an account."""

    def __init__(self, parts: PublicParts) -> None:
        self.parts = parts
        self._db = parts.db
        self._access = parts.access

    def register(self, actor: Actor, draft: RegistrationDraft) -> Registered:
        """Ask for an account; the answer is the same for everybody, whatever accounts there are.

        Raises:
            Invalid: a field will not do.

        """
        self._access.require(actor, Permission.OPENDATA_VOICE_RAISE)
        draft = draft.checked()
        code, digest = self._access.member_code()
        rule, now = self.parts.standards.limit(_TOPIC, ""), self.parts.clock.now()
        made_id = new_id("reg")
        with self._db.begin() as tx:
            store = RegistrationStore(tx.connection)
            logins = (f"{draft.login}-{secrets.randbelow(90_000) + 10_000}" for _ in range(_TRIES))
            login = next(one for one in logins if store.by_login(one) is None)
            made = Registration(
                id=made_id,
                login=login,
                name=draft.name,
                standing=draft.standing,
                credit_code=draft.credit_code,
                words=draft.words,
                contact=self.parts.vault.seal(draft.contact, purpose=PURPOSE, context=made_id),
                digest=digest,
                state=RegistrationState.WAITING,
                case=None if rule is None else begin(rule, now),
                created_at=now,
            )
            store.add(made)
            self.parts.evidence.record(
                tx, actor, "opendata.register", target=made.id, detail={"standing": made.standing.value}
            )
        return Registered(registration=made, code=code)

    def standing(self, actor: Actor, login: str, code: str) -> Registration:
        """Return how a registration stands, for whoever has its code.

        Raises:
            NotFound: no such registration, or another code; both look the same.

        """
        self._access.require(actor, Permission.OPENDATA_VOICE_RAISE)
        with self._db.read() as connection:
            found = RegistrationStore(connection).by_login(login.strip().lower())
        given = self._access.member_digest(code)
        if not hmac.compare_digest(given, found.digest if found else "") or found is None:
            raise _no_registration()
        return found

    def registrations(
        self, actor: Actor, state: RegistrationState | None = RegistrationState.WAITING
    ) -> tuple[Sequence[Registration], int]:
        """Return registrations for the officer who confirms them, and how many there are."""
        self._access.require(actor, Permission.ACCESS_MEMBER_CONFIRM)
        with self._db.read() as connection:
            return RegistrationStore(connection).find(state)

    def registration(self, actor: Actor, registration_id: str) -> Registration:
        """Return one registration, decided or not.

        Raises:
            NotFound: no such registration.

        """
        self._access.require(actor, Permission.ACCESS_MEMBER_CONFIRM)
        return self._get(registration_id)

    def contact(self, actor: Actor, registration_id: str) -> str:
        """Return how to reach who registered; that it was looked at is on record.

        Raises:
            NotFound: no such registration.

        """
        self._access.require(actor, Permission.ACCESS_MEMBER_CONFIRM)
        found = self._get(registration_id)
        with self._db.begin() as tx:
            self.parts.evidence.record(tx, actor, "opendata.contact_read", target=found.id)
        return self.parts.vault.open(found.contact, purpose=PURPOSE, context=found.id)

    def admit(self, actor: Actor, registration_id: str) -> Registration:
        """Make the account; its owner opens it with the code from the registration.

        Raises:
            NotFound: no such registration.
            Conflict: it is decided already.

        """
        self._access.require(actor, Permission.ACCESS_MEMBER_CONFIRM)
        found = self._waiting(registration_id)
        person = self._access.admit_member(actor, found.login, found.name, found.digest)
        return self._decide(actor, replace(found, state=RegistrationState.ADMITTED, person_id=person.id))

    def refuse(self, actor: Actor, registration_id: str, reason: str) -> Registration:
        """Say no, with the reason that who registered reads.

        Raises:
            NotFound: no such registration.
            Conflict: it is decided already.
            Invalid: no reason.

        """
        self._access.require(actor, Permission.ACCESS_MEMBER_CONFIRM)
        words = clean_words(reason)
        if not words:
            raise Invalid("请写明理由，申请人会看到。", "Give the reason; the person reads it.", code="reason_needed")
        return self._decide(
            actor, replace(self._waiting(registration_id), state=RegistrationState.REFUSED, reason=words)
        )

    def applicant(self, person_id: str) -> Applicant | None:
        """Return who an account was confirmed for, as exchange knows applicants; None where nobody confirmed it."""
        with self._db.read() as connection:
            found = RegistrationStore(connection).admitted(person_id) if person_id else None
        if found is None or (found.standing is Standing.BUSINESS and not found.credit_code):
            return None
        return Applicant(kind=ApplicantKind(found.standing.value), name=found.name, credit_code=found.credit_code)

    def due(self, registration: Registration) -> Deadline | None:
        """Return how the time of a registration stands that its reader holds already."""
        if registration.case is None:
            return None
        return deadline(registration.case, self.parts.clock.now(), self.parts.standards.calendar, self.parts.zone)

    def renew(self, tx: UnitOfWork) -> int:
        """Wrap every contact under the newest root key, when a new one was made; return how many."""
        store = RegistrationStore(tx.connection)
        held = store.contacts()
        for owner, sealed in held:
            store.put_contact(owner, self.parts.vault.rewrap(sealed, purpose=PURPOSE, context=owner))
        return len(held)

    def watch(self) -> None:
        """Remind the authority of registrations past their time. Called by the dispatcher every minute."""
        with self._db.read() as connection:
            waiting, _ = RegistrationStore(connection).find(RegistrationState.WAITING)
        for one in waiting:
            standing = self.due(one)
            if standing is not None and standing.state is CaseState.OVERDUE:
                words = Text("有公众注册超期未确认。", "A registration of the public is past its time.")
                self.parts.alerts.say(AlertKind.VOICE_OVERDUE, one.id, "", words)

    def _decide(self, actor: Actor, decided: Registration) -> Registration:
        now = self.parts.clock.now()
        case = None if decided.case is None else stop(decided.case, now)
        done = replace(decided, case=case, decided_by=actor.id, decided_at=now)
        with self._db.begin() as tx:
            if not RegistrationStore(tx.connection).decide(done):
                raise _decided_already()
            self.parts.evidence.record(
                tx,
                actor,
                "opendata.registration_decide",
                target=done.id,
                detail={"state": done.state.value, "person": done.person_id, "reason": done.reason},
            )
        self.parts.alerts.clear(AlertKind.VOICE_OVERDUE, done.id)
        return done

    def _waiting(self, registration_id: str) -> Registration:
        found = self._get(registration_id)
        if found.state is not RegistrationState.WAITING:
            raise _decided_already()
        return found

    def _get(self, registration_id: str) -> Registration:
        with self._db.read() as connection:
            found = RegistrationStore(connection).get(registration_id)
        if found is None:
            raise _no_registration()
        return found


def _no_registration() -> NotFound:
    return NotFound(
        "没有这项注册，或者登录名与开户码不符。",
        "There is no such registration, or login and code do not belong together.",
        code="registration_not_found",
    )


def _decided_already() -> Conflict:
    return Conflict("这项注册已经办理。", "This registration is decided already.", code="registration_decided")
