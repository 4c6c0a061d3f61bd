"""Write the log: inside somebody's transaction, or durably on its own with all who write at the same time."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from beijiang.db import Database, UnitOfWork
from beijiang.evidence.models import (
    CheckReport,
    Cosigned,
    Decision,
    Entry,
    EvidencePage,
    EvidenceQuery,
    EvidenceRecord,
    Head,
    LogState,
    Peer,
    PeerKind,
    Shard,
    moment,
)
from beijiang.evidence.service.checking import Checker
from beijiang.evidence.service.chores import Chores
from beijiang.evidence.service.commits import GROUP, GroupCommit
from beijiang.evidence.service.heads import HeadFile
from beijiang.evidence.service.sealing import PIECE, SEAL_RECORDS, SEAL_SECONDS, Sealer
from beijiang.evidence.service.sparingly import Sparingly
from beijiang.evidence.service.spool import Spool, Taken, full
from beijiang.evidence.service.tree_checking import TreeChecker
from beijiang.evidence.store import EvidenceStore, TreeStore, WitnessStore
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, ActorKind, BeijiangError, Clock, Invalid, NotFound, Unavailable
from beijiang.kit.errors import JsonValue

log = logging.getLogger(__name__)

SPOOL_BYTES = 256 << 20
_FLUSH_SECONDS = 0.25
_HEAD_SECONDS = 2.0
_DRAIN_SECONDS = 1.0
_OTHERS = 0.5
"""The part of the spool that may be full of records that no reader waits for."""
_PATIENCE = 2.0
"""Seconds that a reader waits for the database to take the record of the read."""
_TROUBLED_SECONDS = 5.0
"""How long records go straight to the spool after the database took none."""
_PIECES = 5
_KEYLESS_SECONDS = 60.0
_REMEMBERED = 4096
"""Receipts whose opening is kept at hand, so that closing a read need not look it up."""


class Evidence:
    """Keep an append-only, hash-chained record of every write, decision and read.

    ``folder`` holds the head file and the spool; without it a cut of log and head row together goes unseen, and a database that
    takes no record stops the readers (short-lived tests only). ``sealer`` puts the records into the signed tree.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        folder: Path | None = None,
        sealer: Sealer | None = None,
        spool_bytes: int = SPOOL_BYTES,
        reserve_bytes: int = 0,
    ) -> None:
        self._db = db
        self._clock = clock
        self._sealer = sealer
        self._unsealed = 0
        self._spool = None if folder is None else Spool(folder, spool_bytes, reserve_bytes)
        self._troubled = 0.0
        self._head_file = None if folder is None else HeadFile(folder)
        self._head_file_open = False
        self._noted: Head | None = None
        self._commits = GroupCommit(self._write, self._spooled)
        self._keyless = False
        self._strangers = Sparingly()
        self._opened: OrderedDict[str, Entry] = OrderedDict()
        self._chores = Chores(
            {"flush": self._flush, "head": self.note_head, "seal": self._seal_soon, "drain": self.drain}
        )
        if self._spool is not None and self._spool.size():
            self._chores.soon("drain", _DRAIN_SECONDS)

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
            Unavailable: the record could not be written, neither to the database nor to the spool, so nothing may be read.
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
        self._store(entry)
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
        self._defer(replace(self._added(receipt_id, "read.close"), rows=rows, bytes=size))

    def note_sent(self, receipt_id: str, digests: Mapping[str, JsonValue], size: int) -> None:
        """Add the SHA-256 of what was asked (``request``) and of the whole file that was sent (``response``) to a receipt.

        Of what was sent in several files, ``response`` is a list.
        """
        self._defer(replace(self._added(receipt_id, "read.sent", digests), bytes=size))

    def refuse_read(self, receipt_id: str, reason: str) -> None:
        """Add to a receipt that the read was refused after all, or broken off, and by which rule (``grant_rows``, ``access_ended``)."""
        refusal = self._added(receipt_id, "read.refused", {"reason": reason})
        self._put(replace(refusal, decision=Decision.DENY))

    def _added(self, receipt_id: str, action: str, facts: Mapping[str, JsonValue] | None = None) -> Entry:
        """Return what adds to a receipt: who read what by which exit is as it was opened."""
        opened = self._opened.get(receipt_id) or self._opening(receipt_id)
        return Entry(
            actor=opened.actor,
            action=action,
            target=opened.target,
            at=self._clock.now(),
            exit=opened.exit,
            version=opened.version,
            detail={"receipt": receipt_id, **(facts or {})},
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
        """Record a decision that changes nothing (a refusal, a search of the log) soon, without holding anybody up.

        A refusal outlives the process from here on.
        """
        entry = Entry(
            actor=actor, action=action, target=target, at=self._clock.now(), decision=decision, detail=detail or {}
        )
        self._put(entry)

    def note_stranger(self, action: str, *, target: str, reason: str, actor: Actor = ANONYMOUS) -> None:
        """Record that a key, token or link was refused; of each target so many a minute at most, and then how many more there were."""
        left_out = self._strangers.passes(action, target, self._clock.now())
        if left_out is None:
            return
        detail: dict[str, JsonValue] = {"reason": reason, **({"left_out": left_out} if left_out else {})}
        self.note(actor, action, target=target, decision=Decision.DENY, detail=detail)

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

    def following(self, after: int, actions: Collection[str], limit: int) -> tuple[list[EvidenceRecord], int]:
        """Return the records of some actions after a place in the log, in order, and the place up to which it was looked at.

        Records stand in the order of their commits, so nothing appears later before a place that was passed.
        """
        with self._db.read() as connection:
            store = EvidenceStore(connection)
            last = store.last()  # first of all: what is committed from here on is for the next look
            found = store.following(after, last, actions, limit)
            return found, found[-1].sequence if len(found) == limit else last

    def place_at(self, since: datetime) -> int:
        """Return the place in the log before the first record of that moment or later."""
        with self._db.read() as connection:
            return EvidenceStore(connection).place_at(since)

    def actors_on(self, target: str, before: int) -> set[str]:
        """Return who changed or decided on a target before a place in the log."""
        with self._db.read() as connection:
            return EvidenceStore(connection).actors_on(target, before)

    def readers(self, target: str, since: datetime) -> list[tuple[str | None, int]]:
        """Return which organisations (None: people of none) read a target since then, and how often."""
        self.flush()
        with self._db.read() as connection:
            return EvidenceStore(connection).readers(target, since)

    def active(self, since: datetime, until: datetime) -> dict[str, datetime]:
        """Return the organisations whose people or keys did something in that time, and when last; signing in is nothing done."""
        self.flush()
        with self._db.read() as connection:
            return EvidenceStore(connection).active(since, until)

    def served(self, since: datetime, until: datetime) -> dict[tuple[str, str | None], int]:
        """Return how often each organisation (None: people of none) read each target from a moment on and before another."""
        self.flush()
        with self._db.read() as connection:
            return EvidenceStore(connection).served(since, until)

    def handed_over(
        self, target: str, looked_at: Collection[str]
    ) -> dict[tuple[int, str | None], tuple[int, datetime]]:
        """Return how often, and when last, each version of a target went to each organisation (None: people of none).

        ``looked_at`` are the exits after which nobody has a copy.
        """
        self.flush()
        with self._db.read() as connection:
            return EvidenceStore(connection).handed_over(target, looked_at)

    def flush(self) -> None:
        """Wait until everything deferred or spooled so far is durable in the database.

        Raises:
            Unavailable: the database does not take it now (``evidence_unavailable``); it stays where it waits.

        """
        self._flush()
        try:
            self.drain()
        except Exception as exc:
            raise full() from exc

    def _flush(self) -> None:
        self._submit(None)

    def drain(self) -> int:
        """Write what waits in the spool; return how many records it held."""
        count = 0
        if self._spool is None or not self._spool.size():
            return count
        for taken in self._spool.take():
            entries = [*taken.entries, *self._unreadable(taken)]
            for at in range(0, len(entries), GROUP):
                with self._db.begin(counted=False) as tx:
                    self._append(tx, entries[at : at + GROUP], again=True)
            self._spool.done(taken)
            count += len(entries)
        self._spool.reserve()
        return count

    def _unreadable(self, taken: Taken) -> Sequence[Entry]:
        """Return the record that lines of the spool could not be read, the same however often it is made."""
        if not taken.unreadable:
            return ()
        log.error("%d lines of the evidence spool cannot be read; see %s", taken.unreadable, taken.path.stem)
        detail: dict[str, JsonValue] = {"file": f"{taken.path.stem}.unreadable"}
        again = taken.path.stem.replace("spool-sp", "ev")
        told = Entry(
            actor=SYSTEM,
            action="evidence.unreadable",
            target="log",
            at=self._clock.now(),
            rows=taken.unreadable,
            detail=detail,
            id=again,
        )
        return (told,)

    def seal(self) -> int:
        """Put every record into the tree now, and sign it; return how many were not in it yet."""
        self.flush()
        return 0 if self._sealer is None else self._sealer.seal()

    def _seal_soon(self) -> None:
        """Seal a little at a time: other work of the thread must not wait for the backlog of years."""
        self._unsealed = 0
        if self._sealer is None:
            return
        try:
            done = self._sealer.seal(limit=_PIECES)
        except (Invalid, Unavailable) as error:
            self._say_unsealed(error)
            self._chores.soon("seal", _KEYLESS_SECONDS)
            return
        self._keyless = False
        if done >= _PIECES * PIECE:
            self._chores.soon("seal", 0.0)

    def _say_unsealed(self, error: BeijiangError) -> None:
        """Say once that the keys of the log do not open, as in a copy of a home; records wait, and the lag tells of it."""
        if not self._keyless:
            log.warning("evidence is written but not sealed: %s", error.text.en)
        self._keyless = True

    @property
    def spool_bytes(self) -> int:
        """Return the bytes that wait for the database."""
        return 0 if self._spool is None else self._spool.size()

    def note_head(self) -> None:
        """Append the present head to the head file, unless it is there already."""
        if self._head_file is None:
            return
        with self._db.read() as connection:
            head = EvidenceStore(connection).head()
        if head not in (self._noted, Head()):
            self._head_file.append(head, moment(self._clock.now()))
            self._noted = head
        if self._spool is not None:
            self._spool.reserve()

    def check(self) -> CheckReport:
        """Re-hash the whole log; report what is not as it was written, sealed and signed."""
        self.flush()
        with self._db.read(own=True) as connection:
            if not self._db.is_sqlite:  # one moment for records, tree and checkpoints, however long it takes
                connection.execution_options(isolation_level="REPEATABLE READ")
            store = EvidenceStore(connection)
            keys = [] if self._sealer is None else self._sealer.keys.public(connection)
            tree = None if self._sealer is None else TreeChecker(store, TreeStore(connection), keys)
            return Checker(store, self._head_file, tree).run()

    def state(self) -> LogState:
        """Return how far the log is sealed and witnessed."""
        now = self._clock.now()
        with self._db.read() as connection:
            tree = TreeStore(connection)
            shards = tree.all_shards()
            waiting, since = tree.waiting(shards[-1].sealed if shards else 0)
            newest = tree.cosigned(limit=1)
            peers = WitnessStore(connection).peers(PeerKind.WITNESS)
            keys = [row.public for row in tree.all_keys()]
            records = EvidenceStore(connection).head().sequence
        return LogState(
            shards=tuple(shards),
            records=records,
            waiting=waiting,
            lag_seconds=0.0 if since is None else max(0.0, (now - since).total_seconds()),
            unwitnessed_seconds=_age(now, newest, peers, shards),
            spool_bytes=self.spool_bytes,
            lost=self._commits.lost,
            keys=tuple(keys),
        )

    def close(self) -> None:
        """Write what waits, seal it and note the head; called at shutdown."""
        self._chores.stop()
        for last in (self.seal, self.note_head):
            try:
                last()
            except (Invalid, Unavailable) as error:
                self._say_unsealed(error)
            except Exception:  # nothing is lost: what is spooled stays there, and the next process seals
                log.exception("evidence could not be sealed at the end; the next start does it")

    def _store(self, entry: Entry) -> None:
        """Make a record durable: in the database, or on the disk while that does not take it."""
        if self._spool is None or self._db.in_unit_of_work:
            self._submit(entry)
            return
        if not self._in_trouble:
            try:
                self._commits.submit(entry, _PATIENCE)
            except Exception as error:  # noqa: BLE001  # whatever ails the database, readers do not wait for it
                log.warning("the database took no evidence (%s); it goes to the spool", type(error).__name__)
                self._troubled = time.monotonic() + _TROUBLED_SECONDS
                self._commits.rescue()
            else:
                return
        self._spool.add([entry])
        self._chores.soon("drain", _DRAIN_SECONDS)

    @property
    def _in_trouble(self) -> bool:
        return time.monotonic() < self._troubled

    def _spooled(self, entries: Sequence[Entry], *, sync: bool = True) -> bool:
        """Keep records that no reader waits for on the disk; tell whether there is room for them."""
        if self._spool is None:
            return False
        try:
            self._spool.add(entries, share=_OTHERS, sync=sync)
        except Unavailable:
            return False
        self._chores.soon("drain", _FLUSH_SECONDS)
        return True

    def _submit(self, entry: Entry | None) -> None:
        if self._db.in_unit_of_work:
            msg = "record_read and flush commit on their own: call them outside the unit of work"
            raise RuntimeError(msg)
        try:
            self._commits.submit(entry)
        except Exception as exc:
            raise full() from exc

    def _put(self, entry: Entry) -> None:
        """Have an entry written soon; a refusal is on the disk at once."""
        if entry.decision != Decision.DENY or not self._spooled([entry], sync=False):
            self._defer(entry)

    def _defer(self, entry: Entry) -> None:
        if self._in_trouble and self._spooled([entry], sync=False):
            return
        self._commits.defer(entry)
        self._chores.soon("flush", _FLUSH_SECONDS)

    def _write(self, entries: Sequence[Entry]) -> None:
        lost = self._commits.take_lost()
        if lost:
            missing = Entry(actor=SYSTEM, action="evidence.lost", target="log", at=self._clock.now(), rows=lost)
            entries = [*entries, missing]
        try:
            with self._db.begin(counted=False) as tx:
                self._append(tx, entries)
        except IntegrityError:  # some were kept on the disk while this one waited, and came in from there
            with self._db.begin(counted=False) as tx:
                self._append(tx, entries, again=True)

    def _append(self, tx: UnitOfWork, entries: Sequence[Entry], *, again: bool = False) -> None:
        store = EvidenceStore(tx.connection)
        if self._head_file is not None:
            if not self._head_file_open:
                if store.head() == Head():
                    self._head_file.open_new(moment(self._clock.now()))
                self._head_file_open = True
            self._chores.soon("head", _HEAD_SECONDS)
        store.append(entries, again=again)
        if self._sealer is not None:
            self._unsealed += len(entries)
            self._chores.soon("seal", SEAL_SECONDS if self._unsealed < SEAL_RECORDS else 0.0)


def _age(now: datetime, newest: Sequence[Cosigned], peers: Sequence[Peer], shards: Sequence[Shard]) -> float | None:
    """Return the age of the newest checkpoint that a witness signed; 0 while nothing was sealed since."""
    if not peers:
        return None
    if newest and shards and (newest[0].shard, newest[0].size) == (shards[-1].name, shards[-1].size):
        return 0.0
    return max(0.0, (now - (newest[0].at if newest else peers[0].added_at)).total_seconds())
