"""What a name means at a place of a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from beijiang.lineage.models.origins import NOTHING, Origins, Relation, folded, lift, unknown
from beijiang.tables import Use

__all__ = ["Scope"]


@dataclass(slots=True)
class Scope:
    """The relations of one ``FROM``, growing from left to right, with what stands around it."""

    outer: Scope | None = None
    ctes: Mapping[str, Relation] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)
    shown: list[tuple[str, Origins]] = field(default_factory=list)
    """What ``*`` gives, in order; columns of ``USING`` once."""
    merged: dict[str, tuple[str, Origins]] = field(default_factory=dict)
    influences: Origins = NOTHING
    aliases: dict[str, tuple[str, Origins]] = field(default_factory=dict)
    windows: dict[str, exp.Window] = field(default_factory=dict)
    bound: frozenset[str] = frozenset()
    """Variables of lambdas and comprehensions: no columns."""

    def add(self, relation: Relation) -> None:
        """Let a relation stand beside the others."""
        self.relations.append(relation)
        self.shown.extend(relation.columns)
        self.influences |= relation.influences

    def take(self, other: Scope) -> None:
        """Let all that a bracket of joins holds stand beside the others."""
        self.relations.extend(other.relations)
        self.shown.extend(other.shown)
        self.merged.update(other.merged)
        self.influences |= other.influences

    def merge(self, name: str, right: Scope, side: str) -> None:
        """Make one column of the two that ``USING`` names; ``right`` has not been taken yet."""
        mine, theirs = self.local(name), right.local(name)
        if mine is None or theirs is None:
            mine = theirs = (name, unknown("no_column"))
        self.influences |= lift(mine[1] | theirs[1], Use.JOIN)
        kept = theirs[1] if side == "RIGHT" else mine[1]
        if side == "FULL":
            kept = lift(mine[1] | theirs[1], Use.TRANSFORMATION)
        key = folded(name)
        one = (mine[0], kept)
        self.shown = [one if folded(n) == key else (n, o) for n, o in self.shown]
        right.shown = [(n, o) for n, o in right.shown if folded(n) != key]
        right.merged.pop(key, None)
        self.merged[key] = one

    def local(self, name: str) -> tuple[str, Origins] | None:
        """Return a column of the relations here; one that several have is refused as unknown."""
        merged = self.merged.get(folded(name))
        if merged is not None:
            return merged
        found = [one for one in (relation.find(name) for relation in self.relations) if one is not None]
        if len(found) > 1:
            certain = [r for r in self.relations if r.rest is None and r.find(name) is not None]
            return (name, unknown("ambiguous")) if len(certain) != 1 else certain[0].find(name)
        return found[0] if found else None

    def relation(self, name: str) -> Relation | None:
        """Return the relation of that name, here or around."""
        wanted, scope = folded(name), self
        while True:
            found = next((one for one in scope.relations if folded(one.name) == wanted), None)
            if found is not None or scope.outer is None:
                return found
            scope = scope.outer

    def window(self, name: str) -> exp.Window | None:
        """Return the window that a ``WINDOW`` clause names."""
        scope: Scope | None = self
        while scope is not None and folded(name) not in scope.windows:
            scope = scope.outer
        return None if scope is None else scope.windows[folded(name)]

    def column(self, node: exp.Column, *, alias_first: bool = False) -> tuple[str, Origins]:
        """Return what a column's name means: a column here, one named earlier in the list, one around, a field, a row."""
        parts = [part.name for part in node.parts]
        if len(parts) == 1:
            return self._bare(parts[0], alias_first=alias_first)
        for count in range(len(parts) - 1, 0, -1):  # the longest name of a relation first; what is left are fields
            relation = self.relation(parts[count - 1])
            found = None if relation is None else relation.find(parts[count])
            if found is not None:
                return found if len(parts) == count + 1 else (parts[-1], lift(found[1], Use.TRANSFORMATION))
        if self.relation(parts[0]) is not None and self._local_anywhere(parts[0]) is None:
            return parts[-1], unknown("no_column")
        return parts[-1], lift(self._bare(parts[0])[1], Use.TRANSFORMATION)

    def _local_anywhere(self, name: str) -> tuple[str, Origins] | None:
        scope: Scope | None = self
        while scope is not None:
            found = scope.local(name)
            if found is not None:
                return found
            scope = scope.outer
        return None

    def _bare(self, name: str, *, alias_first: bool = False) -> tuple[str, Origins]:
        key = folded(name)
        scope: Scope | None = self
        while scope is not None:
            if key in scope.bound:
                return name, NOTHING
            alias = scope.aliases.get(key)
            found = alias if alias_first and alias is not None else scope.local(name) or alias
            if found is not None:
                return found
            scope = scope.outer
        row = self.relation(name)
        return (name, lift(row.everything(), Use.TRANSFORMATION)) if row is not None else (name, unknown("no_column"))
