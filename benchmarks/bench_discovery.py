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
from mention_corpus import measured, sentences

from beijiang.protection.models.mentions import MENTIONS, mentions
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


def read_sentences(folder: Path, rows: int) -> tuple[dict[str, tuple[float, float]], list[str], float]:
    """Return precision and recall of what sentences say, the sorts that went wrong, and seconds of the processor for each sentence."""
    house, columns = house_of(folder), sentences(rows, SENTENCES_SEED)
    texts = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    house.write("备注", texts, pa.schema([(name, pa.string()) for name in columns]))
    scan = house.lake.scan(house.lake.snapshot("备注"), list(columns))
    start = time.process_time()
    answer = house.engine.fetch(mentions("备注", list(columns)), {"备注": scan}).to_pylist()
    seconds = time.process_time() - start
    house.close()
    names = list(columns)
    found = {f"{names[row['place']]}/{what}": int(row[what]) for row in answer for what in MENTIONS}
    return *measured(found, rows), seconds / (rows * len(columns))


SENTENCES, SENTENCES_SEED = 4_000, 3


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as name:
        score, values, seconds = measure(Path(name), rows)
    print(f"\nDiscovery on the labelled corpus, {values:,} values   [{machine()}]")
    print(score.table())
    print(f"{values / seconds / 1e6:.2f} million values a second of the processor   bar 1")
    print("\n".join(score.wrong))
    with tempfile.TemporaryDirectory() as name:
        shares, wrong, each = read_sentences(Path(name), SENTENCES)
    for what, (precision, recall) in shares.items():
        print(f"{what:24} {precision:>10.3f} {recall:>8.3f}")
    print("\n".join(wrong), f"{each * 1e6:.1f} microseconds of the processor a sentence", sep="\n")


if __name__ == "__main__":
    main()
