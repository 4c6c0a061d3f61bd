"""How rules are shown by the JSON API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.quality.models import KINDS

if TYPE_CHECKING:
    from beijiang.quality.models import Rule, RuleDraft

__all__ = ["draft_json", "rule_json"]


def draft_json(draft: RuleDraft) -> dict[str, Any]:
    """Return what a rule asks."""
    return {
        "kind": draft.kind.value,
        "columns": list(draft.columns),
        "params": dict(draft.params),
        "name": draft.name,
        "severity": draft.severity.value,
        "threshold": draft.threshold,
        "indicator": draft.indicator or KINDS[draft.kind].indicator,
        "where": draft.where,
        "owner": draft.owner,
        "limit": draft.limit,
        "contract": draft.contract,
    }


def rule_json(rule: Rule) -> dict[str, Any]:
    """Return a revision of a rule."""
    return {
        "id": rule.id,
        "table": rule.table,
        "revision": rule.revision,
        **draft_json(rule),
        "reason": rule.reason,
        "retired": rule.retired,
        "by": rule.by,
        "at": rule.at.isoformat(),
    }
