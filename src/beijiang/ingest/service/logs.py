"""Where in a source's log a table stands, and what a run that follows the log would do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from beijiang.ingest.connectors.capture import LogPosition, capture_of
from beijiang.ingest.models import CaptureState
from beijiang.ingest.store.captures import CaptureStore
from beijiang.kit import BeijiangError, Text

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.db import Database
    from beijiang.ingest.connectors import Connector, Wanted
    from beijiang.ingest.connectors.capture import Capture
    from beijiang.ingest.models import Sync

__all__ = ["FollowPlan", "captured_plan", "log_of", "measured", "start_from"]


def log_of(connector: Connector, sync: Sync) -> Capture:
    """Return the log of a sync's source, which knows the sync by its id."""
    return capture_of(connector, f"beijiang_{sync.id}")


def start_from(table: LogPosition | None, noted: CaptureState | None) -> LogPosition | None:
    """Return from where to read on: the table's own position, or one beyond it up to which nothing concerned the table.

    None: everything has to be read, for the first time or because a new snapshot was begun and did not come to its end.
    """
    if table is None or noted is None or noted.follows != table.at:
        return table
    if not noted.position:
        return None
    return replace(table, at=noted.position, seen_at=noted.seen_at)


def measured(sync: Sync, capture: Capture, position: LogPosition, follows: str, now: datetime) -> CaptureState:
    """Measure how far behind a position is, at the source."""
    lag = capture.lag(position)
    return CaptureState(
        sync_id=sync.id,
        follows=follows,
        position=position.at,
        seen_at=position.seen_at,
        lag_bytes=lag.bytes,
        lag_seconds=lag.seconds,
        retained=lag.retained,
        measured_at=now,
        warnings=lag.warnings,
    )


@dataclass(frozen=True, slots=True)
class FollowPlan:
    """What a run that follows a log would do: from where it reads on, or why it would stop."""

    start: str | None
    """None: everything is read anew first."""
    stops: str = ""
    warnings: tuple[Text, ...] = ()


def captured_plan(db: Database, sync: Sync, made: Connector, wanted: Wanted, position: object) -> FollowPlan:
    """Look whether the log can be followed, from where, and whether the source keeps much of it."""
    capture = log_of(made, sync)
    with db.read() as connection:
        start = start_from(LogPosition.from_json(position), CaptureStore(connection).state(sync.id))
    try:
        capture.check(wanted)
        warnings = () if start is None else capture.lag(start).warnings
    except BeijiangError as stop:
        if stop.transient:
            raise
        return FollowPlan(None if start is None else start.at, stop.text.zh)
    return FollowPlan(None if start is None else start.at, "", warnings)
