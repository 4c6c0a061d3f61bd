"""The work of a harvest: page after page, each page and where the next one is in one commit, so that nothing counts twice."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from beijiang.ingest.models import (
    COUNTED,
    HarvestRecord,
    HarvestRun,
    HarvestSetup,
    HarvestState,
    Outcome,
    OutcomeKind,
    RecordState,
    Register,
    Source,
)
from beijiang.ingest.service.harvest_terms import Terms, digest_of
from beijiang.ingest.store.harvest import HarvestStore
from beijiang.kit import BeijiangError, Conflict, Invalid, Text
from beijiang.kit.errors import JsonValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from beijiang.db import UnitOfWork
    from beijiang.ingest.connectors.harvester import Harvester, HarvestPage, RemoteRecord
    from beijiang.ingest.service.work import Shop
    from beijiang.ingest.store import Landing
    from beijiang.jobs import JobRun
    from beijiang.kit import Actor

__all__ = ["Assessed", "HarvestWork", "Kept", "assess", "told_error"]

_FILE: Final = 8 * 1024**3
"""Bytes of the largest file that is landed for a harvest."""
_STALE_PAGES: Final = 3
_SHARE: Final = 0.3
_FEW: Final = 20
_BATCH: Final = 200
_READING: Final = Text("采集目录记录", "Harvesting records")
_MISSING: Final = Text("核对来源已无的记录", "Looking for vanished records")
_RELEASING: Final = Text("发布可信来源的目录", "Publishing entries of a trusted source")


class Kept:
    """The landing store, as connectors see it."""

    def __init__(self, landing: Landing) -> None:
        self._landing = landing

    def keep(self, stream: BinaryIO) -> str:
        """Keep bytes before they are read."""
        return self._landing.put(stream, _FILE)[0]

    def path(self, sha256: str) -> Path:
        """Return where kept bytes are."""
        return self._landing.path(sha256)


@dataclass(frozen=True, slots=True)
class Assessed:
    """A record held against what is known of it."""

    record: RemoteRecord
    kind: OutcomeKind | None
    """None: it is as it was."""
    told: dict[str, Any]
    digest: str
    changed: frozenset[str] = frozenset()
    entry: Any = None
    fault: BeijiangError | None = None


def assess(record: RemoteRecord, known: HarvestRecord | None, number: int, terms: Terms) -> Assessed:
    """Say what a harvest has to do about a record."""
    if known is not None and known.seen >= number:
        return Assessed(record, OutcomeKind.REPEATED, {}, "")
    if record.fault is not None or record.dataset is None:
        return Assessed(record, OutcomeKind.FAILED, {}, "", fault=record.fault)
    try:
        entry = terms.entry(record.dataset)
    except BeijiangError as error:
        return Assessed(record, OutcomeKind.FAILED, {}, "", fault=error)
    told = entry.to_json()
    digest = digest_of(told)
    if known is None or known.resource_id is None:
        return Assessed(record, OutcomeKind.ADDED, told, digest, entry=entry)
    if known.digest == digest:
        kind = None if known.state is RecordState.ACTIVE else OutcomeKind.CHANGED
        return Assessed(record, kind, told, digest, entry=entry)
    return Assessed(record, OutcomeKind.CHANGED, told, digest, entry.changed_from(known.told), entry)


class HarvestWork:
    """One attempt at one harvest."""

    def __init__(  # noqa: PLR0913, PLR0917  # the parts of one harvest
        self,
        shop: Shop,
        job: JobRun,
        run: HarvestRun,
        source: Source,
        harvester: Harvester,
        register: Register,
        terms: Terms,
        setup: HarvestSetup,
    ) -> None:
        self.shop = shop
        self.job = job
        self.run = run
        self.source = source
        self.harvester = harvester
        self.register = register
        self.terms = terms
        self.setup = setup
        self.actor: Actor = job.actor
        self._counts = Counter({name: run.counts.get(name, 0) for name in COUNTED})
        self._stale = 0

    def do(self, truster: Callable[[], Actor | None]) -> None:
        """Do what is left of the harvest."""
        with self.shop.db.begin() as tx:
            HarvestStore(tx.connection).set_run(self.run.id, state=HarvestState.RUNNING.value)
        try:
            self._read()
            self._look_for_vanished()
            self._release(truster)
        except BeijiangError as error:
            self._end(HarvestState.FAILED, error)
            raise
        self._end(HarvestState.INCOMPLETE if self._short else HarvestState.DONE)

    # Pages

    def _read(self) -> None:
        if self.run.position is None and self.run.pages:
            return  # an earlier attempt had read the last page
        for page in self.harvester.pages(self.run.position, Kept(self.shop.landing)):
            self.job.progress(self._counts["seen"], page.total or self.run.total, _READING)
            fresh = self._take(page)
            if self._endless(page, fresh):
                break
        with self.shop.db.begin() as tx:
            HarvestStore(tx.connection).set_run(self.run.id, position=None)

    def _endless(self, page: HarvestPage, fresh: int) -> bool:
        """Tell whether the last record has come; stop a server that never comes to its end."""
        if self._counts["seen"] > self.harvester.options.most_records:
            raise _never_ends("cap", self._counts["seen"])
        self._stale = 0 if fresh else self._stale + 1
        if not self._stale:
            return False
        if page.total is not None and self._met >= page.total:
            return True  # all that it says it has; it only ignores how far we are
        if self._stale >= _STALE_PAGES:
            raise _never_ends("same_records", self._counts["seen"])
        return False

    @property
    def _met(self) -> int:
        return self._counts["seen"] - self._counts["repeated"]

    @property
    def _short(self) -> bool:
        return self.run.total is not None and self._met < self.run.total

    def _take(self, page: HarvestPage) -> int:
        """Take one page in; return how many records had not come before in this harvest."""
        with self.shop.db.read() as connection:
            known = HarvestStore(connection).known(self.source.id, [r.guid for r in page.records])
        assessed, here = [], set[str]()
        for record in page.records:
            again = record.guid in here and record.guid
            here.add(record.guid)
            found = Assessed(record, OutcomeKind.REPEATED, {}, "") if again else None
            assessed.append(found or assess(record, known.get(record.guid), self.run.number, self.terms))
        sha256 = page.sha256
        if not sha256 and page.body and any(a.kind not in {None, OutcomeKind.REPEATED} for a in assessed):
            sha256 = Kept(self.shop.landing).keep(io.BytesIO(page.body))
        counts = Counter(self._counts)
        with self.shop.db.begin() as tx:
            done = _PageWork(self, tx, sha256, known).do(assessed, counts)
            after = {"pages": self.run.pages + 1, "position": page.following, "counts": dict(counts)}
            if page.total is not None:
                after["total"] = page.total
            if not HarvestStore(tx.connection).advance(self.run, after):
                raise Conflict(
                    "这次采集已由另一进程接手。", "Another process goes on with this harvest.", code="taken_over"
                )
        self._counts = counts
        total = page.total if page.total is not None else self.run.total
        self.run = replace(self.run, pages=self.run.pages + 1, position=page.following, total=total)
        return done

    # After the last page

    def _look_for_vanished(self) -> None:
        """Mark what did not come; nothing is deleted, and nothing is believed of a harvest that lacks records."""
        if self._short:
            self._warn("harvest_short", _short_text(self._met, self.run.total or 0))
            if not self.run.accept_vanished:
                return
        with self.shop.db.read() as connection:
            gone, held = HarvestStore(connection).unseen(self.source.id, self.run.number)
        if gone > max(_FEW, held * _SHARE) and not self.run.accept_vanished:
            self._warn("harvest_many_vanished", _many_text(gone, held))
            return
        while True:
            self.job.progress(self._counts["seen"], None, _MISSING)
            with self.shop.db.read() as connection:
                some = HarvestStore(connection).missing(self.source.id, self.run.number, _BATCH)
            if not some:
                return
            with self.shop.db.begin() as tx:
                self._mark_vanished(tx, some)

    def _mark_vanished(self, tx: UnitOfWork, some: list[HarvestRecord]) -> None:
        store, outcomes, rows = HarvestStore(tx.connection), [], []
        for record in some:
            missed, state, reason = record.missed + 1, RecordState.VANISHED, None
            if missed >= self.setup.withdraw_after and record.resource_id is not None:
                try:
                    state = RecordState.WITHDRAWN
                    if self.register.end_harvested(
                        tx, self.actor, record.resource_id, _gone_words(self.source, missed)
                    ):
                        outcomes.append(self._outcome(record.guid, OutcomeKind.WITHDRAWN, record.title))
                except BeijiangError as error:
                    state, reason = RecordState.VANISHED, told_error(error)
            if record.state is not RecordState.VANISHED:
                outcomes.append(self._outcome(record.guid, OutcomeKind.VANISHED, record.title))
            row = {"guid": record.guid, "state": state.value, "missed": missed, "missed_in": self.run.number}
            rows.append({**row, "reason": reason, "to_release": False})
        store.change_records(self.source.id, rows)
        store.add_outcomes(outcomes)
        self._counts.update(o.kind.value for o in outcomes)
        store.set_run(self.run.id, counts=dict(self._counts))

    def _release(self, truster: Callable[[], Actor | None]) -> None:
        """Take entries of a trusted source to publication, under the name of who vouches for it."""
        if not self.setup.trusted_by or (who := truster()) is None:
            return
        while True:
            with self.shop.db.read() as connection:
                some = HarvestStore(connection).to_release(self.source.id, _BATCH)
            if not some:
                return
            outcomes = []
            for record in some:
                self.job.progress(self._counts["seen"], None, _RELEASING)
                waits = self.register.release_harvested(self.actor, who, record.resource_id or "")
                kind = OutcomeKind.RELEASED if waits is None else OutcomeKind.WAITING
                reason: dict[str, JsonValue] | None = None
                if waits is not None:
                    reason = {"code": "waits", "zh": waits.zh, "en": waits.en}
                outcomes.append(replace(self._outcome(record.guid, kind, record.title), reason=reason))
            with self.shop.db.begin() as tx:
                store = HarvestStore(tx.connection)
                store.change_records(self.source.id, [{"guid": o.guid, "to_release": False} for o in outcomes])
                store.add_outcomes(outcomes)
                self._counts.update(o.kind.value for o in outcomes)
                store.set_run(self.run.id, counts=dict(self._counts))

    def _outcome(self, guid: str, kind: OutcomeKind, title: str) -> Outcome:
        return Outcome(run_id=self.run.id, guid=guid, kind=kind, title=title)

    def _warn(self, code: str, text: Text) -> None:
        told: dict[str, JsonValue] = {"code": code, "zh": text.zh, "en": text.en}
        self.run = replace(self.run, warnings=(*self.run.warnings, told))

    def _end(self, state: HarvestState, error: BeijiangError | None = None) -> None:
        with self.shop.db.begin() as tx:
            told = None if error is None else told_error(error)
            warnings = [dict(w) for w in self.run.warnings]
            ended = HarvestStore(tx.connection).set_run(
                self.run.id, state=state.value, ended_at=self.shop.now(), warnings=warnings, error=told
            )
            if ended:
                facts: dict[str, JsonValue] = {"run": self.run.id, "state": state.value, **self._counts}
                self.shop.evidence.record(tx, self.actor, "ingest.harvest_end", target=self.source.id, detail=facts)


class _PageWork:
    """One page inside its transaction."""

    def __init__(self, work: HarvestWork, tx: UnitOfWork, sha256: str, known: dict[str, HarvestRecord]) -> None:
        self._work = work
        self._tx = tx
        self._sha256 = sha256
        self._known = known
        self._store = HarvestStore(tx.connection)
        self._now = work.shop.now()
        self._taken: dict[int, str | BeijiangError] = {}

    def do(self, assessed: list[Assessed], counts: Counter[str]) -> int:
        """Bring the page's records up to date; return how many had not come before in this harvest."""
        work, source = self._work, self._work.source.id
        added: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        same: list[str] = []
        outcomes: list[Outcome] = []
        self._take_in([a for a in assessed if a.kind is OutcomeKind.ADDED])
        for found in assessed:
            counts["seen"] += 1
            if found.kind is None:
                counts["unchanged"] += 1
                same.append(found.record.guid)
                continue
            outcome, row = self._one(found, counts["seen"])
            counts[outcome.kind.value] += 1
            outcomes.append(outcome)
            if row is not None:
                (changed if found.record.guid in self._known else added).append(row)
        self._store.add_records(added)
        self._store.change_records(source, changed)
        self._store.mark_seen(source, same, work.run.number)
        self._store.add_outcomes(outcomes)
        for rule in work.terms.fresh():
            self._store.note_guess(source, rule)
        return len(added) + len(changed) + len(same)

    def _one(self, found: Assessed, ordinal: int) -> tuple[Outcome, dict[str, Any] | None]:
        record, work = found.record, self._work
        title = (record.title or record.guid)[:400]
        outcome = Outcome(
            run_id=work.run.id,
            guid=record.guid or f"#{ordinal}",
            kind=found.kind or OutcomeKind.FAILED,
            title=title,
        )
        if found.kind is OutcomeKind.REPEATED:
            return outcome, None
        known = self._known.get(record.guid)
        resource, fault = (known.resource_id if known else None), found.fault
        if (taken := self._taken.get(record.place)) is not None:
            resource, fault = (taken, None) if isinstance(taken, str) else (None, taken)
        elif fault is None and resource is not None:
            fault = self._changed(found, resource)
        row = self._row(found, resource, fault, title)
        if known is None:
            row |= {"source_id": work.source.id, "first_at": self._now, "missed_in": 0}
        if fault is not None:
            outcome = replace(outcome, kind=OutcomeKind.FAILED, reason=told_error(fault))
            if not record.guid:
                return outcome, None
        return outcome, row

    def _take_in(self, fresh: list[Assessed]) -> None:
        """Register what is new, all of the page in one go."""
        if fresh:
            taken = self._work.register.take_in(self._tx, self._work.actor, [a.entry for a in fresh])
            self._taken = dict(zip([a.record.place for a in fresh], taken, strict=True))

    def _changed(self, found: Assessed, resource: str) -> BeijiangError | None:
        try:
            with self._tx.connection.begin_nested():
                self._work.register.take_over(
                    self._tx, self._work.actor, found.entry, resource_id=resource, changed=found.changed
                )
        except BeijiangError as error:
            return error
        return None

    def _row(self, found: Assessed, resource: str | None, fault: BeijiangError | None, title: str) -> dict[str, Any]:
        """Return what is kept of a record; of one that failed the earlier content stays, so that it is tried again."""
        record, work = found.record, self._work
        known = self._known.get(record.guid)
        kept = known.told if known is not None else {}
        good = fault is None
        return {
            "guid": record.guid,
            "title": title,
            "url": record.dataset.page if record.dataset is not None else (known.url if known else ""),
            "state": (RecordState.ACTIVE if good else RecordState.FAILED).value,
            "resource_id": resource,
            "digest": found.digest if good else "",
            "told": found.told if good else kept,
            "page": self._sha256,
            "place": record.place,
            "seen": work.run.number,
            "missed": 0,
            "reason": None if fault is None else told_error(fault),
            "changed_at": self._now,
            "to_release": good and bool(work.setup.trusted_by),
        }


def told_error(error: BeijiangError) -> dict[str, JsonValue]:
    """Return an error as it is kept."""
    return {"code": error.reason, "zh": error.text.zh, "en": error.text.en, "detail": error.detail}


def _gone_words(source: Source, missed: int) -> str:
    return f"来源“{source.name}”连续 {missed} 次采集都没有这条记录"


def _never_ends(why: str, seen: int) -> Invalid:
    return Invalid(
        f"对方翻页没有尽头：已读 {seen:,} 条后反复给出相同的记录，或超过记录上限（most_records）。已收到的保留。请对方检查分页，或换用 api=list、筛选（fq）分批采集。",
        f"The other side never comes to its end: after {seen:,} records it repeats itself, or it is over most_records. What came is kept. Have its paging checked, or harvest in parts with api=list or a filter (fq).",
        code="harvest_endless",
        detail={"why": why, "seen": seen},
    )


def _short_text(met: int, total: int) -> Text:
    return Text(
        f"对方称有 {total:,} 条，只给出 {met:,} 条。本次不标记“来源已无”。请对方核对，或稍后再采集一次。",
        f"The other side says it has {total:,} records and gave {met:,}. Nothing was marked as vanished. Have it checked, or harvest again later.",
    )


def _many_text(gone: int, held: int) -> Text:
    return Text(
        f"{held:,} 条记录中有 {gone:,} 条没有出现，可能是对方出错，本次不标记。确认属实后，用 --accept-vanished 重新采集。",
        f"{gone:,} of {held:,} records did not come, which may be the other side's mistake; nothing was marked. If it is right, harvest again with --accept-vanished.",
    )
