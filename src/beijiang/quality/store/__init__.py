"""All SQL on quality's metadata tables."""

from beijiang.quality.store.rules import RuleStore
from beijiang.quality.store.runs import RunStore

__all__ = ["RuleStore", "RunStore"]
