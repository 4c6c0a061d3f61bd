"""Hold both sides of a run over files against each other: the listing, the bytes that landed, and the rows of the table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beijiang.ingest.models import FileState, RunMode, Verdict
from beijiang.ingest.service.certifying import LISTED, differing, side, told
from beijiang.kit import NotFound
from beijiang.tables import Among, DifferenceKind

if TYPE_CHECKING:
    from beijiang.ingest.models import Sync
    from beijiang.ingest.store.arrivals import Arrival
    from beijiang.ingest.typing import TypedSchema
    from beijiang.kit import Actor, Text
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Fingerprint, Tables

__all__ = ["Sides", "proved"]

_FILES: Final = 1_000
"""Files that a certificate lists one by one; the digest covers all."""
_AT_PEACE: Final = frozenset(
    {FileState.KNOWN.value, FileState.NEW.value, FileState.CHANGED.value, FileState.OLDER.value}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What a run knows of its source, and the rows that it made of it."""

    sync: Sync
    arrivals: Sequence[Arrival]
    refused: Mapping[str, Text]
    account: Mapping[str, Any]
    version: int | None
    counts: Mapping[str, int]
    staged: Sequence[Path]
    schema: TypedSchema | None
    tags: Sequence[str]


def proved(tables: Tables, actor: Actor, sides: Sides) -> dict[str, Any]:
    """Return version, verdict and body of the certificate.

    The source's side is the listing: names, sizes and SHA-256 of what was read. From there on everything is counted: the
    rows of those bytes, those set aside, and the rows made of them against the committed version.
    """
    files = [_file(a, sides.refused) for a in sides.arrivals]
    held, ranges, found = _rows(tables, actor, sides)
    taken = [f for f in files if f["taken"]]
    states = {**sides.account["states"]}
    unrest = sum(n for state, n in states.items() if state not in _AT_PEACE) + len(sides.refused)
    verdict = Verdict.EQUAL
    if ranges:
        verdict = Verdict.DIFFERENT
    elif unrest or sides.counts["aside"] or len(taken) < len(files):
        verdict = Verdict.EXPLAINED
    digest = _digest(files)
    source = {
        "rows": sides.counts["read"],
        "checksum": digest,
        "files": len(taken),
        "bytes": sum(f["bytes"] or 0 for f in taken),
    }
    body: dict[str, JsonValue] = {
        "part": None,
        "consistent": False,
        "counted_by": "files",
        "source": source,
        "landed": {"rows": sides.counts["read"], "checksum": digest},
        "held": held,
        "set_aside": sides.counts["aside"],
        "deleted_at_source": states.get(FileState.GONE.value, 0),
        "ranges": ranges,
        "differences": [told(d) for d in found[:LISTED]],
        "differences_found": len(found),
        "states": states,
        "listing": [*files[:_FILES]],
        "listing_sha256": digest,
        "told": sides.account["told"][:_FILES],
    }
    return {"version": _version(tables, actor, sides), "verdict": verdict.value, "body": body}


def _rows(tables: Tables, actor: Actor, sides: Sides) -> tuple[dict[str, JsonValue], list[JsonValue], Sequence[Any]]:
    """Return the table's side, the key ranges in which it is not what was made, and the rows that differ."""
    sync, schema = sides.sync, sides.schema
    if sides.version is None or schema is None:
        return {"rows": 0, "checksum": ""}, [], ()
    columns = list(schema.names)
    made = tables.fingerprint_of(actor, sides.staged, schema.to_arrow(), sync.key)
    held: Fingerprint = tables.fingerprint(
        actor, sync.table, columns, sync.key, among=_among(sides), version=sides.version
    )
    unlike = made.differing(held)
    found: Sequence[Any] = ()
    if unlike and sync.key:
        every = tables.differences(
            actor, sync.table, columns, sync.key, sides.staged, buckets=unlike, version=sides.version
        )
        replaced = sync.write_mode is RunMode.REPLACE
        found = [d for d in every if replaced or d.kind is not DifferenceKind.EXTRA]
    return side(held), differing(made, held, "commit"), found


def _among(sides: Sides) -> Among | None:
    """Return which rows of the table this run answers for."""
    if sides.sync.write_mode is RunMode.APPEND:
        return Among(files=tuple(sides.tags))
    return None if sides.sync.write_mode is RunMode.REPLACE else Among(keys=tuple(sides.staged))


def _version(tables: Tables, actor: Actor, sides: Sides) -> int:
    if sides.version is not None:
        return sides.version
    try:
        return tables.get(actor, sides.sync.table).version
    except NotFound:
        return 0


def _file(arrival: Arrival, refused: Mapping[str, Text]) -> dict[str, Any]:
    why = refused.get(arrival.sha256, arrival.why)
    return {
        "name": arrival.name,
        "bytes": arrival.size,
        "modified": arrival.modified.isoformat() if arrival.modified else None,
        "sha256": arrival.sha256,
        "taken": arrival.taken and why is None,
        "why": None if why is None else {"zh": why.zh, "en": why.en},
    }


def _digest(files: Sequence[Mapping[str, Any]]) -> str:
    lines = sorted(f"{f['name']}\t{f['bytes']}\t{f['sha256']}" for f in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
