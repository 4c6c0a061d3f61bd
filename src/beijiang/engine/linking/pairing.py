"""Which pairs are looked at: those whose records share what some block names; each pair once, with the first such block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from beijiang.engine.linking.bench import Bench, column, named
from beijiang.engine.linking.plan import SOURCE, Block, LinkPlan
from beijiang.engine.linking.results import BlockCount
from beijiang.kit import Refused

__all__ = ["ID", "NEW", "PAIRS", "PEOPLE", "count_blocks", "pair_up"]

PEOPLE: Final = "prepared"
"""Table of the prepared records, with a number of their own."""
PAIRS: Final = "candidates"
ID: Final = "bj_id"
NEW: Final = "bj_new"
"""Whether the record is new, in a link that adds some to others."""
_SIZE: Final = "bj_size"
_KEY: Final = "bj_key"


def count_blocks(bench: Bench, plan: LinkPlan, *, some: bool) -> tuple[tuple[int, int, int], ...]:
    """Make a table of the usable values of each block, and count of each its pairs, the largest and the skipped.

    With ``some``, only values that a new record has bring pairs; the count is an upper bound then.

    Raises:
        Refused: there would be more pairs than the plan allows (``too_many_pairs``).

    """
    counts = tuple(_count(bench, block, place, some=some) for place, block in enumerate(plan.blocks))
    total = sum(pairs for pairs, _, _ in counts)
    if total > plan.most_pairs:
        worst = max(range(len(counts)), key=lambda place: counts[place][0])
        raise Refused(
            f"按这些分组规则需要比较约 {total:,} 对记录，超过上限 {plan.most_pairs:,}。请收紧规则“{plan.blocks[worst].name}”（{counts[worst][0]:,} 对），例如再加一个字段。",
            f"These blocking rules would compare about {total:,} pairs, more than the limit of {plan.most_pairs:,}. Tighten the rule {plan.blocks[worst].name} ({counts[worst][0]:,} pairs), for example by one more field.",
            code="too_many_pairs",
        )
    return counts


def _count(bench: Bench, block: Block, place: int, *, some: bool) -> tuple[int, int, int]:
    keys = [column(name) for name in block.columns]
    size = exp.Count(this=exp.Star())
    shared = (
        exp.select(*keys, named(size, _SIZE), named(exp.Window(this=exp.RowNumber()), _KEY))
        .from_(PEOPLE)
        .where(*(exp.not_(exp.Is(this=key.copy(), expression=exp.null())) for key in keys))
        .group_by(*keys)
        .having(exp.GT(this=size.copy(), expression=_number(1)))
    )
    if some:
        shared = shared.having(exp.LogicalOr(this=column(NEW)))
    bench.make(f"keys_{place}", shared)
    n = exp.cast(column(_SIZE), "BIGINT")
    many = exp.GT(this=n.copy(), expression=_number(block.most))
    pairs = exp.IntDiv(
        this=exp.paren(exp.Mul(this=n, expression=exp.paren(exp.Sub(this=n.copy(), expression=_number(1))))),
        expression=_number(2),
    )
    wanted = (
        exp.Sum(this=exp.Case().when(exp.not_(many), pairs)),
        exp.Max(this=column(_SIZE)),
        exp.Sum(this=exp.Case().when(many.copy(), column(_SIZE))),
    )
    found = bench.row(exp.select(*(exp.cast(one, "BIGINT") for one in wanted)).from_(f"keys_{place}"))
    count, largest, skipped = (int(value or 0) for value in found)
    return count, largest, skipped


def pair_up(
    bench: Bench, plan: LinkPlan, counts: Sequence[tuple[int, int, int]], *, some: bool
) -> tuple[BlockCount, ...]:
    """Make the table of pairs, as Splink reads it, and tell what each block brought."""
    found: exp.Query | None = None
    for place, block in enumerate(plan.blocks):
        _members(bench, block, place, plan, some=some)
        one = _pairs(place, across=plan.across, some=some)
        found = one if found is None else exp.union(found, one, distinct=False, copy=False)
    if found is None:
        msg = "a plan without blocks"
        raise ValueError(msg)
    key = exp.Min(this=column("match_key"))
    ends = [column("join_key_l"), column("join_key_r")]
    once = exp.select(*ends, named(key, "match_key")).from_(found.subquery("found")).group_by(*ends)
    bench.make(PAIRS, once)
    for place in range(len(plan.blocks)):
        bench.drop(f"members_{place}")
    rows = bench.fetch(
        exp.select(column("match_key"), named(exp.Count(this=exp.Star()), "n")).from_(PAIRS).group_by("match_key")
    ).to_pylist()
    added = {row["match_key"]: row["n"] for row in rows}
    return tuple(
        BlockCount(block.name, pairs, added.get(place, 0), largest, skipped)
        for place, (block, (pairs, largest, skipped)) in enumerate(zip(plan.blocks, counts, strict=True))
    )


def _members(bench: Bench, block: Block, place: int, plan: LinkPlan, *, some: bool) -> None:
    """Keep the records that share a usable value of a block, with the number of that value."""
    on = [exp.EQ(this=column(name, "k"), expression=column(name, "p")) for name in block.columns]
    carried = [ID, *([SOURCE] if plan.across else []), *([NEW] if some else [])]
    bench.make(
        f"members_{place}",
        exp.select(column(_KEY, "k"), *(column(name, "p") for name in carried))
        .from_(exp.alias_(exp.table_(PEOPLE), "p", table=True))
        .join(exp.alias_(exp.table_(f"keys_{place}"), "k", table=True), on=exp.and_(*on))
        .where(exp.LTE(this=column(_SIZE, "k"), expression=_number(block.most))),
    )
    bench.drop(f"keys_{place}")


def _pairs(place: int, *, across: bool, some: bool) -> exp.Query:
    """Return the pairs of records with the same value of one block."""
    members = {end: exp.alias_(exp.table_(f"members_{place}"), end, table=True) for end in "lr"}
    on: list[exp.Expr] = [
        exp.EQ(this=column(_KEY, "l"), expression=column(_KEY, "r")),
        exp.LT(this=column(ID, "l"), expression=column(ID, "r")),
    ]
    if across:
        on.append(exp.NEQ(this=column(SOURCE, "l"), expression=column(SOURCE, "r")))
    if some:
        on.append(exp.paren(exp.Or(this=column(NEW, "l"), expression=column(NEW, "r"))))
    return (
        exp.select(
            named(column(ID, "l"), "join_key_l"),
            named(column(ID, "r"), "join_key_r"),
            named(exp.cast(_number(place), "SMALLINT"), "match_key"),
        )
        .from_(members["l"])
        .join(members["r"], on=exp.and_(*on))
    )


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)
