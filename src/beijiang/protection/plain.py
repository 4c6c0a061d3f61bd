"""Assessments, least grades and proposals as plain data: the same for the JSON API and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beijiang.kit import Text
    from beijiang.protection.models.assessing import Assessment, Cell, Named, TogetherFinding
    from beijiang.protection.models.lowering import Floor, Lowering, LoweringView
    from beijiang.protection.service.assessing import TableGrading

__all__ = [
    "assessment_json",
    "cell_json",
    "floor_json",
    "grading_json",
    "lowering_json",
    "named_json",
    "view_json",
]


def lowering_json(one: Lowering) -> dict[str, Any]:
    """Return a proposal."""
    return {
        "id": one.id,
        "table": one.table,
        "matter": one.matter.value,
        "column": one.column,
        "change": one.words,
        "reason": one.reason,
        "by": one.by,
        "by_name": one.by_name,
        "at": one.at.isoformat(),
        "state": one.state.value,
        "decided_by": one.decided_by,
        "decided_at": None if one.decided_at is None else one.decided_at.isoformat(),
        "decision": one.decision,
    }


def view_json(view: LoweringView) -> dict[str, Any]:
    """Return a proposal with what holds now and the token to decide with."""
    may = {"decide": view.may_decide, "withdraw": view.may_withdraw}
    return {**lowering_json(view.lowering), "now": view.now, "may": may, "seen": view.shown.token}


def floor_json(one: Floor) -> dict[str, Any]:
    """Return a least grade; without a column it holds for all of the table."""
    return {
        "column": one.column or None,
        "level": one.level.value,
        "source": one.source.value,
        "subject": one.subject,
        "tier": one.tier or None,
        "reason": one.reason,
        "by": one.by,
        "at": one.at.isoformat(),
        "ended_at": None if one.ended_at is None else one.ended_at.isoformat(),
    }


def cell_json(cell: Cell) -> dict[str, Any]:
    """Return one cell of the matrix."""
    return {
        "object": cell.object.value,
        "object_name": _text(cell.object.text),
        "harm": cell.harm.value,
        "harm_name": _text(cell.harm.text),
        "tier": cell.tier.value,
        "level": cell.level.value,
        "basis": cell.basis,
    }


def named_json(one: Named) -> dict[str, Any]:
    """Return a word of a dated list."""
    return {"id": one.id, "name": _text(one.text), "basis": one.basis}


def assessment_json(one: Assessment) -> dict[str, Any]:
    """Return an assessment."""
    return {
        "id": one.id,
        "table": one.table,
        "revision": one.revision,
        "category": one.category,
        "harms": {o.value: h.value for o, h in one.harms.items()},
        "object": one.object.value,
        "harm": one.harm.value,
        "tier": one.tier.value,
        "level": one.level.value,
        "factors": list(one.factors),
        "rows": one.rows,
        "reason": one.reason,
        "by": one.by,
        "by_name": one.by_name,
        "at": one.at.isoformat(),
        "state": one.state.value,
        "decided_by": one.decided_by or None,
        "decided_at": None if one.decided_at is None else one.decided_at.isoformat(),
    }


def grading_json(found: TableGrading) -> dict[str, Any]:
    """Return how a table is graded as a whole."""
    return {
        "table": found.table,
        "rows": found.rows,
        "level": found.level.value,
        "tier": found.tier.value,
        "assessment": None if found.now is None else assessment_json(found.now),
        "together": [_together(one) for one in found.together],
        "review_due": [_together(one) for one in found.due],
        "history": [assessment_json(one) for one in found.history],
        "waiting": [view_json(one) for one in found.waiting],
    }


def _together(one: TogetherFinding) -> dict[str, Any]:
    return {
        "rule": one.rule.id,
        "words": _text(one.rule.text),
        "columns": list(one.columns),
        "review": one.rule.review,
        "level": one.rule.level.value,
        "basis": one.rule.basis,
    }


def _text(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}
