"""What can be said of files that arrive without taking any: whether a sync of them fits, what a run would do, what holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from beijiang.ingest.models import FileState, IngestRequest, RunMode, SyncMode, SyncPlan, Verdict
from beijiang.ingest.store import ArrivalStore
from beijiang.ingest.store.turns import TurnStore
from beijiang.kit import SYSTEM, Conflict, Invalid

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.db import Database
    from beijiang.ingest.connectors import Connector, FileConnector
    from beijiang.ingest.models import FileRules, Run, Sighting, Sync, SyncDraft
    from beijiang.ingest.service.certifying import Finding
    from beijiang.ingest.service.ingest import Ingest
    from beijiang.jobs import JobRun
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Tables

__all__ = ["file_request", "files_fit", "plan_files", "rows_of", "run_files", "verify_files"]

_OPEN: Final = frozenset({FileState.NEW, FileState.CHANGED, FileState.GONE, FileState.REFUSED, FileState.WAITING})


class Desk(Protocol):
    """What the service of sources works with, as far as files need it."""

    db: Database
    tables: Tables
    ingest: Ingest
    clock: Clock


def files_fit(draft: SyncDraft, made: Connector | FileConnector, key: tuple[str, ...]) -> FileRules | None:
    """Return how files are taken, checked, where the source is one in which files arrive.

    Raises:
        Invalid: the rules contradict each other, or rows are wanted of files and files of rows (``bad_file_rules``).

    """
    from beijiang.ingest.connectors import FileConnector
    from beijiang.ingest.models import FileRules

    if isinstance(made, FileConnector):
        rules = draft.files or FileRules()
        if draft.history and rules.mode is RunMode.AUTO:
            rules = replace(rules, mode=RunMode.HISTORY)
        if draft.history and rules.mode is not RunMode.HISTORY:
            raise Invalid(
                "保留历史与所选的写入方式（mode）矛盾，请只选其一。",
                "To keep history contradicts the chosen mode; choose one of them.",
                code="bad_file_rules",
            )
        return rules.checked(key)
    if draft.files is not None or draft.mode is SyncMode.FILES:
        raise Invalid(
            "该数据源不是文件类的，不能按文件取数。",
            "This source holds no files that arrive; take one of its tables.",
            code="bad_file_rules",
        )
    return None


def rows_of(made: Connector | FileConnector) -> Connector:
    """Return a connector whose feeds are rows.

    Raises:
        Invalid: files arrive at its source (``holds_files``).

    """
    from beijiang.ingest.connectors import FileConnector

    if isinstance(made, FileConnector):
        raise Invalid(
            "该数据源是文件类的，没有可预览的行。请看取数计划中的文件清单。",
            "Files arrive at this source; it has no rows to be shown. See the files in the plan.",
            code="holds_files",
        )
    return made


def file_request(request: IngestRequest, rules: FileRules | None) -> IngestRequest:
    """Return a run's request with what a sync says of how its files are read.

    Raises:
        Invalid: appending again what has changed needs a reason (``reason_required``).

    """
    from beijiang.ingest.models import CheckSpec

    if rules is None:
        return request
    if request.whole and rules.mode is RunMode.APPEND and not request.reason.strip():
        raise Invalid(
            "追加已变文件会保留旧行，请写明理由（--reason）。",
            "To append changed files leaves their old rows in place; give a reason (--reason).",
            code="reason_required",
        )
    return replace(
        request,
        encoding=rules.encoding,
        sheet=rules.sheet or None,
        delimiter=rules.delimiter or None,
        header=rules.header,
        checks=tuple(CheckSpec.parse(c) for c in rules.checks),
        members=rules.members,
    )


def only_one_at_a_time(runs: list[Run], run_id: str) -> None:
    """Let the earlier of two runs of one sync go on: together they would take a file twice.

    Raises:
        Conflict: ``sync_busy``.

    """
    if any(not r.ended and r.id != run_id and (r.id < run_id or r.state.value == "running") for r in runs):
        raise Conflict(
            "该表已有一次取数在进行，请等它结束。",
            "Another run fills this table; wait for it to end.",
            code="sync_busy",
        )


def run_files(desk: Desk, job: JobRun, run_id: str, sync: Sync, made: FileConnector) -> None:
    """Do a run over files, unless another one of the same sync goes on."""
    from beijiang.ingest.service.arriving import FilesWork

    with desk.db.read() as connection:
        mine = {turn.run_id for turn in TurnStore(connection).open_of_sync(sync.id)}
    runs = desk.ingest.runs(SYSTEM, org_id=sync.org_id, table=sync.table)
    only_one_at_a_time([run for run in runs if run.id in mine], run_id)
    FilesWork(desk.ingest.shop, job, run_id, sync, made, desk.ingest.settings.upload_limit_bytes).do()


def known_files(db: Database, tables: Tables, actor: Actor, sync: Sync) -> Mapping[str, Any]:
    """Return what is remembered of the files of a sync, as of the table's newest version."""
    head = tables.positions(actor, sync.table).get(sync.id)
    with db.read() as connection:
        return ArrivalStore(connection).known(sync.id, None if head is None else str(head))


def plan_files(desk: Desk, actor: Actor, sync: Sync, made: FileConnector, *, whole: bool) -> SyncPlan:
    """Say where every file stands, without fetching one."""
    from beijiang.ingest.service.fetching import patiently

    known, now = known_files(desk.db, desk.tables, actor, sync), desk.clock.now()
    seen = patiently(lambda: _seen(sync, made, known, now, whole=whole))
    creates = desk.tables.schema(actor, sync.table) is None
    return SyncPlan(sync=sync, creates=creates, columns=(), start=None, rows=None, stops="", files=seen)


def _seen(
    sync: Sync, made: FileConnector, known: Mapping[str, Any], now: datetime, *, whole: bool = False
) -> list[Sighting]:
    from beijiang.ingest.service.taking import sightings

    with made.open() as shelf:
        return sightings(shelf, sync, known, now=now, again=whole)


def verify_files(desk: Desk, actor: Actor, sync: Sync, made: FileConnector) -> Finding:
    """Hold what was taken against the listing as it is now: files that are new, changed, gone or waiting are listed."""
    from beijiang.ingest.service.certifying import LISTED, Finding, side
    from beijiang.ingest.service.fetching import patiently

    tables, now = desk.tables, desk.clock.now()
    known = known_files(desk.db, tables, actor, sync)
    columns = [c.name for c in tables.get(actor, sync.table).columns]
    held = tables.fingerprint(actor, sync.table, columns, sync.key)
    seen = patiently(lambda: _seen(sync, made, known, now))
    unrest = [s for s in seen if s.state in _OPEN]
    behind = [s for s in unrest if s.state in {FileState.NEW, FileState.CHANGED}]
    states: dict[str, JsonValue] = {}
    for sighting in seen:
        states[sighting.state.value] = int(str(states.get(sighting.state.value, 0))) + 1
    found: list[JsonValue] = [{"kind": s.state.value, "key": [s.found.name], "columns": []} for s in behind[:LISTED]]
    verdict = Verdict.EXPLAINED if unrest else Verdict.EQUAL
    body: dict[str, JsonValue] = {
        "part": None,
        "consistent": False,
        "counted_by": "files",
        "source": {"rows": held.rows, "checksum": held.checksum, "files": len(seen)},
        "held": side(held),
        "set_aside": 0,
        "ranges": [],
        "differences": found,
        "differences_found": len(behind),
        "states": states,
        "told": [s.to_json() for s in unrest[:1000]],
    }
    return Finding(Verdict.DIFFERENT if behind else verdict, body)
