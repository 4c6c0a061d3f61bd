"""Column lineage of the published queries: precision, recall and milliseconds, beside ``sqlglot.lineage`` in the same run.

    PYTHONPATH=src python benchmarks/bench_lineage.py

The queries and what is right for them are in ``tests/lineage/fixtures``. The peer knows which column comes from which, not
how and not what filters and joins decide, so it is measured on direct edges alone; ours on those and on all, with their uses.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import sqlglot.lineage
from report import Line, show
from sqlglot import exp

from beijiang.engine.parsing import statements
from beijiang.lineage import columns_of

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "lineage"))

from written import TABLES, TYPES, Case, cases

Direct = set[tuple[str, str, str]]


def main() -> None:
    written = cases()
    right = {(case.name, edge) for case in written for edge in case.edges}
    found = {
        (case.name, (column, origin))
        for case in written
        for column, origins in columns_of(statements(case.sql)[0], TABLES).columns.items()
        for origin in origins
    }
    ours, ours_ms, _ = measured(written, of_ours)
    peer, peer_ms, refused = measured(written, of_peer)
    expected = {
        (case.name, column, o.table, o.column) for case in written for column, o in case.edges if o.use.is_direct
    }
    show(
        f"Lineage of {len(written)} queries ({len(right)} edges; sqlglot.lineage raised on {refused} of them)",
        [
            Line("precision, all edges and uses (limit 1.0)", share(found & right, found), "limit", 1.0, 1.0, ""),
            Line("recall, all edges and uses (limit 1.0)", share(found & right, right), "limit", 1.0, 1.0, ""),
            Line(
                "precision, direct edges",
                share(ours & expected, ours),
                "sqlglot",
                share(peer & expected, peer),
                1e3,
                "",
            ),
            Line(
                "recall, direct edges",
                share(ours & expected, expected),
                "sqlglot",
                share(peer & expected, expected),
                1e3,
                "",
            ),
            Line("a query, parsed and resolved", ours_ms, "sqlglot", peer_ms, 1.0, "ms"),
        ],
    )


def share(part: set[tuple[object, ...]], whole: set[tuple[object, ...]]) -> float:
    return len(part) / len(whole)


def measured(written: list[Case], read: Callable[[Case], Direct]) -> tuple[set[tuple[object, ...]], float, int]:
    """Return the direct edges found, the milliseconds of a query (best of three rounds), and how many it raised on."""
    found: set[tuple[object, ...]] = set()
    times, refused = [], 0
    for _ in range(3):
        begin, refused = time.perf_counter(), 0
        for case in written:
            try:
                found |= {(case.name, *edge) for edge in read(case)}
            except Exception:  # noqa: BLE001 - the peer may raise anything
                refused += 1
        times.append(time.perf_counter() - begin)
    return found, min(times) * 1000 / len(written), refused


def of_ours(case: Case) -> Direct:
    lineage = columns_of(statements(case.sql)[0], TABLES)
    return {(c, o.table, o.column) for c, origins in lineage.columns.items() for o in origins if o.use.is_direct}


def of_peer(case: Case) -> Direct:
    """Ask for each column that the query really has, which is more than the peer could find out itself."""
    found: Direct = set()
    for column in case.columns:
        root = sqlglot.lineage.lineage(column, case.sql, schema=TYPES, dialect="duckdb")
        for node in root.walk():
            if not node.downstream and isinstance(node.source, exp.Table) and node is not root:
                found.add((column, node.source.name, node.name.rpartition(".")[2].strip('"')))
    return found


if __name__ == "__main__":
    main()
