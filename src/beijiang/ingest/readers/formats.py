"""Which reader takes a file: by its first bytes, then by its extension."""

from __future__ import annotations

import zipfile

from beijiang.ingest.readers.contract import ReadOptions, SourceTable
from beijiang.ingest.readers.guard import broken
from beijiang.ingest.readers.source import Source
from beijiang.kit import Invalid

__all__ = ["tables_of"]

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_WORKBOOKS = {".xls": "xls", ".et": "xls", ".xlsx": "xlsx", ".xlsm": "xlsx", ".ods": "ods"}
_TEXT = {".csv", ".tsv", ".txt", ".tab", ".dat", ""}
_PEEK = 4096


def tables_of(source: Source, options: ReadOptions) -> list[SourceTable]:
    """Return the tables inside ``source``; ``Invalid`` (``unknown_format``, ``empty_file``, ...) when it holds none."""
    head = source.head(_PEEK)
    if not head:
        raise Invalid(
            f"文件“{source.leaf}”是空的（0 字节）。请检查导出是否成功后重新提交。",
            f'File "{source.leaf}" is empty (0 bytes). Check the export and hand it in again.',
            code="empty_file",
            detail={"file": source.leaf},
        )
    if head.startswith(_ZIP):
        return _zipped(source, options)
    if head.startswith(_OLE):
        return _ole(source, options)
    if head.startswith(b"PAR1"):
        from beijiang.ingest.readers.columnar import ParquetTable

        return [ParquetTable(source, options)]
    return _by_suffix(source, options, head)


def _by_suffix(source: Source, options: ReadOptions, head: bytes) -> list[SourceTable]:
    suffix = source.suffix
    if suffix in _WORKBOOKS and b"\x00" not in head:
        raise _disguised(source, head)
    if suffix in {*_WORKBOOKS, ".zip", ".parquet"}:
        raise broken(source.leaf, suffix[1:])
    if suffix == ".dbf":
        from beijiang.ingest.readers.dbf import DbfTable

        return [DbfTable(source, options)]
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").replace(b"\x00", b"")[:1]
    if suffix in {".json", ".geojson", ".ndjson", ".jsonl"} or (suffix in {"", ".txt"} and start in {b"{", b"["}):
        from beijiang.ingest.readers.objects import object_tables

        return object_tables(source, options)
    if suffix not in _TEXT:
        raise Invalid(
            f"不认识“{source.leaf}”的格式。可以提交：CSV、TSV、Excel（xlsx、xls、ods）、JSON、NDJSON、GeoJSON、Parquet、DBF，或它们的 ZIP。",
            f'The format of "{source.leaf}" is not known. Hand in CSV, TSV, Excel (xlsx, xls, ods), JSON, NDJSON, GeoJSON, '
            "Parquet, DBF, or a ZIP of these.",
            code="unknown_format",
            detail={"file": source.leaf},
        )
    from beijiang.ingest.readers.delimited import DelimitedTable

    return [DelimitedTable(source, options)]


def _disguised(source: Source, head: bytes) -> Invalid:
    """Say that a text goes by the name of a workbook, as the exports of many systems do."""
    page = head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    what, what_en = ("网页或 XML", "a web page or XML") if page else ("文本", "text")
    mend = "" if page else "，或把扩展名改为 .csv"
    mend_en = "" if page else ", or change its extension to .csv"
    return Invalid(
        f"文件“{source.leaf}”的内容是{what}，不是 {source.suffix[1:]} 工作簿。请用 Excel 或 WPS 打开后另存为 xlsx{mend}，再提交。",
        f'File "{source.leaf}" holds {what_en}, not a workbook. Open it in a spreadsheet program and save it as xlsx{mend_en}.',
        code="broken_file",
        detail={"file": source.leaf, "format": source.suffix[1:]},
    )


def _zipped(source: Source, options: ReadOptions) -> list[SourceTable]:
    """Tell a workbook from an archive by what the package holds, whatever its name says."""
    try:
        with zipfile.ZipFile(source.path()) as package:
            names = set(package.namelist())
            kind = package.read("mimetype")[:200] if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise broken(source.leaf, "ZIP") from error
    if "[Content_Types].xml" in names and any(n.startswith("xl/") for n in names):
        from beijiang.ingest.readers.workbook import sheets_of

        return sheets_of(source, options, "xlsx")
    if b"opendocument.spreadsheet" in kind:
        from beijiang.ingest.readers.workbook import sheets_of

        return sheets_of(source, options, "ods")
    from beijiang.ingest.readers.archive import member_tables

    return member_tables(source, options, tables_of)


def _ole(source: Source, options: ReadOptions) -> list[SourceTable]:
    """Take old Excel workbooks; other documents of that container (Word, an encrypted xlsx) are refused."""
    if source.suffix not in _WORKBOOKS and source.suffix:
        raise Invalid(
            f"文件“{source.leaf}”的内容是 Office 文档，与扩展名不符。请用正确的扩展名提交。",
            f'File "{source.leaf}" holds an Office document, which its extension does not say. Rename it and try again.',
            code="binary_file",
            detail={"file": source.leaf, "looks_like": "OLE"},
        )
    from beijiang.ingest.readers.workbook import sheets_of

    return sheets_of(source, options, "xls")
