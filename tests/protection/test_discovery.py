"""Discovery is measured: precision and recall on a labelled corpus that is made here, with traps (``benchmarks/bench_discovery.py``)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent))
from discovery_corpus import Score, corpus

ROWS = 120
SEED = 7
"""Not the one of the benchmark, by which the rules were improved."""


def test_precision_and_recall_hold_their_bars(make_house: Any, tmp_path: Path) -> None:
    house, score = make_house(tmp_path), Score()
    for name, columns in corpus(ROWS, SEED, small=True):
        table = pa.table({c.name: c.values for c in columns})
        house.write(name, table.to_pylist(), table.schema)
        grades = house.protection.grades_of(name)
        score.add(columns, {column: grade.kind for column, grade in grades.items()})
    schema = pa.schema([("列1", pa.string())])
    house.write("联通", [{"列1": f"166{n * 7919 % 10**8:08}"} for n in range(60)], schema)
    assert house.protection.grades_of("联通")["列1"].kind == "mobile", (
        "a prefix of one operator is none that nobody has"
    )
    house.close()
    precision, recall = score.whole
    assert score.hits.total() > 150
    assert precision >= 0.98, score.wrong
    assert recall >= 0.95, score.wrong
    assert all(score.of(kind)[1] >= 0.9 for kind in score.hits), score.wrong
