"""Which department answers for a field, and objections to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from beijiang.fusion.models import Claim, ClaimState, Dispute, DisputeState
from beijiang.fusion.store.schema import fusion_claim, fusion_dispute

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

__all__ = ["ClaimStore"]

_C = fusion_claim.c
_D = fusion_dispute.c


class ClaimStore:
    """Read and write declarations and objections on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, claim: Claim) -> None:
        """Add a declaration."""
        self._connection.execute(
            insert(fusion_claim).values(
                id=claim.id,
                library_id=claim.library_id,
                element=claim.element,
                org_id=claim.org_id,
                basis=claim.basis,
                state=claim.state.value,
                by=claim.by,
                at=claim.at,
                decided_by=claim.decided_by,
                decided_at=claim.decided_at,
                why=claim.why,
            )
        )

    def decide(self, claim_id: str, state: ClaimState, by: str, at: datetime, why: str) -> None:
        """Note what was decided about a declaration."""
        self._connection.execute(
            update(fusion_claim)
            .where(_C.id == claim_id)
            .values(state=state.value, decided_by=by, decided_at=at, why=why)
        )

    def claim(self, claim_id: str) -> Claim | None:
        """Return a declaration."""
        row = self._connection.execute(select(fusion_claim).where(_C.id == claim_id)).one_or_none()
        return None if row is None else _claim(row)

    def claims(self, library_id: str) -> list[Claim]:
        """Return the declarations of a library, by field, oldest first."""
        query = select(fusion_claim).where(_C.library_id == library_id).order_by(_C.element, _C.at, _C.id)
        return [_claim(row) for row in self._connection.execute(query)]

    def in_force(self, library_id: str) -> dict[str, Claim]:
        """Return the one declaration in force of each field that has one."""
        return {one.element: one for one in self.claims(library_id) if one.state is ClaimState.IN_FORCE}

    def add_dispute(self, dispute: Dispute) -> None:
        """Add an objection."""
        self._connection.execute(
            insert(fusion_dispute).values(
                id=dispute.id,
                claim_id=dispute.claim_id,
                org_id=dispute.org_id,
                reason=dispute.reason,
                state=dispute.state.value,
                by=dispute.by,
                at=dispute.at,
                ruled_by=dispute.ruled_by,
                ruled_at=dispute.ruled_at,
                ruling=dispute.ruling,
            )
        )

    def rule(self, dispute_id: str, state: DisputeState, by: str, at: datetime, ruling: str) -> None:
        """Note the ruling on an objection."""
        self._connection.execute(
            update(fusion_dispute)
            .where(_D.id == dispute_id)
            .values(state=state.value, ruled_by=by, ruled_at=at, ruling=ruling)
        )

    def dispute(self, dispute_id: str) -> Dispute | None:
        """Return an objection."""
        row = self._connection.execute(select(fusion_dispute).where(_D.id == dispute_id)).one_or_none()
        return None if row is None else _dispute(row)

    def disputes(self, library_id: str) -> list[Dispute]:
        """Return the objections to declarations of a library, newest first."""
        query = select(fusion_dispute).join(fusion_claim, _C.id == _D.claim_id).where(_C.library_id == library_id)
        return [_dispute(row) for row in self._connection.execute(query.order_by(_D.at.desc(), _D.id.desc()))]


def _claim(row: Row[Any]) -> Claim:
    return Claim(
        id=row.id,
        library_id=row.library_id,
        element=row.element,
        org_id=row.org_id,
        basis=row.basis,
        state=ClaimState(row.state),
        by=row.by,
        at=row.at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        why=row.why,
    )


def _dispute(row: Row[Any]) -> Dispute:
    return Dispute(
        id=row.id,
        claim_id=row.claim_id,
        org_id=row.org_id,
        reason=row.reason,
        state=DisputeState(row.state),
        by=row.by,
        at=row.at,
        ruled_by=row.ruled_by,
        ruled_at=row.ruled_at,
        ruling=row.ruling,
    )
