"""Signing in and out, and turning a cookie or a key into an actor."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from beijiang.access.errors import (
    proof_expired,
    sign_in_refused,
    unknown_person,
)
from beijiang.access.models import (
    ADMINISTRATORS,
    APPLICATION_ITSELF,
    SET_UP_PENDING,
    TOKEN_PREFIX,
    ApiKey,
    Permission,
    Person,
    Session,
    SignedIn,
    TokenProof,
    check_password,
)
from beijiang.access.service.decisions import Decisions
from beijiang.access.service.passwords import Passwords, code_digest, csrf_token, digest, new_token
from beijiang.access.service.policy import Policies
from beijiang.access.service.throttle import Throttle
from beijiang.access.store import AttemptStore, Credentials, KeyStore, PersonStore, SessionStore
from beijiang.db import Database, UnitOfWork
from beijiang.evidence import Decision, Evidence
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, ActorKind, BeijiangError, Clock, Refused, new_id, normalise
from beijiang.kit.errors import JsonValue
from beijiang.settings import Settings

TERMINAL = "terminal"
"""What stands for a session when the operator acts as somebody at the machine."""

SESSION_COOKIE = "__Host-beijiang-session"
KEY_PREFIX = "bj_"
_TOUCH = timedelta(seconds=60)
_WINDOW = timedelta(minutes=10)
_TOGETHER = 20


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One try to sign in, as it stood before the password was looked at."""

    login_digest: str
    account: Credentials | None
    locked: bool


class Sessions(Decisions):
    """Prove who somebody is."""

    def __init__(
        self, db: Database, evidence: Evidence, clock: Clock, settings: Settings, policies: Policies | None = None
    ) -> None:
        super().__init__(db, evidence, clock, settings, policies)
        self._passwords = Passwords(settings)
        per_source = settings.sign_in_failures_per_source
        self._throttle = Throttle(per_source, per_source * _TOGETHER, _WINDOW)

    def sign_in(self, name: str, password: str, source: str, replaces: str | None = None) -> SignedIn:
        """Check a password or one-time code and begin a session under a new token; ``replaces`` ends an old one.

        Unknown, wrong, locked and disabled answer alike and cost the same work.

        Raises:
            Unauthenticated: the one answer to every failure.
            Throttled: too many failures from this source.

        """
        now = self._clock.now()
        self._throttle.check(source, now)
        attempt = self._begin_attempt(normalise(name), now)
        account = attempt.account
        by_code = _by_code(attempt, password, now)
        fits = not by_code and self._passwords.verify(account.password_hash if account else None, password)
        if account is None or attempt.locked or account.person.disabled_at or not (fits or by_code):
            self._throttle.fail(source, now)
            self._record_failure(attempt, source)
            raise sign_in_refused()
        fresh = self._fresh_hash(account, password) if fits else None
        before = None if replaces is None else self.session(replaces)
        with self._db.begin() as tx:
            AttemptStore(tx.connection).clear(attempt.login_digest)
            SessionStore(tx.connection).sweep(now)
            if replaces is not None:
                SessionStore(tx.connection).end(digest(replaces))
            if fresh is not None:
                PersonStore(tx.connection).set_password(account.person.id, fresh)
            opened = self._open_session(tx, account.person, source)
            if before is not None and before.person_id != account.person.id:
                self._farewell(tx, before.person_id, before.id)  # who was there before has left, applications included
        return opened

    def sign_out(self, token: str) -> None:
        """End the session of this token; an unknown one is no error."""
        with self._db.begin() as tx:
            session = SessionStore(tx.connection).find(digest(token))
            if session is None:
                return
            person = PersonStore(tx.connection).get(session.person_id)
            SessionStore(tx.connection).end(digest(token))
            if person is not None:
                self._evidence.record(tx, person.as_actor(session.id), "access.sign_out", target=person.id)
            self._farewell(tx, session.person_id, session.id)

    def change_password(self, actor: Actor, current: str, new: str) -> SignedIn:
        """Set a new password; every session of the person ends and a new one begins.

        ``current`` is the old password, or the one-time code.

        Raises:
            Unauthenticated: ``current`` does not fit.
            Invalid: the new password is too weak.

        """
        self.require(actor, Permission.ACCESS_PASSWORD_CHANGE)
        now = self._clock.now()
        with self._db.read() as connection:
            login = self._living(PersonStore(connection).by_id(actor.id)).person.login
        attempt = self._begin_attempt(login, now)
        account = self._living(attempt.account)
        fits = _by_code(attempt, current, now) or self._passwords.verify(account.password_hash, current)
        if attempt.locked or not fits:
            self._record_failure(attempt, "change")
            raise sign_in_refused()
        check_password(new, login)
        stored = self._passwords.hash(new)
        with self._db.begin() as tx:
            AttemptStore(tx.connection).clear(attempt.login_digest)
            PersonStore(tx.connection).set_password(actor.id, stored)
            SessionStore(tx.connection).end_all(actor.id)
            self._evidence.record(tx, actor, "access.password.change", target=actor.id)
            self._farewell(tx, actor.id)
            return self._open_session(tx, replace(account.person, must_set_password=False), "change")

    def session(self, token: str) -> Session | None:
        """Return the living session of a token, or None."""
        with self._db.read() as connection:
            found = SessionStore(connection).find(digest(token))
        return found if found is not None and _alive(found, self._clock.now()) else None

    def csrf(self, token: str) -> str:
        """Return the token that forms of this session must carry."""
        return csrf_token(token)

    def actor_for(self, cookies: Mapping[str, str], authorization: str | None = None) -> Actor:
        """Turn a session cookie or an ``Authorization`` header into an actor; with neither, it is a visitor.

        A header decides before a cookie. A session that has ended is a visitor again; a bad key is an error.

        Raises:
            Unauthenticated: the key is unknown, expired or revoked.

        """
        if authorization:
            return self._actor_for_key(authorization)
        token = cookies.get(SESSION_COOKIE)
        return ANONYMOUS if not token else self._actor_for_token(token)

    def actor_for_person(self, name: str) -> Actor:
        """Return somebody as an actor for the operator at the machine (``--as``); that it happened is recorded.

        Raises:
            NotFound: there is no such login.
            Refused: the account is disabled.

        """
        with self._db.read() as connection:
            account = PersonStore(connection).by_login(normalise(name))
        if account is None:
            raise unknown_person()
        if account.person.disabled_at is not None:
            raise Refused("这个账号已停用。", "This account is disabled.", code="person_disabled")
        self._evidence.note(SYSTEM, "access.acts_as", target=account.person.id)
        return account.person.as_actor(TERMINAL)

    def current(self, who: Actor) -> Actor:
        """Return the actor as of now, with today's roles; for jobs and long streams that began under older ones.

        A browser session may have ended meanwhile: work that was begun in it goes on.

        Raises:
            Unauthenticated: the key or account is no longer good.

        """
        if who.kind in (ActorKind.SYSTEM, ActorKind.ANONYMOUS):
            return who
        proof = None if self.tokens is None else self.tokens.standing(who.session_id or "")
        if proof is not None:
            had = proof.scopes if who.scopes is None else who.scopes
            return self._actor_of_proof(
                replace(proof, scopes=proof.scopes & had)
            )  # a token may be narrower than its sign-on
        with self._db.read() as connection:
            account = PersonStore(connection).by_id(who.id)
            key = KeyStore(connection).get(who.session_id or "") if who.kind is ActorKind.APPLICATION else None
        if account is None or account.person.disabled_at is not None:
            raise proof_expired()
        if who.kind is ActorKind.APPLICATION:
            if key is None or not _usable(key, self._clock.now()):
                raise proof_expired()
            return _key_actor(key, account.person)
        still_pending = SET_UP_PENDING in who.roles and account.person.must_set_password
        return account.person.as_actor(who.session_id, pending=still_pending)

    def _actor_for_token(self, token: str) -> Actor:
        now = self._clock.now()
        with self._db.read() as connection:
            session = SessionStore(connection).find(digest(token))
            person = None if session is None else PersonStore(connection).get(session.person_id)
        if session is None or person is None or person.disabled_at is not None or not _alive(session, now):
            return ANONYMOUS
        if now - session.seen_at >= _TOUCH:
            with self._db.begin() as tx:
                SessionStore(tx.connection).touch(digest(token), now)
        return person.as_actor(session.id, pending=person.must_set_password)

    def _actor_for_key(self, authorization: str) -> Actor:
        secret = authorization.removeprefix("Bearer ").strip()
        if secret.startswith(TOKEN_PREFIX):
            proof = None if self.tokens is None else self.tokens.proof(secret)
            if proof is None:
                raise self._key_refused(None)
            return self._actor_of_proof(proof)
        now = self._clock.now()
        with self._db.read() as connection:
            key = KeyStore(connection).find(digest(secret)) if secret.startswith(KEY_PREFIX) else None
            person = None if key is None else PersonStore(connection).get(key.person_id)
        if key is None or person is None or person.disabled_at is not None or not _usable(key, now):
            raise self._key_refused(None if key is None else key.id)
        if key.used_at is None or now - key.used_at >= _TOUCH:
            with self._db.begin() as tx:
                KeyStore(tx.connection).touch(key.id, now)
        return _key_actor(key, person)

    def _key_refused(self, key_id: str | None) -> BeijiangError:
        """Record that a key or token was refused, by its id where it is one of ours, and return the refusal."""
        error = proof_expired()
        self._evidence.note_stranger("access.key_refused", target=key_id or "key", reason=error.reason)
        return error

    def _actor_of_proof(self, proof: TokenProof | None) -> Actor:
        """Return whom a token stands for: a person within the application's scopes, or the application itself."""
        if proof is None:
            raise proof_expired()
        if proof.person_id is None:
            return Actor(
                id=proof.client_id,
                name=proof.client_name,
                kind=ActorKind.APPLICATION,
                org_id=proof.org_id,
                roles=frozenset({APPLICATION_ITSELF}),
                session_id=proof.id,
                scopes=proof.scopes,
            )
        with self._db.read() as connection:
            person = PersonStore(connection).get(proof.person_id)
        if person is None or person.disabled_at is not None or person.must_set_password:
            raise proof_expired()
        administers = any(role in ADMINISTRATORS for role in person.roles)
        scopes = (
            frozenset() if administers else proof.scopes
        )  # as they may hold no keys, applications hold nothing of theirs
        return replace(person.as_actor(proof.id), kind=ActorKind.APPLICATION, scopes=scopes)

    def _begin_attempt(self, login: str, now: datetime) -> _Attempt:
        """Count the try as failed before the password is looked at, so that parallel tries cannot outrun the count."""
        key = digest(f"login:{login}")
        pause = timedelta(minutes=self._settings.lockout_minutes)
        with self._db.begin() as tx:
            store = AttemptStore(tx.connection)
            store.sweep(now - timedelta(days=1))
            failures, last_at, locked_until = store.locked_state(key, now)
            locked = locked_until is not None and now < locked_until
            if not locked:
                failures = 1 if now - last_at >= pause else failures + 1
                full = failures >= self._settings.lockout_failures
                store.set(key, failures, now, now + pause if full else None)
            account = PersonStore(tx.connection).by_login(login)
        return _Attempt(key, account, locked)

    def _record_failure(self, attempt: _Attempt, source: str) -> None:
        """Record a failed try; the name typed is not kept, because people type passwords there."""
        known = attempt.account.person.id if attempt.account else "unknown"
        detail: dict[str, JsonValue] = {"source": source, "locked": attempt.locked}
        self._evidence.note(ANONYMOUS, "access.sign_in.failed", target=known, decision=Decision.DENY, detail=detail)

    def _fresh_hash(self, account: Credentials, password: str) -> str | None:
        stored = account.password_hash
        return self._passwords.hash(password) if stored is not None and self._passwords.outdated(stored) else None

    def _open_session(self, tx: UnitOfWork, person: Person, source: str) -> SignedIn:
        now, settings = self._clock.now(), self._settings
        admin = person.is_administrator
        hours = settings.admin_session_hours if admin else settings.session_hours
        minutes = settings.admin_session_idle_minutes if admin else settings.session_idle_minutes
        token = new_token()
        session = Session(
            id=new_id("ses"),
            person_id=person.id,
            created_at=now,
            seen_at=now,
            expires_at=now + timedelta(hours=hours),
            idle_seconds=minutes * 60,
            source=source[:64],
            must_set_password=person.must_set_password,
        )
        SessionStore(tx.connection).add(session, digest(token))
        actor = person.as_actor(session.id, pending=person.must_set_password)
        self._evidence.record(tx, actor, "access.sign_in", target=person.id, detail={"source": source})
        return SignedIn(token=token, csrf=csrf_token(token), session=session, actor=actor)

    def _living(self, account: Credentials | None) -> Credentials:
        if account is None or account.person.disabled_at is not None:
            raise proof_expired()
        return account


def _alive(session: Session, now: datetime) -> bool:
    return now < session.expires_at and now - session.seen_at < timedelta(seconds=session.idle_seconds)


def _usable(key: ApiKey, now: datetime) -> bool:
    return key.revoked_at is None and now < key.expires_at


def _key_actor(key: ApiKey, person: Person) -> Actor:
    return replace(person.as_actor(key.id), kind=ActorKind.APPLICATION, scopes=key.scopes)


def _by_code(attempt: _Attempt, word: str, now: datetime) -> bool:
    """Tell whether a one-time code opens this account now; only what succeeds thereby spares the slow hash."""
    account = attempt.account
    if account is None or attempt.locked or account.person.disabled_at is not None:
        return False
    return _code_fits(account, word, now)


def _code_fits(account: Credentials, code: str, now: datetime) -> bool:
    if account.code_digest is None or account.code_expires_at is None or now >= account.code_expires_at:
        return False
    return hmac.compare_digest(account.code_digest, code_digest(code))
