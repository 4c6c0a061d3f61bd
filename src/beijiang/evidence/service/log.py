"""Write the log: inside somebody's transaction, or durably on its own with all who write at the same time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from beijiang.db import Database, UnitOfWork
from beijiang.evidence.models import (
    CheckReport,
    Decision,
    Entry,
    EvidencePage,
    EvidenceQuery,
    EvidenceRecord,
    Head,
    moment,
)
from beijiang.evidence.service.checking import Checker
from beijiang.evidence.service.chores import Chores
from beijiang.evidence.service.commits import GroupCommit
from beijiang.evidence.service.heads import HeadFile
from beijiang.evidence.store import EvidenceStore
from beijiang.kit import SYSTEM, Actor, ActorKind, Clock, NotFound, Unavailable
from beijiang.kit.errors import JsonValue

_FLUSH_SECONDS = 0.25
_HEAD_SECONDS = 2.0
_REMEMBERED = 4096
"""Receipts whose opening is kept at hand, so that closing a read need not look it up."""


class Evidence:
    """Keep an append-only, hash-chained record of every write, decision and read.

    ``folder`` holds the head file; without it a cut of log and head row together goes unseen (short-lived tests only).
    """

    def __init__(self, db: Database, clock: Clock, folder: Path | None = None) -> None:
        self._db = db
        self._clock = clock
        self._head_file = None if folder is None else HeadFile(folder)
        self._head_file_open = False
        self._noted: Head | None = None
        self._commits = GroupCommit(self._write)
        self._opened: OrderedDict[str, Entry] = OrderedDict()
        self._chores = Chores({"flush": self.flush, "head": self.note_head})

    def record(
        self,
        tx: UnitOfWork,
        actor: Actor,
        action: str,
        *,
        target: str,
        detail: Mapping[str, JsonValue] | None = None,
        purpose: str = "",
    ) -> str:
        """Record a write or decision in the transaction that makes it; return the record's id.

        Call it last in the unit of work: on PostgreSQL the head row is locked from here to the commit.
        """
        entry = Entry(
            actor=actor, action=action, target=target, at=self._clock.now(), purpose=purpose, detail=detail or {}
        )
        self._append(tx, [entry])
        return entry.id

    def record_read(  # noqa: PLR0913 - the fields of a receipt, all named
        self,
        actor: Actor,
        *,
        exit: str,  # noqa: A002 - the word of the design for a place where data leave
        target: str,
        version: int | None,
        policy: str,
        columns: Sequence[str],
        rows: int | None,
        grade: str,
        purpose: str,
        decision: str = Decision.ALLOW,
        detail: Mapping[str, JsonValue] | None = None,
    ) -> str:
        """Record a read, or its refusal, durably before it returns; the id is the receipt.

        Raises:
            Unavailable: the record could not be written, so nothing may be read.
            RuntimeError: this thread has a unit of work open, which the shared commit would wait for.

        """
        entry = Entry(
            actor=actor,
            action="read",
            target=target,
            at=self._clock.now(),
            decision=decision,
            purpose=purpose,
            exit=exit,
            version=version,
            policy=policy,
            columns=tuple(columns),
            rows=rows,
            grade=grade,
            detail=detail or {},
        )
        self._submit(entry)
        self._opened[entry.id] = entry
        if len(self._opened) > _REMEMBERED:
            self._opened.popitem(last=False)
        return entry.id

    def close_read(self, receipt_id: str, rows: int, size: int) -> None:
        """Add how many rows and bytes a read delivered; written with the next group, at most moments later.

        A read whose end was never recorded (the process died) stays open in the log, which is the truth.

        Raises:
            NotFound: there is no such receipt.

        """
        opened = self._opened.get(receipt_id) or self._opening(receipt_id)
        self._defer(
            Entry(
                actor=opened.actor,
                action="read.close",
                target=opened.target,
                at=self._clock.now(),
                exit=opened.exit,
                version=opened.version,
                rows=rows,
                bytes=size,
                detail={"receipt": receipt_id},
            )
        )

    def _opening(self, receipt_id: str) -> Entry:
        """Read back the opening of a read whose receipt was given long ago, or by another process."""
        found = self.find(receipt_id)
        if found is None:
            raise NotFound("没有这张数据访问回执。", "There is no such receipt.")
        who = Actor(
            id=found.actor_id,
            name=found.actor_name,
            kind=ActorKind(found.actor_kind),
            org_id=found.org_id,
            session_id=found.session_id,
        )
        return Entry(
            actor=who, action=found.action, target=found.target, at=found.at, exit=found.exit, version=found.version
        )

    def note(
        self,
        actor: Actor,
        action: str,
        *,
        target: str,
        decision: str = Decision.ALLOW,
        detail: Mapping[str, JsonValue] | None = None,
    ) -> None:
        """Record a decision that changes nothing (a refusal, a search of the log) soon, without holding anybody up."""
        entry = Entry(
            actor=actor, action=action, target=target, at=self._clock.now(), decision=decision, detail=detail or {}
        )
        self._defer(entry)

    def find(self, record_id: str) -> EvidenceRecord | None:
        """Return one record by its id, for the domain that holds the receipt."""
        with self._db.read() as connection:
            return EvidenceStore(connection).find(record_id)

    def page(self, query: EvidenceQuery) -> EvidencePage:
        """Return matching records, newest first; ``EvidenceReader`` asks whether somebody may see them."""
        with self._db.read() as connection:
            found = EvidenceStore(connection).search(replace(query, limit=query.limit + 1))
        page = found[: query.limit]
        return EvidencePage(tuple(page), page[-1].sequence if len(found) > query.limit else None)

    def readers(self, target: str, since: datetime) -> list[tuple[str | None, int]]:
        """Return which organisations (None: people of none) read a target since then, and how often."""
        self.flush()
        with self._db.read() as connection:
            return EvidenceStore(connection).readers(target, since)

    def flush(self) -> None:
        """Wait until everything deferred so far is durable."""
        self._submit(None)

    def note_head(self) -> None:
        """Append the present head to the head file, unless it is there already."""
        if self._head_file is None:
            return
        with self._db.read() as connection:
            head = EvidenceStore(connection).head()
        if head not in (self._noted, Head()):
            self._head_file.append(head, moment(self._clock.now()))
            self._noted = head

    def check(self) -> CheckReport:
        """Re-hash the whole log; report changed, removed, inserted, moved and cut-off records."""
        self.flush()
        with self._db.read() as connection:
            return Checker(EvidenceStore(connection), self._head_file).run()

    def close(self) -> None:
        """Write what waits and note the head; called at shutdown."""
        self._chores.stop()
        self.flush()
        self.note_head()

    def _submit(self, entry: Entry | None) -> None:
        if self._db.in_unit_of_work:
            msg = "record_read and flush commit on their own: call them outside the unit of work"
            raise RuntimeError(msg)
        try:
            self._commits.submit(entry)
        except Exception as exc:
            raise Unavailable(
                "存证暂时无法写入，操作未执行，请稍后再试。",
                "The evidence log cannot be written now, so nothing was done; try again later.",
                code="evidence_unavailable",
            ) from exc

    def _defer(self, entry: Entry) -> None:
        self._commits.defer(entry)
        self._chores.soon("flush", _FLUSH_SECONDS)

    def _write(self, entries: Sequence[Entry]) -> None:
        lost = self._commits.take_lost()
        if lost:
            missing = Entry(actor=SYSTEM, action="evidence.lost", target="log", at=self._clock.now(), rows=lost)
            entries = [*entries, missing]
        with self._db.begin() as tx:
            self._append(tx, entries)

    def _append(self, tx: UnitOfWork, entries: Sequence[Entry]) -> None:
        store = EvidenceStore(tx.connection)
        if self._head_file is not None:
            if not self._head_file_open:
                if store.head() == Head():
                    self._head_file.open_new(moment(self._clock.now()))
                self._head_file_open = True
            self._chores.soon("head", _HEAD_SECONDS)
        store.append(entries)
