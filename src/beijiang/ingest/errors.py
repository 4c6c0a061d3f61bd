"""What can go wrong while files are taken in, each told once."""

from __future__ import annotations

import errno

from beijiang.kit import BeijiangError, Conflict, Invalid, NotFound, Refused, TooLarge, Unavailable
from beijiang.kit.errors import JsonValue
from beijiang.tables import TableWriter, WriterKind

__all__ = [
    "bad_overlap",
    "bad_rows_over_limit",
    "different_tables",
    "disk_trouble",
    "name_taken",
    "no_rows",
    "no_such_file",
    "no_such_run",
    "remove_needs_key",
    "table_is_made",
    "too_large",
    "unknown_columns",
]

_SHOWN = 5
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def no_rows(names: list[str]) -> Invalid:
    """Say that there is a header and nothing below it: no table is made of that, and no type can be known."""
    shown, more = "、".join(names[:_SHOWN]), len(names) > _SHOWN
    return Invalid(
        f"“{shown}{'……' if more else ''}”只有表头，没有一行数据，没有写入任何内容。请检查导出是否成功后重新提交。",
        f'"{", ".join(names[:_SHOWN])}{" ..." if more else ""}" has a header and not one row; nothing was written. '
        "Check the export and hand it in again.",
        code="no_rows",
        detail={"files": list(names[:_SHOWN])},
    )


def disk_trouble(error: OSError) -> BeijiangError:
    """Tell a full disk from other trouble with it."""
    if error.errno in _FULL:
        return Unavailable(
            "磁盘空间不足，没有写入任何数据。请清理磁盘后重新提交。",
            "The disk is full; nothing was written. Free some space and submit again.",
            code="disk_full",
        )
    return Unavailable(
        "读写磁盘失败，没有写入任何数据。请检查磁盘后重新提交。",
        "Reading or writing the disk failed; nothing was written. Check the disk and submit again.",
        code="disk_error",
        detail={"errno": error.errno},
    )


def too_large(limit: int) -> TooLarge:
    """Refuse an upload over the limit."""
    return TooLarge(
        f"文件超过上限 {limit:,} 字节。请拆分或压缩后再提交。",
        f"The file is over the limit of {limit:,} bytes. Split or pack it.",
        code="file_too_large",
        detail={"limit": limit},
    )


def no_such_file(sha256: str) -> NotFound:
    """Say that the actor's department handed in no such file."""
    return NotFound(
        f"本部门没有提交过文件 {sha256[:12]}…。请先上传。",
        f"Your department has handed in no file {sha256[:12]}…. Upload it first.",
        code="file_not_found",
    )


def remove_needs_key(table: str) -> Conflict:
    """Say that rows are taken out by their keys, and that there are none to go by."""
    return Conflict(
        f"表“{table}”还不存在或没有主键，不能按键删除行。请改用整表替换：提交不含这些行的文件（--mode replace）。",
        f'Table "{table}" is not there yet or has no key, so rows cannot be taken out by it. '
        "Replace the table: hand in a file without those rows (--mode replace).",
        code="remove_needs_key",
    )


def name_taken(table: str) -> Conflict:
    """Say that a table is another department's, and nothing else about it."""
    return Conflict(
        f"表名“{table[:60]}”已由其他部门使用。请换一个表名。",
        f'The name "{table[:60]}" is another department\'s table. Choose another name.',
        code="other_organisation",
    )


def table_is_made(table: str, writer: TableWriter) -> Conflict:
    """Say who fills a table by itself, and where what was to be handed in belongs."""
    shown, kind, name = table[:60], writer.kind.text, writer.name[:60]
    zh, en = f"表“{shown}”由{kind.zh}“{name}”写入", f'Table "{shown}" is filled by the {kind.en} "{name}"'
    if writer.kind is WriterKind.LIBRARY:
        mend_zh, mend_en = (
            "请交入一张来源表，并把它接入该库",
            "hand it into a table of its own and link that to the library",
        )
    elif writer.kind is WriterKind.PLAN:
        mend_zh, mend_en = "请在督办页面填报任务进展", "report tasks and progress on the page of the plan"
    else:
        sources = writer.sources[:_SHOWN]
        mend_zh = f"请交入它的来源表（{'、'.join(sources)}）" if sources else "请交入它的来源表"
        mend_en = f"hand it into what it reads ({', '.join(sources)})" if sources else "hand it into what it reads"
    return Conflict(
        f"{zh}（一数一源），没有接收任何数据。{mend_zh}；确需改由文件或取数提供的，请先停用该{kind.zh}。",
        f"{en} (one source per item); nothing was taken in. {mend_en[0].upper()}{mend_en[1:]}, "
        f"or retire that {kind.en} first.",
        code="table_is_made",
        detail={
            "table": shown,
            "by": writer.kind.value,
            "id": writer.id,
            "name": name,
            "sources": list(writer.sources),
        },
    )


def no_such_run(run_id: str) -> NotFound:
    """Say that there is no such run."""
    shown = run_id[:60]
    return NotFound(f"没有汇聚任务“{shown}”。", f'There is no ingest run "{shown}".', code="run_not_found")


def unknown_columns(wanted: list[str], have: list[str], what: tuple[str, str]) -> Invalid:
    """Say that a key or check names a column that the files lack."""
    return Invalid(
        f"{what[0]}“{'、'.join(wanted)}”不在文件的列中。文件的列：{'、'.join(have)}。",
        f"{what[1]} {', '.join(wanted)} is no column of the files. They have: {', '.join(have)}.",
        code="unknown_column",
        detail={"wanted": [*wanted], "columns": [*have]},
    )


def different_tables(tables: list[tuple[str, list[str]]]) -> Invalid:
    """Say that the files hold tables of different columns, and what to do."""
    shown: list[JsonValue] = [{"table": name, "columns": [*columns]} for name, columns in tables]
    lists = [(name, columns[:_SHOWN], len(columns) > _SHOWN) for name, columns in tables[: _SHOWN + 1]]
    zh = "；".join(f"{name}（{'、'.join(columns)}{'……' if more else ''}）" for name, columns, more in lists)
    en = "; ".join(f"{name} ({', '.join(columns)}{', ...' if more else ''})" for name, columns, more in lists)
    return Invalid(
        f"这些文件里有几张列不相同的表，不能放进同一张表：{zh}。请用“工作表”（--sheet）指定其中一张，或分几次提交。",
        f"The files hold tables of different columns, which do not fit into one table: {en}. Choose one with --sheet, or submit them one by one.",
        code="different_tables",
        detail={"tables": shown},
    )


def bad_rows_over_limit(read: int, bad: int, limit: float, by_reason: dict[str, JsonValue]) -> Refused:
    """Say why a run stopped before its commit."""
    return Refused(
        f"读入 {read:,} 行，其中 {bad:,} 行有问题（{bad / read:.1%}），超过上限 {limit:.0%}，没有写入任何数据。"
        "请在隔离区下载退回文件，更正后重新提交。",
        f"Of {read:,} rows read, {bad:,} are bad ({bad / read:.1%}), over the limit of {limit:.0%}; nothing was committed. "
        "Download the return file from the quarantine, mend it and submit again.",
        code="bad_rows_over_limit",
        detail={"read": read, "bad": bad, "limit": limit, "by_reason": by_reason},
    )


def bad_overlap(words: str) -> Invalid:
    """Say that an overlap is no number."""
    return Invalid(
        f"重叠量“{words[:40]}”不是数字。时间列按秒，日期列按天，数值列按数值；写 auto 则按观察到的迟到自动确定。",
        f'The overlap "{words[:40]}" is no number: seconds for times, days for dates, a number for numbers; or auto, which learns it.',
        code="bad_overlap",
    )
