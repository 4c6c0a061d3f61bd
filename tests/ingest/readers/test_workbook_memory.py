"""Workbooks that are small on disk and huge in memory are refused, whatever their format; the process lives on."""

from __future__ import annotations

import io
import resource
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter
import xlwt

from beijiang.ingest.readers import ReadLimits, ReadOptions
from beijiang.kit import TooLarge

Land = Callable[..., Any]
MIB = 1 << 20
SMALL = ReadOptions(limits=ReadLimits(max_workbook_memory=500 * MIB))
LONG = "长" * 10_000
MIMETYPE = "application/vnd.oasis.opendocument.spreadsheet"


def xlsx() -> bytes:
    """Eight hundred megabytes of text out of 30 KB: every cell names the same shared text, as Excel itself writes it."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet("表")
    for row in range(2_700):
        sheet.write_row(row, 0, [LONG] * 10)
    book.close()
    return out.getvalue()


def xls() -> bytes:
    out = io.BytesIO()
    book = xlwt.Workbook()
    sheet = book.add_sheet("表")
    for row in range(2_700):
        for column in range(10):
            sheet.write(row, column, LONG)
    book.save(out)
    return out.getvalue()


def ods() -> bytes:
    names = "".join(
        f' xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"' for short in ("office", "table", "text")
    )
    cell = f'<table:table-cell office:value-type="string"><text:p>{LONG}</text:p></table:table-cell>'
    row = f'<table:table-row table:number-rows-repeated="900">{cell}</table:table-row>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", MIMETYPE)
        package.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{MIMETYPE}"/></manifest:manifest>',
        )
        package.writestr(
            "content.xml",
            f"<office:document-content{names}><office:body><office:spreadsheet>"
            f'<table:table table:name="表">{row * 30}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return out.getvalue()


@pytest.mark.parametrize(("make", "name"), [(xlsx, "表.xlsx"), (xls, "表.xls"), (ods, "表.ods")])
def test_a_text_repeated_in_very_many_cells_does_not_fill_the_memory(
    land: Land, make: Callable[[], bytes], name: str
) -> None:
    data = make()
    assert len(data) < 2 * MIB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # The bound on texts is lowered with the memory, so that the small bomb is one.
    limits = ReadLimits(max_workbook_memory=500 * MIB, max_sheet_bytes=100 * MIB)
    with pytest.raises(TooLarge) as refusal:
        land(data, name, ReadOptions(limits=limits))
    assert refusal.value.reason == "workbook_too_large"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_the_same_workbooks_with_short_texts_are_read(land: Land) -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet("表")
    for row in range(2_700):
        sheet.write_row(row, 0, [LONG[:20]] * 10)
    book.close()
    tables = land(out.getvalue(), "表.xlsx", SMALL)
    assert [table.row_estimate for table in tables] == [2_699]


def test_many_sheets_of_two_far_apart_cells_do_not_fill_the_memory(land: Land) -> None:
    """Each sheet alone is within bounds; all are held at once."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    for number in range(5):
        sheet = book.add_worksheet(f"表{number}")
        sheet.write(0, 0, "a")
        sheet.write(400_000, 19, "z")
    book.close()
    with pytest.raises(TooLarge) as refusal:
        land(out.getvalue(), "散.xlsx")
    assert refusal.value.reason == "sheet_too_large"
