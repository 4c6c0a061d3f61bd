"""What lies on the bench: rows with what is wrong in each cell, filters, counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.ingest.models import (
    AS_IT_STANDS,
    BenchCell,
    BenchPage,
    BenchQuery,
    BenchRow,
    IngestRequest,
    MendState,
    Origin,
    QuarantinedRow,
    Run,
    RunMode,
    RunState,
    TableCount,
)
from beijiang.ingest.store import IngestStore
from beijiang.ingest.store.bench import BenchStore
from beijiang.kit import SYSTEM, Invalid, NotFound, Text
from beijiang.tables import HIDDEN

if TYPE_CHECKING:
    import polars as pl

    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.ingest.service.bench.checking import Rules
    from beijiang.ingest.service.ingest import Ingest
    from beijiang.ingest.store.bench import Mend
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue

__all__ = ["Looking", "RunView"]

_PAGE: Final = 1000
_BATCH: Final = 5000
_NOT_COMMITTED = Text(
    "这次任务没有提交，合格的行也没有入库。请退回供数方更正，再重新提交整份文件。",
    "This run was not committed, so its good rows are not in the table either. Send it back, and hand the whole file in again.",
)
_NO_TABLE = Text("这张表已经没有了。", "There is no such table any more.")
_REPLACED = Text(
    "整张表已被新数据替换，旧行不再入库。请看新任务的待修数据。",
    "The whole table was replaced since; old rows do not go in. See what the newer run set aside.",
)
_ON_ITS_WAY = Text("正在入库，请稍候。", "It is on its way in; wait a moment.")
_DONE = Text("已由后来的任务解决。", "A later run has resolved it.")


@dataclass(slots=True)
class RunView:
    """One run whose rows are looked at, with everything that is known of them."""

    run: Run
    request: IngestRequest
    superseded: bool
    rules: Rules | None
    resolved: dict[int, str]
    mends: dict[int, Mend]
    live: set[str] = field(default_factory=set)
    """Replays that are on their way."""
    utc: frozenset[str] = frozenset()
    """Columns whose cells are UTC text, as a source wrote them; people read and write the region's time."""

    def state(self, seq: int) -> MendState:
        """Return where a row stands."""
        if seq in self.resolved:
            return MendState.RESOLVED
        if self.superseded:
            return MendState.SUPERSEDED
        return self.mends[seq].state if seq in self.mends else MendState.OPEN

    def blocked(self, seq: int) -> Text | None:
        """Return why a row cannot be mended here, None if it can."""
        if seq in self.resolved:
            return _DONE
        if self.superseded:
            return _REPLACED
        if self.run.state is not RunState.COMMITTED:
            return _NOT_COMMITTED
        if self.rules is None:
            return _NO_TABLE
        mend = self.mends.get(seq)
        return _ON_ITS_WAY if mend is not None and mend.replay in self.live else None

    def narrowed(self, state: MendState | None) -> tuple[list[int] | None, list[int]] | None:
        """Return which rows stand in a state as (only these, not those); None if none can."""
        if state is None:
            return None, []
        if self.superseded and state not in {MendState.SUPERSEDED, MendState.RESOLVED}:
            return None
        if state is MendState.RESOLVED:
            return sorted(self.resolved), []
        if state is MendState.SUPERSEDED:
            return (None, sorted(self.resolved)) if self.superseded else None
        if state is MendState.OPEN:
            return None, sorted({*self.resolved, *self.mends})
        return sorted(s for s, m in self.mends.items() if m.state is state and s not in self.resolved), []


class Looking:
    """Look at rows that were set aside."""

    def __init__(self, db: Database, ingest: Ingest, access: Access, evidence: Evidence, clock: Clock) -> None:
        self.db = db
        self.ingest = ingest
        self.access = access
        self.evidence = evidence
        self.clock = clock

    def counts(self, actor: Actor) -> list[TableCount]:
        """Return, for each table of the actor's department (the platform sees all), how many rows stand where."""
        self.access.require(actor, Permission.INGEST_QUARANTINE_READ, actor.org_id)
        with self.db.read() as connection:
            runs = BenchStore(connection).counts(actor.org_id)
        tables: dict[tuple[str, str], Counter[str]] = {}
        for run in runs:
            total = tables.setdefault((run.table, run.org_id), Counter())
            total.update(run.states)
            total["resolved"] += run.resolved
            total["open"] += run.bad - run.resolved - sum(run.states.values())
        found = [
            TableCount(
                table,
                org_id,
                open=max(0, total["open"]),
                fixed=total[MendState.FIXED],
                sent_back=total[MendState.SENT_BACK],
                dismissed=total[MendState.DISMISSED],
                resolved=total["resolved"],
            )
            for (table, org_id), total in tables.items()
        ]
        return sorted(found, key=lambda c: (-c.open, c.table))

    def rows(self, actor: Actor, query: BenchQuery, *, offset: int = 0, limit: int = 50) -> BenchPage:
        """Return some rows of a table or a run, newest run first, with what is wrong in each cell.

        Raises:
            NotFound: no such run, or another department's, which look the same.

        """
        views = self._views(actor, query)
        rows: list[BenchRow] = []
        total, skip, most = 0, offset, min(limit, _PAGE)
        facets: dict[str, Counter[str]] = {"reason": Counter(), "column": Counter(), "file_name": Counter()}
        states: Counter[str] = Counter()
        for view in views:
            self._count(view, query, facets, states)
            scan = self._scan(view, query)
            if scan is None:
                continue
            here = scan.select("seq").collect().height
            total += here
            if skip < here and len(rows) < most:
                rows += self._on_bench(view, scan.slice(skip, most - len(rows)).collect().to_dicts())
            skip = max(0, skip - here)
        detail: dict[str, JsonValue] = {"run": query.run_id or None, "rows": len(rows)}
        with self.db.begin() as tx:
            self.evidence.record(tx, actor, "ingest.quarantine", target=query.table or query.run_id, detail=detail)
        told = {name: dict(sorted(c.items(), key=lambda pair: (-pair[1], pair[0]))) for name, c in facets.items()}
        return BenchPage(total, tuple(rows), told["reason"], told["column"], told["file_name"], dict(states))

    def row(self, actor: Actor, run_id: str, seq: int) -> BenchRow:
        """Return one row with what is wrong in each cell.

        Raises:
            NotFound: there is no such row, or it is another department's.

        """
        _, found = self._row(actor, run_id, seq)
        with self.db.begin() as tx:
            self.evidence.record(tx, actor, "ingest.quarantine", target=run_id, detail={"run": run_id, "rows": 1})
        return found

    # Inside

    def _row(
        self, actor: Actor, run_id: str, seq: int, permission: Permission = Permission.INGEST_QUARANTINE_READ
    ) -> tuple[RunView, BenchRow]:
        query = BenchQuery(rows=((run_id, seq),))
        for view in self._views(actor, query, permission):
            for row in self._batches(view, query):
                return view, row
        raise NotFound("没有这一行待修数据。", "There is no such quarantined row.", code="row_not_found")

    def _views(
        self, actor: Actor, query: BenchQuery, permission: Permission = Permission.INGEST_QUARANTINE_READ
    ) -> list[RunView]:
        """Return the runs that a query is about, newest first; those of other departments are not there."""
        named = [query.run_id] if query.run_id else sorted({run for run, _ in query.rows}, reverse=True)
        if named:
            runs = [self.ingest.run(actor, run) for run in named]
            for run in runs:
                self.access.require(actor, permission, run.org_id)
        else:
            if not query.table:
                raise Invalid("请指定一张表或一次任务。", "Name a table or a run.", code="nothing_to_do")
            self.access.require(actor, permission, actor.org_id)
            with self.db.read() as connection:
                store = IngestStore(connection)
                found = [store.run(r) for r in store.quarantines(query.table)]
            runs = [r for r in found if r is not None and actor.org_id in {None, r.org_id}]
        return [self._view(run) for run in runs if self.ingest.shop.quarantine(run.id).exists and run.ended]

    def _view(self, run: Run) -> RunView:
        with self.db.read() as connection:
            store, bench = IngestStore(connection), BenchStore(connection)
            request = store.request(run.id)
            resolved = store.resolved(run.id)
            mends = bench.mends(run.id)
            newest = bench.replaced(run.table).get(run.table, "")
        rules = self._rules(run.table)
        if rules is not None and request.mode is RunMode.REMOVE:
            rules = rules.leaving()
        return RunView(
            run=run,
            request=request,
            superseded=run.id < newest,
            rules=rules,
            resolved=resolved,
            mends=mends,
            live=self._live({m.replay for m in mends.values() if m.replay}),
            utc=self._utc(run, request, rules),
        )

    def _live(self, replays: set[str]) -> set[str]:
        """Return which runs have not come to their end."""
        return {r for r in replays if not self.ingest.run(SYSTEM, r).ended}

    def _rules(self, table: str) -> Rules | None:
        from beijiang.ingest.service.bench.checking import Rules
        from beijiang.ingest.service.reading import pinned_schema

        try:
            info = self.ingest.tables.get(SYSTEM, table)
        except NotFound:
            return None
        arrow = self.ingest.tables.schema(SYSTEM, table)
        with self.db.read() as connection:
            notes = IngestStore(connection).schema(table)
        schema = pinned_schema(arrow, notes, HIDDEN)
        return None if schema is None else Rules(schema, info.subject, info.history)

    def _utc(self, run: Run, request: IngestRequest, rules: Rules | None) -> frozenset[str]:
        """Return the columns that a source delivered as texts of UTC."""
        if not request.sync or rules is None or not run.files:
            return frozenset()
        import pyarrow.parquet as pq

        from beijiang.ingest.typing import ColumnType

        if "arrivals" in run.report:
            return frozenset()  # files as a department made them
        names = {c.name for c in rules.schema.columns if c.type is ColumnType.TIMESTAMP}
        if "stream" in run.report:
            return frozenset(names)
        landed = pq.read_schema(self.ingest.landing.path(run.files[0][0]))
        return frozenset(n for n in names if n in landed.names and str(landed.field(n).type) == "string")

    def _scan(self, view: RunView, query: BenchQuery) -> pl.LazyFrame | None:
        narrowed = view.narrowed(query.state)
        if narrowed is None:
            return None
        within, without = narrowed
        if query.rows:
            asked = {seq for run, seq in query.rows if run == view.run.id}
            within = sorted(asked if within is None else asked & set(within))
        return self.ingest.shop.quarantine(view.run.id).chosen(
            reason=query.reason, column=query.column, file=query.file, within=within, without=without
        )

    def _count(self, view: RunView, query: BenchQuery, facets: dict[str, Counter[str]], states: Counter[str]) -> None:
        """Count rows by state, and those in the state asked for by reason, column and file."""
        bad = int(str(view.run.report.get("bad", 0)))
        if view.superseded:
            states[MendState.SUPERSEDED] += bad - len(view.resolved)
        else:
            mends = Counter(m.state for seq, m in view.mends.items() if seq not in view.resolved)
            states.update({s.value: n for s, n in mends.items()})
            states[MendState.OPEN] += max(0, bad - len(view.resolved) - sum(mends.values()))
        states[MendState.RESOLVED] += len(view.resolved)
        scan = self._scan(view, BenchQuery(table=query.table, run_id=query.run_id, state=query.state))
        if scan is None:
            return
        groups = scan.group_by("reason", "column", "file_name").len().collect()
        for group in groups.iter_rows(named=True):
            for name, counter in facets.items():
                if group[name]:
                    counter[group[name]] += group["len"]

    def _batches(self, view: RunView, query: BenchQuery) -> Iterator[BenchRow]:
        """Yield every row of a run that a query means, some thousands looked at together."""
        scan = self._scan(view, query)
        if scan is None:
            return
        frame = scan.collect()
        for start in range(0, frame.height, _BATCH):
            yield from self._on_bench(view, frame.slice(start, _BATCH).to_dicts())

    def _on_bench(self, view: RunView, raw: Sequence[dict[str, Any]]) -> list[BenchRow]:
        from beijiang.ingest.service.bench.checking import problems

        with self.db.read() as connection:
            bench = BenchStore(connection)
            drafts = bench.drafts(view.run.id, [r["seq"] for r in raw])
            origins = self._origins(bench, view.run, [r["line"] for r in raw])
        files: Any = view.run.report["files"]
        pairs = []
        for row in raw:
            columns = tuple(files[row["source"]]["columns"])
            base = _base(row, columns, view.utc)
            pairs.append((columns, base, {**base, **drafts.get(row["seq"], {})}))
        texts = [{c: text for c, text in now.items() if c != AS_IT_STANDS} for _, _, now in pairs]
        wrong = problems(texts, view.rules, view.request.checks) if view.rules is not None else [{} for _ in raw]
        made = []
        for row, (columns, base, now), faults in zip(raw, pairs, wrong, strict=True):
            told = dict(faults)
            if row["column"] and row["column"] not in told and row["seq"] not in drafts:
                told[row["column"]] = Text(row["zh"], row["en"])
            made.append(self._made(view, row, columns, (base, now, told), origins.get(row["line"])))
        return made

    def _origins(self, bench: BenchStore, run: Run, lines: Sequence[int]) -> dict[int, Origin]:
        """Return where the rows of a replay were first set aside."""
        places = bench.origins(run.id, lines)
        found: dict[int, Origin] = {}
        for run_id in {r for r, _ in places.values()}:
            seqs = {seq: line for line, (r, seq) in places.items() if r == run_id}
            quarantine = self.ingest.shop.quarantine(run_id)
            for row in quarantine.chosen(within=list(seqs)).collect().iter_rows(named=True):
                found[seqs[row["seq"]]] = Origin(run_id, row["seq"], row["file_name"], row["line"])
        return found

    def _made(
        self,
        view: RunView,
        row: dict[str, Any],
        columns: tuple[str, ...],
        cells: tuple[dict[str, str], dict[str, str], dict[str, Text]],
        origin: Origin | None,
    ) -> BenchRow:
        base, now, told = cells
        seq = row["seq"]
        mend = view.mends.get(seq)
        missing = [c for c in told if c not in columns]
        return BenchRow(
            row=QuarantinedRow.stored(view.run.id, row, columns, view.resolved.get(row["seq"])),
            table=view.run.table,
            state=view.state(seq),
            cells=tuple(BenchCell(c, base.get(c, ""), now.get(c, ""), told.get(c)) for c in (*columns, *missing)),
            extra=tuple(row["cells"][len(columns) :]) if row["cells"] is not None else (),
            note=mend.note if mend else "",
            by=mend.by if mend else "",
            at=mend.at if mend else None,
            sending=mend.sending if mend else None,
            replay=mend.replay if mend else None,
            origin=origin,
            blocked=view.blocked(seq),
        )


def _base(row: dict[str, Any], columns: tuple[str, ...], utc: frozenset[str]) -> dict[str, str]:
    """Return the cells as they were handed in, by column; a record that could not be parted has none."""
    cells = row["cells"] or []
    base = {c: (cells[at] if at < len(cells) else "") or "" for at, c in enumerate(columns)}
    for name in utc & set(base):
        base[name] = _local(base[name])
    return base


def _local(text: str) -> str:
    """Write an instant of UTC in the region's time; what is none stays as it is."""
    from beijiang.ingest.typing.spelling import BEIJING

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is not None:
        return text
    return moment.replace(tzinfo=UTC).astimezone(BEIJING).replace(tzinfo=None).isoformat(sep=" ")
