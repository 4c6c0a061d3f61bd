"""Pairs that wait for a person, and what persons decided."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, or_, select, update

from beijiang.fusion.models import Decision, Pair, PairState, Verdict
from beijiang.fusion.store.schema import fusion_decision, fusion_pair

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

__all__ = ["DecisionStore"]

_P = fusion_pair.c
_D = fusion_decision.c


class DecisionStore:
    """Read and write pairs and decisions on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def renew(self, library_id: str, found: Iterable[Pair]) -> int:
        """Let exactly these pairs wait, besides those that a person has decided; return how many wait."""
        known = {(row.left, row.right): row for row in self._rows(library_id)}
        here = {(pair.left, pair.right): pair for pair in found}
        gone = [row.id for place, row in known.items() if row.state == PairState.WAITING.value and place not in here]
        for start in range(0, len(gone), 500):
            self._connection.execute(
                update(fusion_pair).where(_P.id.in_(gone[start : start + 500])).values(state=PairState.GONE.value)
            )
        new = [_values(pair) for place, pair in here.items() if place not in known]
        if new:
            self._connection.execute(insert(fusion_pair), new)
        for place, pair in here.items():
            row = known.get(place)
            if row is None or row.state not in {PairState.WAITING.value, PairState.GONE.value}:
                continue
            if (row.state, row.probability, row.against) != (PairState.WAITING.value, pair.probability, pair.against):
                self._connection.execute(
                    update(fusion_pair)
                    .where(_P.id == row.id)
                    .values(
                        probability=pair.probability,
                        levels=dict(pair.levels),
                        against=pair.against,
                        state=PairState.WAITING.value,
                    )
                )
        return self.waiting(library_id)

    def waiting(self, library_id: str) -> int:
        """Return how many pairs wait."""
        query = select(func.count()).select_from(fusion_pair)
        query = query.where(_P.library_id == library_id, _P.state == PairState.WAITING.value)
        return int(self._connection.execute(query).scalar_one())

    def pairs(self, library_id: str, state: PairState, limit: int, offset: int = 0) -> list[Pair]:
        """Return pairs in a state, the surest first."""
        query = select(fusion_pair).where(_P.library_id == library_id, _P.state == state.value)
        query = query.order_by(_P.probability.desc(), _P.id).limit(limit).offset(offset)
        return [_pair(row) for row in self._connection.execute(query)]

    def pair(self, pair_id: str) -> Pair | None:
        """Return a pair."""
        row = self._connection.execute(select(fusion_pair).where(_P.id == pair_id)).one_or_none()
        return None if row is None else _pair(row)

    def settle(self, library_id: str, left: str, right: str, state: PairState) -> None:
        """Note what became of the pair of two records, if they are one."""
        either = or_((_P.left == left) & (_P.right == right), (_P.left == right) & (_P.right == left))
        self._connection.execute(
            update(fusion_pair).where(_P.library_id == library_id, either).values(state=state.value)
        )

    def add(self, decisions: Sequence[Decision]) -> None:
        """Add decisions; what was decided otherwise about the same two records before is revoked with them."""
        for one in decisions:
            either = or_(
                (_D.left == one.left) & (_D.right == one.right), (_D.left == one.right) & (_D.right == one.left)
            )
            self._connection.execute(
                update(fusion_decision)
                .where(_D.library_id == one.library_id, _D.revoked_at.is_(None), either)
                .values(revoked_by=one.by, revoked_at=one.at, why_revoked=one.reason)
            )
        self._connection.execute(insert(fusion_decision), [_decision_values(one) for one in decisions])

    def revoke(self, ids: Collection[str], by: str, at: datetime, why: str) -> None:
        """Let decisions hold no longer."""
        self._connection.execute(
            update(fusion_decision)
            .where(_D.id.in_(list(ids)), _D.revoked_at.is_(None))
            .values(revoked_by=by, revoked_at=at, why_revoked=why)
        )

    def decision(self, decision_id: str) -> Decision | None:
        """Return a decision."""
        row = self._connection.execute(select(fusion_decision).where(_D.id == decision_id)).one_or_none()
        return None if row is None else _decision(row)

    def decisions(self, library_id: str, *, holding: bool, limit: int | None = None) -> list[Decision]:
        """Return decisions, newest first; ``holding``: only those that were not revoked."""
        query = select(fusion_decision).where(_D.library_id == library_id)
        if holding:
            query = query.where(_D.revoked_at.is_(None))
        query = query.order_by(_D.at.desc(), _D.id.desc())
        return [_decision(row) for row in self._connection.execute(query if limit is None else query.limit(limit))]

    def count_since(self, library_id: str, moment: datetime | None) -> int:
        """Return how many decisions were made or revoked from a moment on; None: ever."""
        query = select(func.count()).select_from(fusion_decision).where(_D.library_id == library_id)
        if moment is not None:
            query = query.where(or_(_D.at >= moment, _D.revoked_at >= moment))
        return int(self._connection.execute(query).scalar_one())

    def _rows(self, library_id: str) -> list[Row[Any]]:
        query = select(_P.id, _P.left, _P.right, _P.state, _P.probability, _P.against).where(
            _P.library_id == library_id
        )
        return list(self._connection.execute(query))


def _values(pair: Pair) -> dict[str, Any]:
    return {
        "id": pair.id,
        "library_id": pair.library_id,
        "left": pair.left,
        "right": pair.right,
        "left_source": pair.left_source,
        "right_source": pair.right_source,
        "probability": pair.probability,
        "levels": dict(pair.levels),
        "against": pair.against,
        "state": pair.state.value,
        "found_at": pair.found_at,
    }


def _pair(row: Row[Any]) -> Pair:
    return Pair(
        id=row.id,
        library_id=row.library_id,
        left=row.left,
        right=row.right,
        left_source=row.left_source,
        right_source=row.right_source,
        probability=row.probability,
        levels={name: int(level) for name, level in row.levels.items()},
        against=row.against,
        state=PairState(row.state),
        found_at=row.found_at,
    )


def _decision_values(one: Decision) -> dict[str, Any]:
    return {
        "id": one.id,
        "library_id": one.library_id,
        "left": one.left,
        "right": one.right,
        "verdict": one.verdict.value,
        "taken_out": one.taken_out,
        "reason": one.reason,
        "by": one.by,
        "at": one.at,
        "revoked_by": one.revoked_by,
        "revoked_at": one.revoked_at,
        "why_revoked": one.why_revoked,
    }


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        id=row.id,
        library_id=row.library_id,
        left=row.left,
        right=row.right,
        verdict=Verdict(row.verdict),
        taken_out=row.taken_out,
        reason=row.reason,
        by=row.by,
        at=row.at,
        revoked_by=row.revoked_by,
        revoked_at=row.revoked_at,
        why_revoked=row.why_revoked,
    )
