"""Read the published queries: each with its name and, in comments above it, what every column should come from.

    -- @ a filter stands with every column
    -- 名称 <- 企业.名称
    -- * <- 企业.状态 filter
    SELECT 名称 FROM 企业 WHERE 状态 = '存续'

An origin without a use is ``identity``; ``*`` adds its origins to all columns. A blank line ends a query.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from beijiang.tables import Origin, Use

FOLDER = Path(__file__).parent / "fixtures"


def _types() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in csv.DictReader((FOLDER / "tables.csv").read_text("utf-8").splitlines()):
        found.setdefault(row["table"], {})[row["column"]] = row["type"]
    return found


TYPES = _types()
TABLES = {table: list(columns) for table, columns in TYPES.items()}

Edges = set[tuple[str, Origin]]


@dataclass(frozen=True)
class Case:
    file: str
    name: str
    sql: str
    columns: dict[str, set[Origin]]

    @property
    def edges(self) -> Edges:
        return {(column, origin) for column, origins in self.columns.items() for origin in origins}


def cases() -> list[Case]:
    """Return all queries, file by file."""
    return [
        _case(file.name, block)
        for file in sorted(FOLDER.glob("*.sql"))
        for block in file.read_text("utf-8").split("\n\n")
        if block.strip()
    ]


def _case(file: str, block: str) -> Case:
    lines = block.strip().splitlines()
    comments = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    columns: dict[str, set[Origin]] = {}
    everywhere: set[Origin] = set()
    for line in comments[1:]:
        column, _, origins = line.partition("<-")
        found = {_origin(word) for word in origins.split(",") if word.strip()}
        if column.strip() == "*":
            everywhere |= found
        else:
            columns[column.strip()] = found
    sql = "\n".join(line for line in lines if not line.startswith("--"))
    return Case(file, comments[0].removeprefix("@").strip(), sql, {c: o | everywhere for c, o in columns.items()})


def _origin(word: str) -> Origin:
    place, *use = word.split()
    table, _, column = place.partition(".")
    return Origin(table, column, Use(use[0]) if use else Use.IDENTITY)
