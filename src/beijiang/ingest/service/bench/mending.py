"""Correct rows in place, one by one or many alike; everything is a draft until it goes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.ingest.models import (
    AS_IT_STANDS,
    BenchQuery,
    BenchRow,
    Fix,
    FixDone,
    FixPreview,
    FixSample,
    MendState,
)
from beijiang.ingest.service.bench.looking import Looking, RunView
from beijiang.ingest.store.bench import BenchStore, Correction
from beijiang.kit import Conflict, Invalid, NotFound, Text, new_id

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Mending"]

_MOST: Final = 100_000
"""Rows that one correction or one decision may touch."""
_SAMPLES: Final = 10
_LISTED: Final = 200
"""Places that an evidence record names; all are counted."""
_CELL: Final = 100_000


class Mending(Looking):
    """Correct rows, or decide that they need none."""

    def check(self, actor: Actor, run_id: str, seq: int, cells: Mapping[str, str]) -> BenchRow:
        """Return a row as it would be with some cells changed, and what is wrong with it then; nothing is kept."""
        view, found = self._row(actor, run_id, seq, Permission.INGEST_QUARANTINE_MEND)
        return self._with(view, found, _known(found, cells))

    def correct(self, actor: Actor, run_id: str, seq: int, cells: Mapping[str, str]) -> BenchRow:
        """Keep corrected cells of a row as a draft; without any, say that the row is right as it stands.

        Raises:
            Conflict: the row is on its way in, resolved, or of a run that was not committed.
            Invalid: no such column.

        """
        view, found = self._row(actor, run_id, seq, Permission.INGEST_QUARANTINE_MEND)
        _must_be_open(found)
        now = {c.column: c.text for c in found.cells}
        changed = {c: text for c, text in _known(found, cells).items() if text != now[c]}
        kept = [Correction(run_id=run_id, seq=seq, column=c, value=text) for c, text in changed.items()]
        if not kept and found.state is not MendState.FIXED:
            kept = [Correction(run_id=run_id, seq=seq, column=AS_IT_STANDS, value="")]
        at = self.clock.now()
        with self.db.begin() as tx:
            bench = BenchStore(tx.connection)
            bench.add_corrections(kept, actor.name, at)
            bench.put(run_id, [seq], MendState.FIXED, note="", actor_name=actor.name, at=at)
            columns: list[JsonValue] = [*sorted(changed)]
            detail: dict[str, JsonValue] = {"run": run_id, "row": seq, "columns": columns}
            self.evidence.record(tx, actor, "ingest.correct", target=found.table, detail=detail)
        return replace(self._with(view, found, changed), state=MendState.FIXED, by=actor.name, at=at)

    def preview_fix(self, actor: Actor, query: BenchQuery, fix: Fix) -> FixPreview:
        """Say what one correction would do to every row that is meant; nothing is kept.

        Raises:
            Invalid: the correction lacks something, or too many rows are meant.

        """
        fix.check()
        views = self._views(actor, query, Permission.INGEST_QUARANTINE_MEND)
        matched = changed = passing = 0
        samples: list[FixSample] = []
        for view in views:
            met = self._fixable(view, query, fix.column)
            matched += len(met)
            touched = [(row, after) for row in met if (after := fix.apply(_text(row, fix.column))) != _text(row, fix.column)]  # fmt: skip
            changed += len(touched)
            for (row, after), faults in zip(touched, self._faults(view, touched, fix.column), strict=True):
                passing += not faults
                if len(samples) < _SAMPLES:
                    problem = faults.get(fix.column) or next(iter(faults.values()), None)
                    place = (row.row.run_id, row.row.seq, row.row.line)
                    samples.append(FixSample(*place, _text(row, fix.column), after, problem))
        _not_too_many(matched)
        return FixPreview(fix, matched, changed, passing, tuple(samples))

    def fix(self, actor: Actor, query: BenchQuery, fix: Fix) -> FixDone:
        """Make one correction to every row that is meant, as drafts; ``undo`` takes it back.

        Raises:
            Invalid: the correction lacks something, fits no row, or too many rows are meant.

        """
        fix.check()
        views = self._views(actor, query, Permission.INGEST_QUARANTINE_MEND)
        fix_id, at = new_id("fix"), self.clock.now()
        kept: dict[str, list[Correction]] = {}
        for view in views:
            for row in self._fixable(view, query, fix.column):
                after = fix.apply(_text(row, fix.column))
                if after != _text(row, fix.column):
                    place = {"run_id": view.run.id, "seq": row.row.seq}
                    made = Correction(**place, column=fix.column, value=after, fix_id=fix_id)  # type: ignore[arg-type]
                    kept.setdefault(view.run.id, []).append(made)
        rows = sum(len(of_run) for of_run in kept.values())
        if not rows:
            raise Invalid("这项更正不改变任何一行。", "This correction changes no row.", code="nothing_to_do")
        _not_too_many(rows)
        run = views[0].run
        done = FixDone(id=fix_id, table=run.table, org_id=run.org_id, fix=fix, rows=rows, by=actor.name, at=at)
        with self.db.begin() as tx:
            bench = BenchStore(tx.connection)
            bench.add_fix(done)
            for run_id, of_run in kept.items():
                bench.add_corrections(of_run, actor.name, at)
                bench.put(run_id, [c.seq for c in of_run], MendState.FIXED, note="", actor_name=actor.name, at=at)
            detail: dict[str, JsonValue] = {"fix": fix_id, "kind": fix.kind.value, "column": fix.column, "rows": rows}
            self.evidence.record(tx, actor, "ingest.fix", target=run.table, detail=detail)
        return done

    def fixes(self, actor: Actor, table: str) -> list[FixDone]:
        """Return the corrections that were made to many rows of a table, newest first."""
        self.access.require(actor, Permission.INGEST_QUARANTINE_READ, actor.org_id)
        with self.db.read() as connection:
            found = BenchStore(connection).fixes(table=table)
        return [f for f in found if actor.org_id in {None, f.org_id}]

    def undo(self, actor: Actor, fix_id: str) -> int:
        """Take a correction of many rows back; return how many rows it touched.

        Raises:
            Conflict: some of them have gone in already, or are on their way.

        """
        with self.db.read() as connection:
            bench = BenchStore(connection)
            found = next(iter(bench.fixes(fix_id=fix_id)), None)
            rows = bench.rows_of_fix(fix_id)
        if found is None or not self.access.allows(actor, Permission.INGEST_QUARANTINE_READ, found.org_id):
            self.access.require(actor, Permission.INGEST_QUARANTINE_READ)
            raise NotFound("没有这项更正。", "There is no such correction.", code="fix_not_found")
        self.access.require(actor, Permission.INGEST_QUARANTINE_MEND, found.org_id)
        if not found.undoable or self._on_their_way(rows):
            raise Conflict(
                "这项更正的行已经入库或正在入库，不能撤销。",
                "Rows of this correction have gone in, or are on their way; it cannot be undone.",
                code="already_replayed",
            )
        with self.db.begin() as tx:
            bench = BenchStore(tx.connection)
            bench.drop_fix(fix_id)
            for run_id, seqs in rows.items():
                left = bench.drafts(run_id, seqs)
                bench.forget(run_id, [s for s in seqs if s not in left])
            detail: dict[str, JsonValue] = {"fix": fix_id, "rows": found.rows}
            self.evidence.record(tx, actor, "ingest.fix_undo", target=found.table, detail=detail)
        return found.rows

    def revert(self, actor: Actor, query: BenchQuery) -> int:
        """Take back the drafts and the dismissal of rows; return how many were touched."""
        chosen = self._decided(actor, query, {MendState.FIXED, MendState.DISMISSED})
        with self.db.begin() as tx:
            bench = BenchStore(tx.connection)
            for view, seqs in chosen:
                bench.drop_drafts(view.run.id, seqs)
                bench.forget(view.run.id, seqs)
            self._note(tx, actor, "ingest.mend_undo", chosen, {})
        return sum(len(seqs) for _, seqs in chosen)

    def dismiss(self, actor: Actor, query: BenchQuery, reason: str) -> int:
        """Decide that rows are not wanted, with the reason; return how many. ``revert`` takes it back.

        Raises:
            Invalid: no reason, or no row is meant.

        """
        if not reason.strip():
            raise Invalid("请写明忽略的理由。", "Say why they are dismissed.", code="reason_required")
        chosen = self._decided(actor, query, {MendState.OPEN, MendState.FIXED, MendState.SENT_BACK})
        at = self.clock.now()
        with self.db.begin() as tx:
            bench = BenchStore(tx.connection)
            for view, seqs in chosen:
                words = {"note": reason.strip(), "actor_name": actor.name, "at": at}
                bench.put(view.run.id, seqs, MendState.DISMISSED, **words)
            self._note(tx, actor, "ingest.dismiss", chosen, {"reason": reason.strip()})
        return sum(len(seqs) for _, seqs in chosen)

    # Inside

    def _decided(self, actor: Actor, query: BenchQuery, states: set[MendState]) -> list[tuple[RunView, list[int]]]:
        """Return the rows that a decision is about, by run; rows on their way in are left alone."""
        chosen = []
        for view in self._views(actor, query, Permission.INGEST_QUARANTINE_MEND):
            scan = self._scan(view, query)
            seqs = [] if scan is None else scan.select("seq").collect()["seq"].to_list()
            mine = [s for s in seqs if view.state(s) in states and not self._moving(view, s)]
            if mine:
                chosen.append((view, mine))
        count = sum(len(seqs) for _, seqs in chosen)
        if not count:
            raise Invalid("没有可以这样处理的行。", "There is no row to do this with.", code="nothing_to_do")
        _not_too_many(count)
        return chosen

    def _moving(self, view: RunView, seq: int) -> bool:
        mend = view.mends.get(seq)
        return mend is not None and mend.replay in view.live

    def _on_their_way(self, rows: Mapping[str, Sequence[int]]) -> bool:
        with self.db.read() as connection:
            bench = BenchStore(connection)
            replays = {m.replay for run, seqs in rows.items() for m in bench.mends(run, seqs).values() if m.replay}
        return bool(self._live(replays))

    def _fixable(self, view: RunView, query: BenchQuery, column: str) -> list[BenchRow]:
        """Return the rows that a correction is about: not yet in, and with such a column."""
        states = {MendState.OPEN, MendState.FIXED, MendState.SENT_BACK}
        return [
            row
            for row in self._batches(view, query)
            if row.state in states and row.blocked is None and column in row.row.columns
        ]

    def _with(self, view: RunView, row: BenchRow, cells: Mapping[str, str]) -> BenchRow:
        from beijiang.ingest.service.bench.checking import problems

        now = {c.column: c.text for c in row.cells} | dict(cells)
        faults = problems([now], view.rules, view.request.checks)[0] if view.rules is not None else {}
        made = tuple(replace(c, text=now[c.column], problem=faults.get(c.column)) for c in row.cells)
        return replace(row, cells=made)

    def _faults(self, view: RunView, touched: Sequence[tuple[BenchRow, str]], column: str) -> list[dict[str, Text]]:
        from beijiang.ingest.service.bench.checking import problems

        if view.rules is None:
            return [{} for _ in touched]
        texts = [{**{c.column: c.text for c in row.cells}, column: after} for row, after in touched]
        return problems(texts, view.rules, view.request.checks)

    def _note(
        self,
        tx: UnitOfWork,
        actor: Actor,
        action: str,
        chosen: Sequence[tuple[RunView, list[int]]],
        facts: dict[str, JsonValue],
    ) -> None:
        """Record a decision about rows: how many, and which, as far as a record can name them."""
        every = [f"{view.run.id}:{seq}" for view, seqs in chosen for seq in seqs]
        places: list[JsonValue] = [*every[:_LISTED]]
        table = chosen[0][0].run.table
        self.evidence.record(tx, actor, action, target=table, detail={"rows": len(every), "places": places, **facts})


def _text(row: BenchRow, column: str) -> str:
    return next((c.text for c in row.cells if c.column == column), "")


def _known(row: BenchRow, cells: Mapping[str, str]) -> dict[str, str]:
    names = {c.column for c in row.cells}
    strange = [c for c in cells if c not in names]
    if strange:
        raise Invalid(
            f"这一行没有列：{'、'.join(strange)}。",
            f"The row has no column {', '.join(strange)}.",
            code="unknown_column",
        )
    if any(len(text) > _CELL for text in cells.values()):
        raise Invalid("单元格内容过长。", "The text of a cell is too long.", code="too_long")
    return dict(cells)


def _must_be_open(row: BenchRow) -> None:
    if row.blocked is not None:
        raise Conflict(row.blocked.zh, row.blocked.en, code="row_not_open")


def _not_too_many(rows: int) -> None:
    if rows > _MOST:
        raise Invalid(
            f"一次最多处理 {_MOST:,} 行，现在选中 {rows:,} 行。请按原因、列或文件缩小范围。",
            f"At most {_MOST:,} rows at a time; {rows:,} are meant. Narrow them by reason, column or file.",
            code="too_many_rows",
        )
