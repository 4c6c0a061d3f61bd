"""How rules are shown at the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.kit import Text
from beijiang.terminal import Column, language

if TYPE_CHECKING:
    from beijiang.quality.models import Rule, RuleDraft

__all__ = ["RULES", "parameters", "rule_line"]

RULES = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("规则", "rule")),
    Column("kind", Text("类型", "kind")),
    Column("params", Text("参数", "parameters")),
    Column("indicator", Text("指标", "indicator")),
    Column("severity", Text("级别", "severity")),
    Column("threshold", Text("通过线", "threshold"), right=True),
    Column("revision", Text("修订", "revision"), right=True, spare=True),
)


def rule_line(rule: Rule) -> dict[str, Any]:
    """Return a rule as a line of ``RULES``."""
    return {
        "id": rule.id,
        "name": rule.name,
        "kind": rule.kind.value,
        "columns": list(rule.columns),
        "params": parameters(rule),
        "indicator": rule.indicator,
        "severity": rule.severity.text.in_language(language()),
        "threshold": rule.limit or rule.threshold,
        "revision": rule.revision,
    }


def parameters(rule: RuleDraft) -> str:
    """Return the parameters of a rule and its condition, on one line."""
    words = [f"{name}={value}" for name, value in rule.params.items()]
    return " ".join([*words, *([f"[{rule.where}]"] if rule.where else [])])
