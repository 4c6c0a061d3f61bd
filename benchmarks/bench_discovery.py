"""Discovery of sensitive columns: precision and recall by kind on the labelled corpus of the tests, and values a second on one core.

Run: ``PYTHONPATH=src python benchmarks/bench_discovery.py [rows]``. Bars: precision 0.98, recall 0.95, 1 million values a second of the
processor's time (all threads counted together). A column counts as found only with the right kind; with another one it is missed
and a false alarm at once.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
from bench_gate import house_of
from report import machine

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "protection"))
from discovery_corpus import Score, corpus

from beijiang.protection.service.surveying import Surveyor


def measure(folder: Path, rows: int) -> tuple[Score, int, float]:
    """Return the score, how many values were looked at, and the seconds of the processor that it took."""
    house = house_of(folder)
    surveyor = Surveyor(house.lake, house.engine)
    score, values, seconds = Score(), 0, 0.0
    for name, columns in corpus(rows):
        table = pa.table({c.name: c.values for c in columns})
        house.write(name, table.to_pylist(), table.schema)
        grades = house.protection.grades_of(name)
        score.add(columns, {column: grade.kind for column, grade in grades.items()})
        start = time.process_time()
        surveyor.look(house.lake.snapshot(name), house.last_event, None)
        seconds += time.process_time() - start
        values += sum(len(c.values) for c in columns)
    house.close()
    return score, values, seconds


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as name:
        score, values, seconds = measure(Path(name), rows)
    print(f"\nDiscovery on the labelled corpus, {values:,} values   [{machine()}]")
    print(score.table())
    print(f"{values / seconds / 1e6:.2f} million values a second of the processor   bar 1")
    print("\n".join(score.wrong))


if __name__ == "__main__":
    main()
