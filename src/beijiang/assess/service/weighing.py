"""Weights: proposed by one person of the authority, approved by another, in force for periods from a day on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.assess.errors import decided, no_book, own_proposal
from beijiang.assess.models import Book, BookState, Period, check_weights, shipped
from beijiang.assess.service.base import Base
from beijiang.assess.store import MarkStore

if TYPE_CHECKING:
    from datetime import date, tzinfo

    from beijiang.access import Access
    from beijiang.assess.service.looking import FactSources
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue

__all__ = ["Weighing"]


class Weighing(Base):
    """The weights of indicators and who agreed on them."""

    def __init__(
        self, db: Database, parts: FactSources, access: Access, evidence: Evidence, clock: Clock, zone: tzinfo
    ) -> None:
        super().__init__(db, access, evidence, parts.standards, clock, zone)
        self.parts = parts

    def books(self, actor: Actor) -> Sequence[Book]:
        """Return all weights ever proposed, the newest first; the last is what the platform brings."""
        self.access.require(actor, Permission.ASSESS_SCORE_READ)
        return self._books()

    def book_for(self, actor: Actor, period: Period) -> Book:
        """Return the weights that count for a period."""
        self.access.require(actor, Permission.ASSESS_SCORE_READ)
        return self._book_for(period)

    def propose_weights(
        self, actor: Actor, weights: Mapping[str, float], *, since: date, reason: str, fewest: int = 2
    ) -> Book:
        """Propose weights for periods that begin on ``since`` or later; somebody else approves them.

        Raises:
            Invalid: an indicator or weight cannot be used, or no reason is given.

        """
        self.access.require(actor, Permission.ASSESS_SCORE_MANAGE)
        whole = check_weights(weights, fewest)
        words = self._words(reason)
        with self.db.begin() as tx:
            store = MarkStore(tx.connection)
            made = Book(
                version=store.next_book(),
                weights=whole,
                fewest=fewest,
                since=since,
                state=BookState.PROPOSED,
                reason=words,
                by=actor.id,
                by_name=actor.name,
                at=self.clock.now(),
            )
            store.add_book(made)
            self._told(tx, actor, "assess.weights_propose", made, words)
        return made

    def decide_weights(self, actor: Actor, version: int, *, approve: bool, words: str = "") -> Book:
        """Approve or return proposed weights.

        Raises:
            NotFound: there are none of this version.
            Refused: the actor proposed them.
            Conflict: they are decided.

        """
        self.access.require(actor, Permission.ASSESS_WEIGHTS_APPROVE)
        found = next((book for book in self._books() if book.version == version and book.version), None)
        if found is None:
            raise no_book()
        if found.by == actor.id:
            raise own_proposal()
        done = replace(
            found,
            state=BookState.APPROVED if approve else BookState.RETURNED,
            decided_by=actor.id,
            decided_name=actor.name,
            decided_at=self.clock.now(),
            decision=words.strip() if approve else self._words(words),
        )
        with self.db.begin() as tx:
            if not MarkStore(tx.connection).decide_book(done):
                raise decided()
            self._told(tx, actor, "assess.weights_decide", done, done.decision)
        return done

    def _books(self) -> list[Book]:
        with self.db.read() as connection:
            return [*MarkStore(connection).books(), shipped()]

    def _book_for(self, period: Period) -> Book:
        """Return the newest approved weights in force on the period's first day."""
        agreed = [b for b in self._books() if b.state is BookState.APPROVED and b.since <= period.first]
        return agreed[0] if agreed else shipped()

    def _told(self, tx: UnitOfWork, actor: Actor, action: str, book: Book, words: str) -> None:
        detail: dict[str, JsonValue] = {
            "weights": dict(book.weights),
            "fewest": book.fewest,
            "since": book.since.isoformat(),
            "state": book.state.value,
            "reason": words,
        }
        self.evidence.record(tx, actor, action, target=f"weights:{book.version}", detail=detail)
