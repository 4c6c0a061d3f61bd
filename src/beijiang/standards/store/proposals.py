"""Proposals with their changes as forms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from beijiang.db import Shelf, age_of, part_of
from beijiang.kit import Part
from beijiang.standards.models import (
    Action,
    CalendarYear,
    Change,
    CodeSet,
    EntryKind,
    Proposal,
    ProposalState,
    code_from,
    day_from,
    element_from,
    flat_code,
    flat_day,
    flat_of,
    rule_from,
    set_from,
    year_from,
)
from beijiang.standards.store.schema import standards_proposal

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from beijiang.kit import Wanted

__all__ = ["ProposalStore", "document"]

_P = standards_proposal.c


class ProposalStore:
    """Read and write proposals on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, proposal: Proposal) -> None:
        """Add a proposal that waits."""
        self._connection.execute(
            insert(standards_proposal).values(
                id=proposal.id,
                org_id=proposal.org_id,
                changes=[document(change) for change in proposal.changes],
                about=list(proposal.about),
                size=proposal.size,
                valid_from=proposal.valid_from,
                reason=proposal.reason,
                by=proposal.by,
                by_name=proposal.by_name,
                at=proposal.at,
                state=proposal.state.value,
                decided_by="",
                decided_name="",
                decision="",
            )
        )

    def decide(self, proposal: Proposal) -> bool:
        """Write a decision; false if somebody decided before."""
        done = self._connection.execute(
            update(standards_proposal)
            .where(_P.id == proposal.id, _P.state == ProposalState.OPEN.value)
            .values(
                state=proposal.state.value,
                decided_by=proposal.decided_by,
                decided_name=proposal.decided_name,
                decided_at=proposal.decided_at,
                decision=proposal.decision,
            )
        )
        return done.rowcount == 1

    def get(self, proposal_id: str) -> Proposal | None:
        """Return a proposal."""
        row = self._connection.execute(select(standards_proposal).where(_P.id == proposal_id)).one_or_none()
        return None if row is None else _proposal(row, row.changes)

    def list(self, state: ProposalState | None, limit: int) -> list[Proposal]:
        """Return proposals, newest first."""
        shown = [column for column in standards_proposal.c if column is not _P.changes]
        query = select(*shown).order_by(_P.at.desc(), _P.id).limit(limit)
        if state is not None:
            query = query.where(_P.state == state.value)
        return [_proposal(row, ()) for row in self._connection.execute(query)]

    def part(self, wanted: Wanted, state: ProposalState | None, now: datetime) -> Part[Proposal]:
        """Return a part of the proposals of a state (None: of all), newest first, without their changes."""
        query = select(*(column for column in standards_proposal.c if column is not _P.changes))
        shelf = Shelf(
            rows=query if state is None else query.where(_P.state == state.value),
            columns={
                "reason": _P.reason,
                "size": _P.size,
                "org": _P.org_id,
                "by": _P.by_name,
                "valid_from": _P.valid_from,
                "state": _P.state,
                "at": _P.at,
                "age": age_of(_P.at, now),
                "decided": _P.decided_at,
                "decided_by": _P.decided_name,
                "id": _P.id,
            },
            counted=("org", "state", "age"),
            words=("reason", "by", "decided_by", "id"),
            order=(_P.at.desc(), _P.id),
        )
        rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part([_proposal(row, ()) for row in rows], found, counts)


def document(change: Change) -> dict[str, Any]:
    """Return a change as plain data: what is stored, and what the evidence has the digest of."""
    entry = change.entry
    said: dict[str, Any] = {
        "action": change.action.value,
        "kind": change.kind.value,
        "base": change.base,
        "form": flat_of(entry),
    }
    if isinstance(entry, CodeSet):
        said["codes"] = [flat_code(value) for value in entry.values]
    if isinstance(entry, CalendarYear):
        said["days"] = [flat_day(one) for one in entry.days]
    return said


def _change(said: dict[str, Any]) -> Change:
    if said["kind"] == EntryKind.RULE:
        return Change(Action(said["action"]), rule_from(said["form"]), said["base"])
    if said["kind"] == EntryKind.CALENDAR:
        days = [day_from(form) for form in said["days"]]
        return Change(Action(said["action"]), year_from(said["form"], days), said["base"])
    if said["kind"] == EntryKind.ELEMENT:
        return Change(Action(said["action"]), element_from(said["form"]), said["base"])
    values = [code_from(form) for form in said["codes"]]
    return Change(Action(said["action"]), set_from(said["form"], values), said["base"])


def _proposal(row: Row[Any], changes: Iterable[dict[str, Any]]) -> Proposal:
    return Proposal(
        id=row.id,
        org_id=row.org_id,
        changes=tuple(_change(said) for said in changes),
        about=tuple(row.about),
        size=row.size,
        valid_from=row.valid_from,
        reason=row.reason,
        by=row.by,
        by_name=row.by_name,
        at=row.at,
        state=ProposalState(row.state),
        decided_by=row.decided_by,
        decided_name=row.decided_name,
        decided_at=row.decided_at,
        decision=row.decision,
    )
