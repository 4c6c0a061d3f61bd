"""The linker: prepare the records, pick pairs, learn what their likeness means, judge them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from beijiang.kit import Invalid

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.engine.linking.bench import Bench
    from beijiang.engine.linking.plan import Comparison, LinkPlan
    from beijiang.engine.linking.results import BlockCount, Linked, Weights
    from beijiang.settings import Settings

__all__ = ["Linker"]


class Linker:
    """Finds the pairs of records that tell of one and the same, in a DuckDB of its own per link."""

    dialect: ClassVar[str] = "duckdb"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def link(
        self,
        records: pa.Table | Sequence[Path],
        plan: LinkPlan,
        *,
        new: Collection[str] | None = None,
        weights: Weights | None = None,
        seconds: float = 3600.0,
        step: Callable[[str], None] = lambda _: None,
    ) -> Linked:
        """Return the pairs of records that are of one, with probabilities.

        Args:
            records: rows with texts ``record`` (unique, not NULL), ``source`` and what the plan's ``prepare`` reads.
            plan: what to compare and how.
            new: ids of records that were not linked before: only pairs with at least one of them are looked at.
            weights: learned before; without them they are learned now, from all records.
            seconds: wall time after which the link is interrupted.
            step: called with ``prepare``, ``block``, ``train``, ``score`` before each; what it raises ends the link.

        Raises:
            BeijiangError: ``query_timeout``, ``query_memory``, ``data_unavailable``, ``query_failed``,
                ``too_many_pairs``, ``record_repeated`` (an id stands twice, or is missing).

        """
        with self._bench(seconds) as place:
            return _Run(place, plan, step).link(records, new, weights)

    def explain(
        self, records: pa.Table | Sequence[Path], plan: LinkPlan, *, seconds: float = 600.0
    ) -> tuple[BlockCount, ...]:
        """Return what each block would bring, without comparing anything; raises as ``link`` does."""
        with self._bench(seconds) as place:
            return _Run(place, plan, lambda _: None).explain(records)

    @contextmanager
    def _bench(self, seconds: float) -> Iterator[Any]:
        """Open what a link works on."""
        from beijiang.engine.linking.bench import bench

        with bench(self._settings, seconds) as place:
            yield place


class _Run:
    """One link on its bench."""

    def __init__(self, bench: Bench, plan: LinkPlan, step: Callable[[str], None]) -> None:
        self._bench = bench
        self._plan = plan
        self._step = step
        self._seconds: dict[str, float] = {}

    def explain(self, records: pa.Table | Sequence[Path]) -> tuple[BlockCount, ...]:
        from beijiang.engine.linking.pairing import count_blocks, pair_up

        self._prepare(records, None)
        return pair_up(self._bench, self._plan, count_blocks(self._bench, self._plan, some=False), some=False)

    def link(self, records: pa.Table | Sequence[Path], new: Collection[str] | None, weights: Weights | None) -> Linked:
        from beijiang.engine.linking.judging import Judge, start
        from beijiang.engine.linking.pairing import count_blocks, pair_up
        from beijiang.engine.linking.results import Linked

        with self._timed("prepare"):
            count = self._prepare(records, new)
        with self._timed("block"):
            sizes = count_blocks(self._bench, self._plan, some=new is not None)
            blocks = pair_up(self._bench, self._plan, sizes, some=new is not None)
        trained = weights is None and count >= self._plan.least_records
        with self._timed("train"):
            judge = Judge(self._bench, self._plan)
            used = weights or start(self._plan, self._prior(count) if trained else self._plan.prior)
            if trained:
                used = judge.learn(used, count)
        with self._timed("score"):
            pairs = self._pairs(judge.judge(used), judge.comparisons)
        compared = sum(block.added for block in blocks)
        return Linked(pairs, used, blocks, count, compared, trained, self._seconds)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        self._step(name)
        started = time.monotonic()
        yield
        self._seconds[name] = time.monotonic() - started

    def _prepare(self, records: pa.Table | Sequence[Path], new: Collection[str] | None) -> int:
        """Make the table of prepared records, numbered in the order of their ids."""
        import pyarrow as pa
        from sqlglot import exp

        from beijiang.engine.linking.bench import RECORDS, column, named
        from beijiang.engine.linking.pairing import ID, NEW, PEOPLE
        from beijiang.engine.linking.plan import RECORD
        from beijiang.engine.port import LAKE

        self._bench.bring(RECORDS, records)
        for name, rows in self._plan.lookups.items():
            self._bench.bring(name, rows)
        self._own_ids()
        place = exp.Window(this=exp.RowNumber(), order=exp.Order(expressions=[exp.Ordered(this=column(RECORD))]))
        numbers = exp.select(column(RECORD), named(place, ID)).from_(exp.table_(RECORDS, db=LAKE))
        shown = [exp.Column(this=exp.Star(), table=exp.to_identifier("p")), column(ID, "k")]
        # Only the ids are put in order; the prepared rows are wide, and would take four times as long.
        query = exp.select(*shown).from_(self._plan.prepare.subquery("p"))
        same = exp.EQ(this=column(RECORD, "k"), expression=column(RECORD, "p"))
        query = query.join(numbers.subquery("k"), on=same, join_type="left")
        if new is not None:
            self._bench.bring("added", pa.table({"id": pa.array(sorted(new), pa.string())}))
            is_new = exp.Not(this=exp.Is(this=column("id", "n"), expression=exp.null()))
            on = exp.EQ(this=column("id", "n"), expression=column(RECORD, "p"))
            query = query.select(named(is_new, NEW)).join(
                exp.alias_(exp.table_("added", db=LAKE), "n", table=True), on=on, join_type="left"
            )
        self._bench.make(PEOPLE, query)
        (count,) = self._bench.row(exp.select(exp.Count(this=exp.Star())).from_(PEOPLE))
        return int(count)

    def _own_ids(self) -> None:
        """Refuse records whose ids repeat or are missing, before anything is joined by them."""
        from sqlglot import exp

        from beijiang.engine.linking.bench import RECORDS, column
        from beijiang.engine.linking.plan import RECORD
        from beijiang.engine.port import LAKE

        source = exp.table_(RECORDS, db=LAKE)
        total, told = self._bench.row(
            exp.select(exp.Count(this=exp.Star()), exp.Count(this=exp.Distinct(expressions=[column(RECORD)]))).from_(
                source
            )
        )
        if total != told:
            raise Invalid(
                f"记录编号有重复或缺失（{total:,} 条记录，{told:,} 个编号）。每条记录须有唯一的编号，请检查主键。",
                f"Record ids repeat or are missing ({total:,} records, {told:,} ids). Each record needs an id of its own; check the key.",
                code="record_repeated",
            )

    def _prior(self, count: int) -> float:
        """Return the share of matches among all pairs, as far as the columns tell that almost always mean a match."""
        from sqlglot import exp

        from beijiang.engine.linking.bench import column, named
        from beijiang.engine.linking.pairing import PEOPLE
        from beijiang.engine.linking.results import rounded

        found = 0
        for columns in self._plan.certain:
            keys = [column(name) for name in columns]
            told = [exp.not_(exp.Is(this=key.copy(), expression=exp.null())) for key in keys]
            sizes = exp.select(named(exp.Count(this=exp.Star()), "n")).from_(PEOPLE).where(*told).group_by(*keys)
            n = column("n")
            pairs = exp.Sum(
                this=exp.Mul(this=n, expression=exp.paren(exp.Sub(this=n.copy(), expression=exp.Literal.number(1))))
            )
            (twice,) = self._bench.row(exp.select(exp.cast(pairs, "DOUBLE")).from_(sizes.subquery("s")))
            found = max(found, int(twice or 0) // 2)
        total = count * (count - 1) / 2
        if not found or total < 1:
            return self._plan.prior
        return min(0.5, rounded(found / self._plan.recall / total))

    def _pairs(self, judged: str, comparisons: Sequence[Comparison]) -> pa.Table:
        """Return the pairs that were judged, with the ids of the records and the level of each field."""
        from sqlglot import exp

        from beijiang.engine.linking.bench import column, named
        from beijiang.engine.linking.judging import columns_of, level_of
        from beijiang.engine.linking.pairing import ID, PEOPLE
        from beijiang.engine.linking.plan import LEFT, RECORD, RIGHT

        used = {name.removesuffix(LEFT) for one in comparisons for name in columns_of(one) if name.endswith(LEFT)}
        sides = [named(column(name, end), f"{name}_{end}") for name in (RECORD, *sorted(used)) for end in "lr"]
        shown: list[exp.Expr] = [column("match_probability", "j"), column("match_key", "j")]
        query = exp.select(*sides, *shown).from_(exp.alias_(exp.table_(judged), "j", table=True))
        for end in "lr":
            people = exp.alias_(exp.table_(PEOPLE), end, table=True)
            query = query.join(people, on=exp.EQ(this=column(f"{ID}_{end}", "j"), expression=column(ID, end)))
        levels = [named(level_of(one), one.field) for one in comparisons]
        return self._bench.fetch(
            exp.select(
                named(column(f"{RECORD}{LEFT}"), "left"),
                named(column(f"{RECORD}{RIGHT}"), "right"),
                named(column("match_probability"), "probability"),
                named(column("match_key"), "block"),
                *levels,
            )
            .from_(query.subquery("p"))
            .order_by(column("left"), column("right"))
        )
