"""Disputes and ratings."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, or_, select, update

from beijiang.exchange.models.disputes import Dispute, DisputeKind, DisputeState, Effect, Outcome, RaiseLimit
from beijiang.exchange.models.ratings import Rating
from beijiang.exchange.store.schema import exchange_dispute, exchange_rating
from beijiang.standards import Case

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Select

    from beijiang.exchange.models.disputes import DisputeQuery

__all__ = ["DisputeStore", "RatingStore", "dispute_of", "disputes_asked"]

_D, _R = exchange_dispute.c, exchange_rating.c
_SAME = (
    "id", "org_id", "by", "by_name", "against", "subject", "title", "words", "basis", "urged", "revision", "created_at",
    "changed_at", "ended_at",
)  # fmt: skip
_RATING = ("resource_id", "org_id", "stars", "words", "by_name", "at", "answer", "answered_by", "answered_at")
_OVER = tuple(state.value for state in DisputeState if state.is_over)


class DisputeStore:
    """Read and write disputes on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, dispute_id: str) -> Dispute | None:
        """Return one dispute."""
        row = self._connection.execute(select(exchange_dispute).where(_D.id == dispute_id)).one_or_none()
        return None if row is None else dispute_of(row)

    def add(self, made: Dispute) -> None:
        """Add a dispute."""
        self._connection.execute(insert(exchange_dispute).values(**_values(made)))

    def save(self, changed: Dispute) -> bool:
        """Write the next revision of a dispute; False where somebody was faster."""
        unchanged = (_D.id == changed.id, _D.revision == changed.revision - 1)
        done = self._connection.execute(update(exchange_dispute).where(*unchanged).values(**_values(changed)))
        return done.rowcount == 1

    def running(self) -> list[Dispute]:
        """Return the disputes that are not over, the oldest first."""
        rows = select(exchange_dispute).where(_D.state.not_in(_OVER)).order_by(_D.created_at, _D.id)
        return [dispute_of(row) for row in self._connection.execute(rows)]

    def owed(self) -> list[Dispute]:
        """Return the disputes that are over and whose entry has not been revised yet, the oldest first."""
        rows = select(exchange_dispute).where(_D.effect == Effect.TO_REVISE.value)
        return [dispute_of(row) for row in self._connection.execute(rows.order_by(_D.created_at, _D.id))]

    def find(self, query: DisputeQuery, orgs: Collection[str], *, every: bool) -> tuple[list[Dispute], int]:
        """Return disputes of or against some departments, newest first, and how many there are."""
        wanted = disputes_asked(query, orgs, every=every)
        count = self._connection.execute(select(func.count()).select_from(wanted.subquery())).scalar_one()
        rows = self._connection.execute(wanted.order_by(_D.created_at.desc(), _D.id).limit(query.limit))
        return [dispute_of(row) for row in rows], count

    def about(self, subjects: Collection[str]) -> list[Dispute]:
        """Return the disputes about some things, the oldest first."""
        rows = select(exchange_dispute).where(_D.subject.in_(subjects)).order_by(_D.created_at, _D.id)
        return [dispute_of(row) for row in self._connection.execute(rows)]

    def organisations(self) -> set[str]:
        """Return the departments that ever were a side."""
        known = select(_D.org_id).union(select(_D.against))
        return set(self._connection.execute(known).scalars())


class RatingStore:
    """Read and write ratings on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, resource_id: str) -> list[Rating]:
        """Return the ratings of an entry, newest first."""
        rows = select(exchange_rating).where(_R.resource_id == resource_id).order_by(_R.at.desc(), _R.org_id)
        return [Rating(**{name: getattr(row, name) for name in _RATING}) for row in self._connection.execute(rows)]

    def put(self, rating: Rating) -> None:
        """Keep the newest word of a department."""
        self._connection.execute(
            delete(exchange_rating).where(_R.resource_id == rating.resource_id, _R.org_id == rating.org_id)
        )
        self._connection.execute(insert(exchange_rating).values({name: getattr(rating, name) for name in _RATING}))


def _values(one: Dispute) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in _SAME},
        "kind": one.kind.value,
        "state": one.state.value,
        "outcome": None if one.outcome is None else one.outcome.value,
        "effect": None if one.effect is None else one.effect.value,
        "barred": "".join(f" {who} " for who in sorted(one.barred)),
        "clock": None if one.case is None else one.case.to_json(),
        "raise_limit": None if one.limit is None else one.limit.to_json(),
    }


def disputes_asked(query: DisputeQuery, orgs: Collection[str], *, every: bool) -> Select[Any]:
    """Return the query for disputes of or against some departments."""
    wanted = select(exchange_dispute)
    if not every:
        wanted = wanted.where(or_(_D.org_id.in_(orgs), _D.against.in_(orgs)))
    if query.open_only:
        wanted = wanted.where(_D.state.not_in(_OVER))
    if query.words:
        wanted = wanted.where(or_(_D.title.contains(query.words, autoescape=True), _D.id == query.words))
    return wanted


def dispute_of(row: Row[Any]) -> Dispute:
    """Make a dispute of its row."""
    return Dispute(
        **{name: getattr(row, name) for name in _SAME},
        kind=DisputeKind(row.kind),
        state=DisputeState(row.state),
        outcome=None if row.outcome is None else Outcome(row.outcome),
        effect=None if row.effect is None else Effect(row.effect),
        barred=frozenset(row.barred.split()),
        case=None if row.clock is None else Case.from_json(row.clock),
        limit=None if row.raise_limit is None else RaiseLimit.from_json(row.raise_limit),
    )
