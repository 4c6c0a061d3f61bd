"""Say what a run would do to a table that keeps its history, as far as both sides' counts tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.ingest.models import StatesPlan
from beijiang.ingest.typing import TypedSchema
from beijiang.tables import Part

if TYPE_CHECKING:
    from beijiang.ingest.connectors import Wanted, Window
    from beijiang.ingest.models import Sync
    from beijiang.kit import Actor
    from beijiang.tables import Fingerprint, Tables

__all__ = ["states_of"]


def states_of(
    tables: Tables,
    actor: Actor,
    wanted: Wanted,
    sync: Sync,
    counted: Fingerprint | None,
    *,
    rows: int | None,
    whole: bool,
) -> StatesPlan | None:
    """Return how many states hold, and how many would begin and end; None where the table keeps no history.

    A first run begins a state for each row. Where the source's count and checksum are the table's, nothing begins and
    nothing ends, unless the run looks further than what was ``counted``. Otherwise only the rows themselves tell.
    """
    if not sync.history:
        return None
    known = tables.schema(actor, sync.table)
    if known is None:
        return StatesPlan(held=0, begins=rows, ends=0)
    held = tables.holding(actor, sync.table)
    comes = TypedSchema(tuple(c.spec for c in wanted.feed.columns)).to_arrow()
    same = all(f.name in known.names and known.field(f.name).type == f.type for f in comes)
    if counted is None or not same:
        return StatesPlan(held=held, begins=None, ends=None)
    mine = tables.fingerprint(actor, sync.table, list(comes.names), sync.key, part=_part(wanted.window))
    if counted.differing(mine):
        return StatesPlan(held=held, begins=None, ends=None)
    return StatesPlan(held=held, begins=0, ends=0 if whole else None)


def _part(window: Window | None) -> Part | None:
    if window is None:
        return None
    start, end = (None if p is None else str(p) for p in (window.start, window.end))
    return Part(window.column, start, end)
