"""What the endpoints of assessment share: who asks, words, files, and the plain form of what they give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Request, Response

from beijiang.kit import Actor, Text
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from beijiang.assess.models import Appeal, Book, Fact, Indicator, Mark, Place, Sheet
    from beijiang.quality import HandedOut

__all__ = ["actor_of", "appeal_json", "book_json", "fact_json", "handed_out", "indicator_json", "mark_json", "place_json", "sheet_json", "words_json"]  # fmt: skip


def actor_of(request: Request) -> Actor:
    """Return who asks."""
    found: Actor = request.state.actor
    return found


def handed_out(file: HandedOut) -> Response:
    """Return a file for download."""
    headers = {"Content-Disposition": content_disposition(file.name), "Cache-Control": "no-store"}
    return Response(file.content, media_type=file.media_type, headers=headers)


def words_json(text: Text) -> dict[str, str]:
    """Return words in both languages."""
    return {"zh": text.zh, "en": text.en}


def indicator_json(one: Indicator) -> dict[str, Any]:
    """Return an indicator."""
    return {
        "id": one.id,
        "name": words_json(one.name),
        "a": words_json(one.a),
        "b": words_json(one.b),
        "kind": one.kind.value,
        "direction": one.direction.value,
        "state": one.state,
        "weight": one.weight,
        "target": one.target,
        "basis": one.basis,
        "since": one.since.isoformat(),
    }


def sheet_json(one: Sheet) -> dict[str, Any]:
    """Return an assessment of a period."""
    return {
        "id": one.id,
        "period": str(one.period),
        "kind": one.period.kind.value,
        "computed_at": one.computed_at.isoformat(),
        "by": one.by,
        "weights": one.book,
        "missing": {name: words_json(text) for name, text in one.missing.items()},
        "frozen_at": one.frozen_at.isoformat() if one.frozen_at else None,
        "sha256": one.digest or None,
    }


def place_json(one: Place) -> dict[str, Any]:
    """Return where a department stands."""
    return {
        "org_id": one.org_id,
        "tier": one.group,
        "rank": one.rank,
        "total": one.total,
        "scored": one.scored,
        "covered": one.covered,
    }


def mark_json(one: Mark) -> dict[str, Any]:
    """Return a mark."""
    return {
        "id": one.id,
        "indicator": one.indicator,
        "revision": one.revision,
        "a": one.a,
        "b": one.b,
        "rate": one.rate,
        "state": one.state.value,
        "score": one.score,
        "facts": one.facts,
        "appeal": one.appeal or None,
    }


def fact_json(one: Fact, place: int) -> dict[str, Any]:
    """Return a fact with its place, by which an appeal names it."""
    return {
        "place": place,
        "subject": one.subject.value,
        "ref": one.ref,
        "name": one.name,
        "href": one.href,
        "a": one.a,
        "b": one.b,
        "counted": one.counted,
        "why": words_json(one.why),
        "at": one.at.isoformat() if one.at else None,
    }


def book_json(one: Book) -> dict[str, Any]:
    """Return weights."""
    return {
        "version": one.version,
        "state": one.state.value,
        "since": one.since.isoformat(),
        "fewest": one.fewest,
        "weights": dict(one.weights),
        "reason": one.reason,
        "by": one.by_name,
        "decided_by": one.decided_name or None,
        "decision": one.decision,
    }


def appeal_json(one: Appeal) -> dict[str, Any]:
    """Return an appeal."""
    return {
        "id": one.id,
        "period": str(one.period),
        "org_id": one.org_id,
        "indicator": one.indicator,
        "state": one.state.value,
        "words": one.words,
        "by": one.by_name,
        "at": one.at.isoformat(),
        "decision": one.decision,
        "decided_by": one.decided_name or None,
        "decided_at": one.decided_at.isoformat() if one.decided_at else None,
    }
