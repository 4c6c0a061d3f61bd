"""Hold both sides against each other: what the source counted, what arrived, and what the table now holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beijiang.ingest.models import Verdict
from beijiang.tables import Difference, DifferenceKind, Fingerprint

if TYPE_CHECKING:
    from beijiang.ingest.models import Sync
    from beijiang.ingest.service.fetching import Fetched
    from beijiang.ingest.typing import TypedSchema
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Tables

__all__ = ["LISTED", "Finding", "certified", "differing", "side", "told"]

LISTED: Final = 200
"""Differences that a certificate lists by key; all are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict and what it stands on."""

    verdict: Verdict
    body: dict[str, JsonValue]
    missed: dict[str, Any] | None = None
    """Rows that the position had passed and no run had seen: how many, and how late; None where nobody asked."""


def certified(  # noqa: PLR0913 - two sides and what lies between them
    tables: Tables,
    actor: Actor,
    sync: Sync,
    fetched: Fetched,
    *,
    counts: Mapping[str, int],
    landed: Callable[[], Fingerprint],
    staged: Sequence[Path],
    schema: TypedSchema,
    version: int,
    whole: bool,
) -> Finding:
    """Hold the committed version against what the source counted; only where they differ is it asked where they part.

    Between the two stand what ``landed`` and what was made of it, with the account of the run, which balances or stops it:
    arrived = good + set aside + repeated.
    """
    source = Fingerprint.from_json(fetched.source)
    columns, part = list(schema.names), fetched.part
    held = tables.fingerprint(actor, sync.table, columns, sync.key, part=part, version=version)
    body: dict[str, JsonValue] = {
        "part": None if part is None else {"column": part.column, "start": part.start, "end": part.end},
        "consistent": fetched.consistent,
        "counted_by": fetched.counted_by,
        "source": side(source),
        "held": side(held),
        "set_aside": counts["aside"],
        "deleted_at_source": 0,
        "ranges": [],
        "differences": [],
        "differences_found": 0,
    }
    if not source.differing(held):
        return Finding(Verdict.EXPLAINED if counts["aside"] else Verdict.EQUAL, body)
    arrived, made = landed(), tables.fingerprint_of(actor, staged, schema.to_arrow(), sync.key)
    lost, unlike = source.differing(arrived), made.differing(held)
    found: Sequence[Difference] = ()
    if unlike and sync.key:
        found = tables.differences(
            actor, sync.table, columns, sync.key, staged, buckets=unlike, part=part, version=version
        )
    explained = [d for d in found if d.kind is DifferenceKind.EXTRA and not whole and not fetched.has_keys]
    verdict = Verdict.EQUAL
    if lost or (unlike and not found) or len(explained) < len(found):
        verdict = Verdict.DIFFERENT
    elif explained or counts["aside"]:
        verdict = Verdict.EXPLAINED
    body |= {
        "landed": side(arrived),
        "made": side(made),
        "deleted_at_source": len(explained),
        "ranges": [*differing(source, arrived, "transfer"), *differing(made, held, "commit")],
        "differences": [told(d) for d in found[:LISTED]],
        "differences_found": len(found),
    }
    return Finding(verdict, body)


def side(print_: Fingerprint) -> dict[str, JsonValue]:
    """Return what one side comes to, for people."""
    return {"rows": print_.rows, "checksum": print_.checksum}


def differing(left: Fingerprint, right: Fingerprint, step: str) -> list[JsonValue]:
    """Return the key ranges in which two sides are not equal."""
    told: list[JsonValue] = []
    for bucket in left.differing(right):
        rows: list[JsonValue] = [p.tallies[bucket].rows if bucket in p.tallies else 0 for p in (left, right)]
        told.append({"step": step, "range": f"{bucket:02x}", "rows": rows})
    return told


def told(difference: Difference) -> dict[str, Any]:
    """Return one difference for people: by its key, which the department handed in itself."""
    return {
        "kind": difference.kind.value,
        "key": list(difference.key),
        "columns": list(difference.columns),
    }
