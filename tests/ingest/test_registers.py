"""The 27 yearly enterprise registers of the region: the same rows in any clothes are the same table."""

from __future__ import annotations

import csv
import hashlib
import random
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from beijiang.kit import SYSTEM

if TYPE_CHECKING:
    from conftest import Desk

REGISTERS = Path(__file__).parents[3] / "shared" / "data" / "enterprises"
KEY = ("统一社会信用代码",)
ROWS = 19_009
CHECKSUM = "31e234d64c2afe0f9e8be2b1c40c58a3a393cb8325fdc1cf0eae50780fe7a088"


@pytest.fixture(scope="module")
def years() -> list[Path]:
    found = sorted(REGISTERS.glob("*.csv"))
    assert len(found) == 27
    return found


@pytest.fixture(scope="module")
def cells(years: list[Path]) -> list[list[str]]:
    rows: list[list[str]] = []
    for year in years:
        with year.open(encoding="utf-8-sig", newline="") as file:
            rows += list(csv.reader(file))[0 if not rows else 1 :]
    assert len(rows) == ROWS + 1
    return rows


def test_the_expected_checksum_is_that_of_the_files_themselves(cells: list[list[str]]) -> None:
    frame = pl.DataFrame([[c or None for c in row] for row in cells[1:]], schema=cells[0], orient="row")
    frame = frame.select(sorted(frame.columns)).sort(sorted(frame.columns))
    assert hashlib.sha256(frame.write_csv(null_value="\0").encode()).hexdigest() == CHECKSUM


def whole(desk: Desk, paths: list[Path]) -> None:
    run = desk.take(paths, "企业登记", key=KEY)
    assert run.error is None
    report = run.report
    assert (report["read"], report["good"], report["bad"], report["rows"]) == (ROWS, ROWS, 0, ROWS)
    assert desk.checksum("企业登记") == CHECKSUM


def test_as_they_are_handed_in(desk: Desk, years: list[Path]) -> None:
    whole(desk, years)
    files = desk.ingest.runs(SYSTEM, table="企业登记")[0].report["files"]
    assert [f["read"] for f in files][-1] == 4201
    codes = desk.rows("企业登记")[KEY[0]]
    assert codes.n_unique() == ROWS
    assert codes.str.len_chars().min() == codes.str.len_chars().max() == 18
    again = desk.take(years, "企业登记")
    assert (again.report["rows_added"], again.report["rows_changed"], again.report["rows"]) == (0, 0, ROWS)
    assert desk.checksum("企业登记") == CHECKSUM


def test_in_gb18030_and_in_random_order(desk: Desk, years: list[Path]) -> None:
    paths = [desk.file(y.name, y.read_text("utf-8-sig"), "gb18030") for y in years]
    random.Random(7).shuffle(paths)  # noqa: S311  # an order, not a secret
    whole(desk, paths)


def test_zipped(desk: Desk, years: list[Path]) -> None:
    path = desk.file("登记.zip", b"")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for year in years:
            archive.write(year, f"历年/{year.name}")
    whole(desk, [path])


def test_in_xlsx_with_rows_in_random_order(desk: Desk, cells: list[list[str]]) -> None:
    import xlsxwriter

    path = desk.file("登记.xlsx", b"")
    body = cells[1:]
    random.Random(3).shuffle(body)  # noqa: S311  # an order, not a secret
    with xlsxwriter.Workbook(str(path), {"strings_to_urls": False}) as book:
        sheet = book.add_worksheet("登记")
        for number, row in enumerate([cells[0], *body]):
            for column, value in enumerate(row):
                sheet.write_string(number, column, value)
    whole(desk, [path])


def test_in_xls_by_halves(desk: Desk, cells: list[list[str]]) -> None:
    import xlwt

    path = desk.file("登记.xls", b"")
    book = xlwt.Workbook(encoding="utf-8")
    for name, body in (("上", cells[1:9_000]), ("下", cells[9_000:])):
        sheet = book.add_sheet(name)
        for number, row in enumerate([cells[0], *body]):
            for column, value in enumerate(row):
                sheet.write(number, column, value)
    book.save(str(path))
    whole(desk, [path])


def test_twice_in_one_request_in_two_encodings(desk: Desk, years: list[Path]) -> None:
    other = [desk.file(y.name, y.read_text("utf-8-sig"), "gb18030") for y in years]
    run = desk.take([*years, *other], "企业登记", key=KEY)
    report = run.report
    assert (report["read"], report["good"], report["bad"], report["duplicates"]) == (2 * ROWS, ROWS, 0, ROWS)
    assert desk.checksum("企业登记") == CHECKSUM
    assert desk.ingest.quarantine(SYSTEM, run_id=run.id, limit=1).by_reason == {"duplicate_same": ROWS}
