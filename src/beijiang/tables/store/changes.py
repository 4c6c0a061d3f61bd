"""Query trees of what differs between two versions of a table: by key in the files that only one has, or in added files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from beijiang.tables.models import TOUCHED_KEY
from beijiang.tables.store.merge import column, relation

__all__ = ["NEW", "OLD", "TOUCHED", "added", "among", "counted", "empty_keys", "touched"]

OLD: Final = "old"
NEW: Final = "new"
TOUCHED: Final = "touched"


def touched(key: Sequence[str], groups: Sequence[str], compared: Sequence[str]) -> exp.Query:
    """Select the values of ``groups`` that rows have or had which differ between ``old`` and ``new``, each once."""
    same = exp.and_(*(exp.EQ(this=column("o", name), expression=column("n", name)) for name in key))
    gone, fresh = (exp.Is(this=column(side, key[0]), expression=exp.null()) for side in "no")
    others = [name for name in compared if name not in key]
    pairs = [exp.NullSafeNEQ(this=column("o", name), expression=column("n", name)) for name in others]
    shown = [column(side, name).as_(f"{side}{i}") for side in "on" for i, name in enumerate(groups)]
    differing = (
        exp.select(*shown, gone.as_("gone"), fresh.as_("fresh"))
        .from_(relation(OLD, "o"))
        .join(relation(NEW, "n"), on=same, join_type="full")
        .where(exp.or_(gone.copy(), fresh.copy(), *pairs))
    )
    sides = [
        exp.select(*(exp.column(f"{side}{i}").as_(f"{TOUCHED_KEY}{i}") for i in range(len(groups))))
        .from_("differing")
        .where(exp.not_(exp.column(missing)))
        for side, missing in (("o", "fresh"), ("n", "gone"))
    ]
    both = exp.union(sides[0], sides[1], distinct=True)
    return both.with_("differing", as_=differing)


def added(groups: Sequence[str]) -> exp.Query:
    """Select the values of ``groups`` that rows of ``new`` have, each once."""
    shown = [column(None, name).as_(f"{TOUCHED_KEY}{i}") for i, name in enumerate(groups)]
    return exp.select(*shown).from_(relation(NEW)).distinct()


def among(name: str, groups: Sequence[str], columns: Sequence[str]) -> exp.Query:
    """Select the rows of a relation whose values of ``groups`` are among those of ``touched``."""
    same = exp.and_(
        *(exp.EQ(this=column("r", g), expression=exp.column(f"{TOUCHED_KEY}{i}", "t")) for i, g in enumerate(groups))
    )
    there = exp.Exists(this=exp.select("1").from_(relation(TOUCHED, "t")).where(same))
    return exp.select(*(column("r", c) for c in columns)).from_(relation(name, "r")).where(there)


def counted(name: str, groups: Sequence[str]) -> exp.Query:
    """Count the rows of a relation whose values of ``groups`` are among those of ``touched``."""
    return exp.select(exp.Count(this=exp.Star()).as_("n")).from_(among(name, groups, groups).subquery("there"))


def empty_keys(count: int) -> exp.Query:
    """Count the rows of ``touched`` that lack a value."""
    empty = exp.or_(*(exp.Is(this=exp.column(f"{TOUCHED_KEY}{i}"), expression=exp.null()) for i in range(count)))
    return exp.select(exp.Count(this=exp.Star()).as_("n")).from_(relation(TOUCHED)).where(empty)
