"""Quality, arrivals, gaps and changes as plain data, in one shape for the API and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beijiang.kit import Text
    from beijiang.opendata.glance import Changes, Gap, Glimpse

__all__ = ["changes_json", "gap_json", "quality_json"]


def quality_json(dataset_id: str, found: Glimpse) -> dict[str, Any]:
    """Return quality, arrivals and gaps as plain data."""
    good, calendar = found.goodness, found.calendar
    return {
        "id": dataset_id,
        "quality": good
        and {
            "version": good.version,
            "checked_at": good.at,
            "score": good.total,
            "word": good.word.value,
            "indicators_assessed": good.assessed,
            "indicators": good.indicators,
            "dimensions": [
                {
                    "code": part.code,
                    "name": _text(part.name),
                    "plain": _text(part.plain),
                    "score": part.score,
                    "reasons": [
                        {"code": r.code, "name": _text(r.name), "score": r.score, "checked": r.looked_at, "bad": r.bad}
                        for r in part.reasons
                    ],
                }
                for part in good.parts
            ],
        },
        "arrivals": calendar
        and {
            "judged": calendar.judged,
            "in_time": calendar.kept,
            "days": [{"day": d.day.isoformat(), "versions": d.versions} for d in calendar.days if d.versions],
            "newest": [
                {
                    "version": a.version,
                    "at": a.at,
                    "added": a.added,
                    "changed": a.changed,
                    "removed": a.removed,
                    "days_late": a.late,
                }
                for a in calendar.arrivals
            ],
        },
        "gaps": [gap_json(gap) for gap in found.gaps],
    }


def gap_json(gap: Gap) -> dict[str, Any]:
    """Return one gap."""
    return {"code": gap.code.value, "text": _text(gap.code.text), "next": _text(gap.step), "path": gap.address}


def changes_json(found: Changes) -> dict[str, Any]:
    """Return what changed between two versions."""
    return {
        "id": found.dataset_id,
        "before": {"version": found.before, "at": found.before_at, "rows": found.rows[0]},
        "after": {"version": found.after, "at": found.after_at, "rows": found.rows[1]},
        "rows": {"added": found.added, "changed": found.changed, "removed": found.removed},
        "key": list(found.key),
        "columns": [
            {"column": c.column, "change": c.kind.value, "text": _text(c.text), "rows": c.rows or None}
            for c in found.columns
        ],
        "sample": [
            {"change": "added" if one.new else "changed", "columns": list(one.columns), "row": dict(one.values)}
            for one in found.sample
        ],
        "gaps": [gap_json(gap) for gap in found.gaps],
    }


def _text(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}
