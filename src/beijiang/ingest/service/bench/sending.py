"""Send rows back to their supplier, and see what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beijiang.access import Permission
from beijiang.ingest.errors import disk_trouble
from beijiang.ingest.models import BenchQuery, MendState, Sending
from beijiang.ingest.service.bench.mending import Mending
from beijiang.ingest.store import IngestStore
from beijiang.ingest.store.bench import BenchStore
from beijiang.kit import Language, NotFound, new_id

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["SendingBack"]


class SendingBack(Mending):
    """Let the supplier mend what only the supplier can."""

    def send_back(self, actor: Actor, query: BenchQuery, note: str) -> Sending:
        """Mark rows as sent back, with a note; their file is ``sending_file``. Drafts of theirs are dropped.

        Raises:
            Invalid: no row is meant.

        """
        chosen = self._decided(actor, query, {MendState.OPEN, MendState.FIXED, MendState.SENT_BACK})
        run, at = chosen[0][0].run, self.clock.now()
        sending = Sending(
            id=new_id("snd"),
            table=run.table,
            org_id=run.org_id,
            note=note.strip(),
            rows=sum(len(seqs) for _, seqs in chosen),
            by=actor.name,
            at=at,
        )
        with self.db.begin() as tx:
            bench = BenchStore(tx.connection)
            bench.add_sending(sending)
            for view, seqs in chosen:
                bench.drop_drafts(view.run.id, seqs)
                words: dict[str, Any] = {"note": note.strip(), "actor_name": actor.name, "at": at}
                bench.put(view.run.id, seqs, MendState.SENT_BACK, sending=sending.id, **words)
            self._note(tx, actor, "ingest.send_back", chosen, {"sending": sending.id, "note": note.strip()})
        return sending

    def sendings(self, actor: Actor, table: str = "") -> list[Sending]:
        """Return what was sent back (of one table), newest first, with what has come of it."""
        self.access.require(actor, Permission.INGEST_QUARANTINE_READ, actor.org_id)
        with self.db.read() as connection:
            found = BenchStore(connection).sendings(table=table)
        return [s for s in found if actor.org_id in {None, s.org_id}]

    def sending(self, actor: Actor, sending_id: str) -> Sending:
        """Return one sending.

        Raises:
            NotFound: unknown or another department's, which look the same.

        """
        with self.db.read() as connection:
            found = next(iter(BenchStore(connection).sendings(sending_id=sending_id)), None)
        if found is None or not self.access.allows(actor, Permission.INGEST_QUARANTINE_READ, found.org_id):
            self.access.require(actor, Permission.INGEST_QUARANTINE_READ)
            raise NotFound("没有这次退回。", "There is no such sending.", code="sending_not_found")
        return found

    def sending_file(
        self, actor: Actor, sending_id: str, *, form: str = "xlsx", language: Language = Language.ZH
    ) -> Path:
        """Write the rows of a sending as a workbook or CSV in the supplier's own columns; the caller removes the file."""
        from beijiang.ingest.service.returning import write_csv, write_rows

        sending = self.sending(actor, sending_id)
        folder = self.ingest.settings.home / "cache" / "returns"
        write = write_csv if form == "csv" else write_rows
        try:
            path = write(sending.table, sending.at, self._rows_of(sending_id), folder, language)
        except OSError as error:
            raise disk_trouble(error) from error
        detail: dict[str, JsonValue] = {"sending": sending_id, "rows": sending.rows, "form": form}
        with self.db.begin() as tx:
            self.evidence.record(tx, actor, "ingest.return_file", target=sending.table, detail=detail)
        return path

    def rows_of_sending(self, actor: Actor, sending_id: str) -> BenchQuery:
        """Return the query that shows the rows of a sending."""
        self.sending(actor, sending_id)
        with self.db.read() as connection:
            rows = BenchStore(connection).rows_of_sending(sending_id)
        return BenchQuery(rows=tuple((run, seq) for run, seqs in rows.items() for seq in seqs))

    def _rows_of(self, sending_id: str) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
        with self.db.read() as connection:
            rows = BenchStore(connection).rows_of_sending(sending_id)
            runs = {run_id: IngestStore(connection).run(run_id) for run_id in rows}
        for run_id, seqs in rows.items():
            run = runs[run_id]
            if run is None:
                continue
            files: Any = run.report["files"]
            for row in self.ingest.shop.quarantine(run_id).chosen(within=seqs).collect().iter_rows(named=True):
                yield tuple(files[row["source"]]["columns"]), row
