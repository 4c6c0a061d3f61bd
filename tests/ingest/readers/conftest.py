from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from beijiang.ingest.readers import BadRow, ReadOptions, SourceTable, open_tables


@dataclass
class Read:
    """Everything that one table gave, flattened for comparison."""

    table: SourceTable
    rows: list[tuple[str | None, ...]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)

    @property
    def reasons(self) -> list[tuple[int, str]]:
        return [(b.line, b.reason.value) for b in sorted(self.bad, key=lambda b: b.line)]


def read_all(table: SourceTable) -> Read:
    out = Read(table)
    for batch in table.batches():
        assert batch.rows.schema.names == list(table.columns)
        assert len(batch.row_numbers) == batch.rows.num_rows
        out.rows += [tuple(row.values()) for row in batch.rows.to_pylist()]
        out.lines += batch.row_numbers.to_pylist()
        out.bad += batch.bad
    order = sorted(range(len(out.lines)), key=out.lines.__getitem__)
    out.rows, out.lines = [out.rows[i] for i in order], [out.lines[i] for i in order]
    return out


@pytest.fixture
def read() -> Callable[[SourceTable], Read]:
    return read_all


@pytest.fixture
def land(tmp_path: Path) -> Callable[..., list[SourceTable]]:
    """Write bytes as a landed file and open its tables."""

    def write(data: bytes | str, name: str = "数据.csv", options: ReadOptions | None = None) -> list[SourceTable]:
        path = tmp_path / "landed"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return open_tables(path, name, options)

    return write


@pytest.fixture
def one(land: Callable[..., list[SourceTable]]) -> Callable[..., Read]:
    """Write bytes as a landed file that holds one table, and read it whole."""

    def write(data: bytes | str, name: str = "数据.csv", options: ReadOptions | None = None) -> Read:
        tables = land(data, name, options)
        assert len(tables) == 1
        return read_all(tables[0])

    return write
