"""Drafts of a work plan and their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from beijiang.assess.models.drafts import DraftLine, DraftState, LineSaid, LineVerdict, PlanDraft
from beijiang.assess.store.draft_schema import plan_draft, plan_draft_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

__all__ = ["DraftStore"]

_D, _L = plan_draft.c, plan_draft_line.c
_PLAIN = (
    "id", "org_id", "document_id", "document", "sha256", "grade", "plan", "since", "due_on", "by", "by_name", "at",
    "ended_by", "ended_at",
)  # fmt: skip


class DraftStore:
    """Read and write drafts on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, one: PlanDraft) -> None:
        """Add a draft with its lines."""
        values = {name: getattr(one, name) for name in _PLAIN}
        self._connection.execute(insert(plan_draft).values(**values, state=one.state.value))
        for line in one.lines:
            found = {
                "said": line.found.to_json(),
                "doubts": [dict(doubt) for doubt in line.doubts],
                "sentences": list(line.sentences),
            }
            self._connection.execute(
                insert(plan_draft_line).values(draft_id=one.id, place=line.place, found=found, **_decided(line))
            )

    def all(self) -> Sequence[PlanDraft]:
        """Return all drafts, newest first, without their lines."""
        rows = self._connection.execute(select(plan_draft).order_by(_D.at.desc(), _D.id.desc()))
        return [_draft(row, ()) for row in rows]

    def get(self, draft_id: str) -> PlanDraft | None:
        """Return a draft with its lines."""
        row = self._connection.execute(select(plan_draft).where(_D.id == draft_id)).one_or_none()
        if row is None:
            return None
        query = select(plan_draft_line).where(_L.draft_id == draft_id).order_by(_L.place)
        return _draft(row, [_line(one) for one in self._connection.execute(query)])

    def put_line(self, draft_id: str, line: DraftLine) -> None:
        """Write what was decided on a line."""
        same = (_L.draft_id == draft_id, _L.place == line.place)
        self._connection.execute(update(plan_draft_line).where(*same).values(**_decided(line)))

    def end(self, one: PlanDraft) -> bool:
        """Write that a draft is over; False where it was already."""
        same = (_D.id == one.id, _D.state == DraftState.OPEN.value)
        values = {"state": one.state.value, "ended_by": one.ended_by, "ended_at": one.ended_at}
        return self._connection.execute(update(plan_draft).where(*same).values(**values)).rowcount == 1


def _decided(line: DraftLine) -> dict[str, Any]:
    return {
        "verdict": line.verdict.value,
        "said": line.said.to_json(),
        "by_name": line.by_name,
        "at": line.at,
        "note": line.note,
    }


def _draft(row: Row[Any], lines: Sequence[DraftLine]) -> PlanDraft:
    values = {name: getattr(row, name) for name in _PLAIN}
    return PlanDraft(**values, state=DraftState(row.state), lines=lines)


def _line(row: Row[Any]) -> DraftLine:
    return DraftLine(
        place=row.place,
        said=LineSaid.from_json(row.said),
        found=LineSaid.from_json(row.found["said"]),
        doubts=row.found["doubts"],
        sentences=row.found["sentences"],
        verdict=LineVerdict(row.verdict),
        by_name=row.by_name,
        at=row.at,
        note=row.note,
    )
