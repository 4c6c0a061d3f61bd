"""What rules remember of sensors, held in memory beside the database that keeps it, so that a batch need not read it again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from beijiang.mining.models import KeyState, RuleKind

if TYPE_CHECKING:
    from beijiang.mining.models import StreamRule
    from beijiang.mining.store import RuleStore

__all__ = ["Recalling"]

SENSORS_MOST: Final = 20_000
"""A rule that knows more sensors is read from the database each time."""


class Recalling:
    """Hold the states of rules as they were after their last batch.

    What a rule remembers is told by its revision and by how far it has judged: if another process has judged since, or the rule
    says something else by now, what is held here counts for nothing. Rules on silence are left out, for the clock changes theirs.
    """

    def __init__(self) -> None:
        self._held: dict[str, tuple[int, int, dict[str, KeyState]]] = {}

    def take(self, rules: RuleStore, rule: StreamRule, sensors: Iterable[str]) -> dict[str, KeyState]:
        """Return what a rule remembers, with all of ``sensors``; it is the caller's to change until he holds it again."""
        revision, position, states = self._held.pop(rule.id, (0, 0, {}))
        if (revision, position) != (rule.revision, rule.position):
            states = {}
        wanted = [sensor for sensor in sensors if sensor not in states]
        states |= rules.states(rule.id, wanted)
        for sensor in wanted:
            states.setdefault(sensor, KeyState())
        return states

    def hold(self, rule: StreamRule, position: int, states: dict[str, KeyState]) -> None:
        """Hold what a rule remembers after it has judged up to a position, once that is committed."""
        if rule.draft.kind is not RuleKind.MISSING and len(states) <= SENSORS_MOST:
            self._held[rule.id] = rule.revision, position, states
