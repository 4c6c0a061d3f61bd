"""The check digits of cards, reckoned on two whole numbers, are those of the algorithm digit by digit, on both engines."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from beijiang.engine import Scan
from beijiang.engine.checksums import CHECKSUMS, in_place
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.engine.spark import SparkEngine
from beijiang.settings import Settings
from beijiang.standards.checks import check_luhn, luhn_check_digit

HOSTILE: Final = (
    "",
    " ",
    "0",
    "0" * 8,
    "0" * 19,
    "9" * 19,
    "9" * 18,
    "9" * 20,
    "6" * 40,
    "６２２２０２１２３４５６７８９０",
    "62220212345678 0",
    "-622202123456789",
    "+622202123456789",
    "622202123456789.0",
    "6222021e10234567",
    "内蒙古自治区呼和浩特市新城区",
    "𠀀𠀁𠀂𠀃𠀄𠀅𠀆𠀇𠀈𠀉𠀊𠀋𠀌𠀍𠀎",
    "622202123456789\n",
    "6" * 100_000,
)


def values() -> list[str | None]:
    """Return texts of every length, half of them with the right check digit, and what is no number at all."""
    r = random.Random(7812)  # noqa: S311 - chosen to be the same each time
    made: list[str | None] = [None, *HOSTILE]
    for length in range(7, 21):
        for head in ("", "62", "4", "55", "9"):
            for _ in range(20):
                body = head + "".join(r.choice("0123456789") for _ in range(length - len(head) - 1))
                made += [body + luhn_check_digit(body), body + r.choice("0123456789")]
    return made


def test_cards_hold_where_the_algorithm_says_so(tmp_path: Path, spark_url: str) -> None:
    settings = Settings.for_tests(tmp_path)
    place = tmp_path / "home" / "lake" / "t.parquet"
    place.parent.mkdir(parents=True)
    table = pa.table({"v": pa.array(values(), pa.string())})
    pq.write_table(table, place)
    scan = Scan((str(place),), table.schema)
    luhn = [v is not None and bool(re.fullmatch("[0-9]{8,19}", v)) and check_luhn(v).passes for v in values()]
    card = [
        held and bool(re.fullmatch("(?:62|4|5[1-5]|3[0-9]|6[0-9]|9)[0-9]+", str(v))) and len(str(v)) >= 15
        for held, v in zip(luhn, values(), strict=True)
    ]
    assert 500 < sum(luhn) < len(luhn) - 500, "neither all nor none"
    tests = {"luhn": luhn, "bank_card": card}
    shown = [exp.alias_(CHECKSUMS[name](in_place(exp.column("v"))), name) for name in tests]
    query = exp.select("v", *shown).from_(exp.table_("t", db="lake"))
    for engine in (DuckDBEngine(settings), SparkEngine(spark_url, settings.time_zone)):
        found = engine.fetch(query, {"t": scan}).to_pylist()
        for name, wanted in tests.items():
            truth = dict(zip(values(), wanted, strict=True))
            assert [row["v"] for row in found if row[name] != truth[row["v"]] and row["v"] is not None] == []
        engine.close()
