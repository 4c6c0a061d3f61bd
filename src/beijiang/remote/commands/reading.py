"""Finding, looking and reading: entries, rows, SQL, files."""

# ruff: noqa: B008 - Typer reads options from defaults
from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import typer

from beijiang.client import Client, Dataset, Denied, NotFound, Rows
from beijiang.kit import Invalid, Text
from beijiang.remote.commands.shown import Shown
from beijiang.remote.speaking import Line
from beijiang.terminal import Column, as_json, progress, say, show, verbatim

__all__ = ["add_reading"]

_DATA = typer.Argument(help="Id of an open data set (res_…), or name of a table that you have a grant on.")
_PURPOSE = typer.Option("", help="Purpose of the reading under a grant; part of the record.")

_PUBLISHED = (
    Column("id", Text("标识", "id")),
    Column("title", Text("名称", "name")),
    Column("summary", Text("摘要", "summary")),
    Column("readable", Text("可直接读取", "readable")),
    Column("version", Text("数据版本", "data version")),
    Column("rows", Text("行数", "rows")),
)


def add_reading(group: typer.Typer, line: Line, shown: Shown) -> None:
    """Add the commands."""
    _add_finding(group, line, shown)
    _add_taking_away(group, line)


def _add_finding(group: typer.Typer, line: Line, shown: Shown) -> None:
    @group.command("search")
    def search(
        words: str = typer.Argument("", help="What to look for: words, pinyin, initials, field names."),
        page: int = typer.Option(1, min=1, help="Page of the result."),
    ) -> None:
        """Search the server's catalog, as far as you may see it."""
        with line.open() as client:
            found = client.call("GET", "/api/v1/catalog/search", query=[("q", words), ("page", str(page))])
        shown.hits(found, words)

    @group.command("show")
    def show_(entry: str = typer.Argument(help="Id of the entry (res_…).")) -> None:
        """Show an entry of your department with what it still lacks, or a published one of another."""
        at = f"/api/v1/catalog/resources/{quote(entry, safe='')}"
        with line.open() as client:
            try:
                found = {**client.call("GET", at), **client.call("GET", f"{at}/missing")}
            except (NotFound, Denied):  # an entry of others is shown as the public sees it
                _show_published(client.dataset(entry))
            else:
                shown.entry(found)


def _add_taking_away(group: typer.Typer, line: Line) -> None:
    @group.command("rows")
    def rows(
        data: str = _DATA,
        where: list[str] = typer.Option([], "--where", help="Condition: COLUMN=VALUE or COLUMN__op=VALUE."),
        column: list[str] = typer.Option([], "--column", help="Only this column; again for more."),
        sort: str = typer.Option("", help="Column to sort by; with - before it, descending."),
        limit: int = typer.Option(50, min=1, max=100_000, help="How many rows to show."),
        purpose: str = _PURPOSE,
    ) -> None:
        """Show rows of an open data set, or of a table under your grant, masked as everywhere."""
        with line.open() as client:
            found = list(
                islice(_rows(client, data, where, purpose)(columns=column, sort=sort, size=min(limit, 1000)), limit)
            )
        show([verbatim(one) for one in found])

    @group.command("sql")
    def sql(
        query: str = typer.Argument(help='One SELECT, e.g. SELECT * FROM "企业登记信息".'), purpose: str = _PURPOSE
    ) -> None:
        """Run a query over the tables that your key may use."""
        with line.open() as client:
            found = client.sql(query, purpose)
        rows = found.records()
        show(rows if as_json() else [verbatim(one) for one in rows])
        if found.truncated:
            say(Text(f"只显示前 {len(rows)} 行。", f"Only the first {len(rows)} rows are shown."), always=True)

    @group.command("download")
    def download(
        data: str = _DATA,
        out: Path = typer.Option(..., help="File to write; its ending says the form: .csv, .xlsx, .json, .parquet."),
        purpose: str = _PURPOSE,
    ) -> None:
        """Write all rows of an open data set, or of a table under your grant, into a file; it appears when it is whole."""
        form = out.suffix.lower().lstrip(".")
        if not form:
            raise Invalid("文件名需要扩展名。", "The name of the file needs an ending.", code="bad_form")
        of = "datasets" if _is_open(data) else "exchange/tables"
        at = f"/api/v1/{of}/{quote(data, safe='')}/download"
        with line.open() as client, progress(Text("下载", "Downloading")) as bar:
            client.save(
                at,
                out,
                query=[("format", form)],
                purpose="" if _is_open(data) else purpose,
                progress=lambda done: bar.update(done, None, f"{done:,} B"),
            )
        if as_json():
            show({"out": str(out), "bytes": out.stat().st_size})
        else:
            say(Text(f"已写入 {out}（{out.stat().st_size:,} 字节）。", f"Wrote {out} ({out.stat().st_size:,} bytes)."))


def _show_published(found: Dataset) -> None:
    if as_json():
        show(found.raw)
        return
    show({fact: getattr(found, fact) for fact in ("id", "title", "summary", "readable", "version", "rows")}, _PUBLISHED)
    names = Column("column", Text("列", "column"), whole=True)
    show([{"column": one} for one in found.columns], [names])


def _is_open(data: str) -> bool:
    return data.startswith("res_")


def _rows(client: Client, data: str, where: list[str], purpose: str) -> Callable[..., Rows]:
    conditions: dict[str, Any] = {}
    for one in where:
        name, mark, value = one.partition("=")
        if not mark or name in conditions:
            raise Invalid(
                f"条件“{one}”应写成 列=值，每列一次。", f"Write “{one}” as COLUMN=VALUE, each once.", code="usage"
            )
        conditions[name] = value
    if _is_open(data):
        return lambda **how: client.rows(data, where=conditions, **how)
    return lambda **how: client.granted_rows(data, purpose=purpose, where=conditions, **how)
