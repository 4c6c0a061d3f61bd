"""Handing files in, following what becomes of them, and the rows that were set aside."""

# ruff: noqa: B008 - Typer reads options from defaults
from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import typer

from beijiang.client import Client
from beijiang.kit import Invalid, Text
from beijiang.remote.commands.shown import Shown
from beijiang.remote.speaking import Line, who_asks
from beijiang.terminal import progress, say, show

__all__ = ["add_taking"]

_PAUSE: Final = 0.5
"""Seconds between two looks at a run that is going on."""
_FILES: Final = "/api/v1/ingest/files"
_RUNS: Final = "/api/v1/ingest/runs"
_RUN = typer.Argument(help="Id of the run.")


def add_taking(group: typer.Typer, line: Line, shown: Shown) -> None:
    """Add the commands."""

    @group.command("ingest")
    def ingest(
        paths: list[Path] = typer.Argument(help="Files to hand in.", exists=True, dir_okay=False),
        into: str = typer.Option(..., "--into", help="Table that takes the rows."),
        key: list[str] = typer.Option([], "--key", help="Column that identifies a row; again for more columns."),
        mode: str = typer.Option("auto", help="auto, append, merge, replace, history or remove, as for ingest files."),
        encoding: str = typer.Option("auto", help="auto, utf-8, gb18030, gbk, big5, utf-16."),
        sheet: str = typer.Option("", help="Sheet of a workbook, or file inside an archive."),
        org: str = typer.Option("", help="Id of the department that hands them in; the key's own if left out."),
        check: list[str] = typer.Option([], help="COLUMN=CHECK, as for ingest files."),
        reason: str = typer.Option("", help="Why; kept in the table's history."),
        again: bool = typer.Option(False, "--again", help="Append files that the table has taken in before."),
        accept_plan: str = typer.Option("", help="Token of a schema plan that you have read and accept."),
    ) -> None:
        """Send files to the server and take them into a table; follow the run to its end. Bad rows: remote quarantine."""
        order: dict[str, Any] = {
            "into": into, "key": key, "mode": mode, "encoding": encoding, "sheet": sheet or None, "checks": check,
            "reason": reason, "again": again, "accept_plan": accept_plan,
        }  # fmt: skip
        with line.open() as client:
            order["org_id"] = org or _own(client)
            order["files"] = _sent(client, paths, order["org_id"], into.strip())
            run = _followed(client, client.call("POST", _RUNS, body=order))
        shown.run(run)
        if run["state"] != "committed":
            raise shown.failure(run)

    @group.command("run")
    def run(run_id: str = _RUN) -> None:
        """Show one run with its report per file."""
        with line.open() as client:
            shown.run(client.call("GET", f"{_RUNS}/{quote(run_id, safe='')}"))

    @group.command("runs")
    def runs(
        table: str = typer.Option("", help="Only runs into this table."),
        limit: int = typer.Option(50, min=1, max=500, help="How many to show, newest first."),
    ) -> None:
        """List runs of your department, newest first."""
        query = [("limit", str(limit)), *([("table", table)] if table else [])]
        with line.open() as client:
            shown.runs(client.call("GET", _RUNS, query=query)["runs"])

    @group.command("quarantine")
    def quarantine(
        name: str = typer.Argument(help="Table, or id of a run."),
        out: Path | None = typer.Option(None, help="Write the newest run's bad rows as an Excel return file."),
        reason: str = typer.Option("", help="Only rows with this reason code."),
        limit: int = typer.Option(50, min=1, max=1000, help="How many rows to show."),
        offset: int = typer.Option(0, min=0, help="How many rows to pass over."),
    ) -> None:
        """Show the rows that were set aside and why, or write them as a return file for the supplier."""
        query = [("run" if name.startswith("run_") else "table", name), ("limit", str(limit)), ("offset", str(offset))]
        with line.open() as client:
            query += [("reason", reason)] if reason else []
            page = client.call("GET", "/api/v1/ingest/quarantine", query=query)
            if out is None:
                shown.quarantine(page["total"], page["by_reason"], page["rows"])
                return
            if not page["rows"]:
                raise Invalid("没有需要退回的行。", "No row was set aside.", code="nothing_quarantined")
            run_id = page["rows"][0]["run_id"]
            client.save(f"{_RUNS}/{quote(run_id, safe='')}/return-file", out)
        show({"run_id": run_id, "out": str(out)})


def _own(client: Client) -> str:
    org = who_asks(client).get("org_id")
    if not org:
        raise Invalid("请用 --org 指定部门。", "Name the department with --org.", code="organisation_not_found")
    return str(org)


def _sent(client: Client, paths: list[Path], org: str, into: str) -> list[str]:
    total, before = sum(path.stat().st_size for path in paths), 0
    landed = []
    with progress(Text("上传", "Sending")) as bar:
        for path in paths:

            def moved(done: int, before: int = before, name: str = path.name) -> None:
                bar.update(before + done, total, name)

            query = [("name", path.name), ("org", org), ("into", into)]
            file = client.send(_FILES, path, query=query, progress=moved)
            before += path.stat().st_size
            landed.append(str(file["sha256"]))
            if file["again"]:
                say(
                    Text(
                        f"“{path.name}”此前已落地，内容完全相同，没有再存一份。",
                        f'"{path.name}" had landed before with the same bytes; nothing was stored twice.',
                    )
                )
    return landed


def _followed(client: Client, run: Mapping[str, Any]) -> Mapping[str, Any]:
    """Look at a run until it has ended. Whoever leaves meanwhile finds it by ``remote run``: it goes on at the server."""
    with progress(Text("汇聚", "Taking in")) as bar:
        while not run["ended_at"]:
            told = run["progress"]
            bar.update(told.get("done", 0), told.get("total"))
            time.sleep(_PAUSE)
            run = client.call("GET", f"{_RUNS}/{quote(run['id'], safe='')}")
    return run
