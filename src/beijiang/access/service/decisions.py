"""The two questions that every verb of the platform may ask: require and allows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from beijiang.access.errors import not_allowed, set_password_first, sign_in_first
from beijiang.access.models import SET_UP_PENDING, Permission, TokenProofs
from beijiang.access.service.policy import Policies, Verdict, packaged_policies
from beijiang.db import Database, UnitOfWork
from beijiang.evidence import Decision, Evidence
from beijiang.kit import Actor, Clock
from beijiang.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """One question that was asked, for the test that no verb forgets to ask."""

    actor_id: str
    permission: Permission
    org_id: str | None
    allowed: bool


_asked: ContextVar[list[Question] | None] = ContextVar("questions asked", default=None)


@contextmanager
def watch_questions() -> Iterator[list[Question]]:
    """Collect the questions asked while the block runs; the house test fails a verb that asked none."""
    questions: list[Question] = []
    token = _asked.set(questions)
    try:
        yield questions
    finally:
        _asked.reset(token)


class Decisions:
    """Decide by the policies, and nothing else."""

    def __init__(
        self, db: Database, evidence: Evidence, clock: Clock, settings: Settings, policies: Policies | None = None
    ) -> None:
        self._db = db
        self._evidence = evidence
        self._clock = clock
        self._settings = settings
        self._policies = policies or packaged_policies()
        self.tokens: TokenProofs | None = None
        """Who knows the tokens of applications written elsewhere."""

    @property
    def policy(self) -> str:
        """Return the digest of the policies in force; part of every receipt."""
        return self._policies.digest

    def require(self, actor: Actor, permission: str, org_id: str | None = None) -> None:
        """Return if the actor may do it; ``org_id`` names whose thing it is, None asks about the function as such.

        Raises:
            Unauthenticated: nobody has signed in, and visitors may not do it.
            Denied: the policies do not allow it, or failed to answer; the refusal is recorded.

        """
        verdict = self._decide(actor, Permission(permission), org_id)
        if verdict.allowed:
            return
        if actor.is_anonymous:
            raise sign_in_first()
        self._note_refusal(actor, permission, org_id, verdict)
        if SET_UP_PENDING in actor.roles:
            raise set_password_first()
        raise not_allowed(permission, Permission(permission).text)

    def allows(self, actor: Actor, permission: str, org_id: str | None = None) -> bool:
        """Tell whether the actor may do it; for choosing what to show, never instead of ``require``."""
        return self._decide(actor, Permission(permission), org_id).allowed

    def _farewell(self, tx: UnitOfWork, person_id: str, session_id: str | None = None) -> None:
        """End what applications hold of a session that ends, or of all of a person's, in the same transaction."""
        if self.tokens is not None:
            self.tokens.said_farewell(tx, person_id, session_id)

    def _decide(self, actor: Actor, permission: Permission, org_id: str | None) -> Verdict:
        verdict = self._policies.decide(actor, permission, org_id)
        questions = _asked.get()
        if questions is not None:
            questions.append(Question(actor.id, permission, org_id, verdict.allowed))
        if verdict.errors:
            log.critical("policy error on %s: %s", permission, "; ".join(verdict.errors))
        return verdict

    def _note_refusal(self, actor: Actor, permission: str, org_id: str | None, verdict: Verdict) -> None:
        action = "access.policy_error" if verdict.errors else "access.denied"
        self._evidence.note(
            actor,
            action,
            target=str(permission),
            decision=Decision.DENY,
            detail={"org": org_id, "policy": self.policy, "reasons": list(verdict.reasons)},
        )
