"""Look at mended cells the way a run would: against the table's types, its key, and the declared checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from beijiang.ingest.models import CheckKind, CheckSpec, RunMode
from beijiang.ingest.readers import RawBatch
from beijiang.ingest.service.checks import failures
from beijiang.ingest.typing import TypedSchema, apply_types
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.ingest.typing import ColumnSpec

__all__ = ["Rules", "problems"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What rows of a table have to meet."""

    schema: TypedSchema
    key: tuple[str, ...]
    history: bool = False
    """The table keeps its history."""
    removes: bool = False
    """The rows name by their keys those that leave."""

    @property
    def mode(self) -> RunMode:
        """Return how mended rows are taken in."""
        if self.removes:
            return RunMode.REMOVE
        if self.history:
            return RunMode.HISTORY
        return RunMode.MERGE if self.key else RunMode.APPEND

    def leaving(self) -> Rules:
        """Return what rows have to meet that name others to be taken out: the key columns are all that is looked at."""
        keys = TypedSchema(tuple(column for column in self.schema.columns if column.name in self.key))
        return replace(self, schema=keys, removes=True)


def problems(rows: Sequence[Mapping[str, str]], rules: Rules, checks: Sequence[CheckSpec]) -> list[dict[str, Text]]:
    """Return, for each row given as column and text, what is wrong with which of its cells; an empty text is no value."""
    found: list[dict[str, Text]] = [{} for _ in rows]
    if not rows:
        return found
    for spec in rules.schema.columns:
        own = [c for c in checks if c.column == spec.name and c.kind is not CheckKind.UNIQUE]
        for at, text in _of_column(rows, replace(spec, nullable=spec.name not in rules.key), own):
            found[at].setdefault(spec.name, text)
    return found


def _of_column(
    rows: Sequence[Mapping[str, str]], spec: ColumnSpec, checks: Sequence[CheckSpec]
) -> list[tuple[int, Text]]:
    cells = pa.array([row.get(spec.name) or None for row in rows], pa.string())
    schema = TypedSchema((spec,))
    batch = RawBatch(pa.RecordBatch.from_arrays([cells], names=[spec.name]), pa.array(range(len(rows)), pa.int64()), [])
    typed = apply_types(batch, schema)
    found = [(bad.line, bad.text) for bad in typed.bad]
    if checks and typed.rows.num_rows:
        places = typed.row_numbers.to_pylist()
        found += [(places[at], text) for at, (_, text) in failures(typed.rows, checks, schema).items()]
    return found
