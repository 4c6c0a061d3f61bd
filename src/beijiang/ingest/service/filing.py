"""What can be said of files that arrive without taking any: whether a sync of them fits, what a run would do, what holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.ingest.models import FileState, IngestRequest, RunMode, SyncMode, SyncPlan, Verdict
from beijiang.ingest.service.certifying import LISTED, Finding, side
from beijiang.ingest.service.fetching import patiently
from beijiang.ingest.service.taking import sightings
from beijiang.ingest.store import ArrivalStore
from beijiang.kit import Conflict, Invalid

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.db import Database
    from beijiang.ingest.connectors import Connector, FileConnector
    from beijiang.ingest.models import FileRules, Run, Sighting, Sync, SyncDraft
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Tables

__all__ = ["file_request", "files_fit", "known_files", "only_one_at_a_time", "plan_files", "verify_files"]

_OPEN: Final = frozenset({FileState.NEW, FileState.CHANGED, FileState.GONE, FileState.REFUSED, FileState.WAITING})


def files_fit(draft: SyncDraft, made: Connector | FileConnector, key: tuple[str, ...]) -> FileRules | None:
    """Return how files are taken, checked, where the source is one in which files arrive.

    Raises:
        Invalid: the rules contradict each other, or rows are wanted of files and files of rows (``bad_file_rules``).

    """
    from beijiang.ingest.connectors import FileConnector
    from beijiang.ingest.models import FileRules

    if isinstance(made, FileConnector):
        return (draft.files or FileRules()).checked(key)
    if draft.files is not None or draft.mode is SyncMode.FILES:
        raise Invalid(
            "该数据源不是文件类的，不能按文件取数。",
            "This source holds no files that arrive; take one of its tables.",
            code="bad_file_rules",
        )
    return None


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


def known_files(db: Database, tables: Tables, actor: Actor, sync: Sync) -> Mapping[str, Any]:
    """Return what is remembered of the files of a sync, as of the table's newest version."""
    head = tables.positions(actor, sync.table).get(sync.id)
    with db.read() as connection:
        return ArrivalStore(connection).known(sync.id, None if head is None else str(head))


def plan_files(  # a sync, both sides, and when
    sync: Sync, made: FileConnector, known: Mapping[str, Any], *, creates: bool, now: datetime, whole: bool
) -> SyncPlan:
    """Say where every file stands, without fetching one."""
    seen = patiently(lambda: _seen(sync, made, known, now, whole=whole))
    return SyncPlan(sync=sync, creates=creates, columns=(), start=None, rows=None, stops="", files=seen)


def _seen(
    sync: Sync, made: FileConnector, known: Mapping[str, Any], now: datetime, *, whole: bool = False
) -> list[Sighting]:
    with made.open() as shelf:
        return sightings(shelf, sync, known, now=now, again=whole)


def verify_files(
    tables: Tables, actor: Actor, sync: Sync, made: FileConnector, known: Mapping[str, Any], *, now: datetime
) -> Finding:
    """Hold what was taken against the listing as it is now: files that are new, changed, gone or waiting are listed."""
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
