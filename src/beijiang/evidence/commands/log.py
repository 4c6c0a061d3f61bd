"""``beijiang evidence``: check, search and export the log; the operator of the machine acts as the platform itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Text
from beijiang.terminal import Column, as_json, language, progress, say, show

if TYPE_CHECKING:
    from beijiang.evidence.models import CheckReport, EvidenceRecord
    from beijiang.evidence.service import EvidenceReader

__all__ = ["commands"]

_RECORDS = (
    Column("sequence", Text("序号", "sequence"), right=True),
    Column("at", Text("时间", "at"), whole=True),
    Column("actor", Text("主体", "who")),
    Column("action", Text("操作", "action")),
    Column("target", Text("对象", "target"), whole=True),
    Column("decision", Text("决定", "decision"), spare=True),
    Column("rows", Text("行数", "rows"), right=True),
    Column("purpose", Text("用途", "purpose"), spare=True),
)
_PROBLEMS = (
    Column("sequence", Text("序号", "sequence"), right=True),
    Column("kind", Text("种类", "kind")),
    Column("what", Text("说明", "what")),
)


def commands(get: Callable[[], EvidenceReader]) -> typer.Typer:
    """Return the command group; ``check`` ends with status 1 when the log is not what was written."""
    group = typer.Typer(
        help="The evidence log: check, search, export; receipts, witnesses, retention.", no_args_is_help=True
    )

    @group.command("check")
    def check() -> None:
        """Re-hash every record and name what was changed, removed, inserted, moved or cut off."""
        with progress(Text("核验存证", "Checking the evidence")):
            report = get().check(SYSTEM)
        _show_report(report)
        if not report.ok:
            raise typer.Exit(1)

    @group.command("search")
    def search(
        actor: str = typer.Option("", help="Id of who acted."),
        action: str = typer.Option("", help="Action, or a prefix that ends in a dot."),
        target: str = typer.Option("", help="What was acted on."),
        denied: bool = typer.Option(False, "--denied", help="Refusals only."),
        limit: int = typer.Option(50, help="Records to show."),
    ) -> None:
        """List records, newest first."""
        from beijiang.evidence.models import Decision, EvidenceQuery

        query = EvidenceQuery(
            actor_id=actor or None,
            action=action or None,
            target=target or None,
            decision=Decision.DENY if denied else None,
            limit=limit,
        )
        page = get().search(SYSTEM, query)
        show([asdict(record) if as_json() else _summary(record) for record in page.records], _RECORDS)

    @group.command("export")
    def export(
        out: Path = typer.Argument(help="File to write, one JSON record a line."),  # noqa: B008 - the way of Typer
        since: datetime | None = typer.Option(None, help="From this moment (local time)."),  # noqa: B008
        until: datetime | None = typer.Option(None, help="Up to this moment (local time)."),  # noqa: B008
    ) -> None:
        """Write all records, newest first, to a file."""
        count = _export(get(), out, since, until)
        say(Text(f"已导出 {count:,} 条记录到 {out}。", f"Wrote {count:,} records to {out}."))
        if as_json():
            show({"records": count, "file": str(out)})

    return group


def _export(reader: EvidenceReader, out: Path, since: datetime | None, until: datetime | None) -> int:
    import json

    from beijiang.evidence.models import EvidenceQuery

    query = EvidenceQuery(since=since and since.astimezone(), until=until and until.astimezone())
    count = 0
    with progress(Text("导出存证", "Exporting the evidence")) as bar, out.open("w", encoding="utf-8") as file:
        for count, record in enumerate(reader.export(SYSTEM, query), start=1):
            file.write(json.dumps(asdict(record), ensure_ascii=False, default=str) + "\n")
            bar.update(count, record.sequence + count - 1)
    return count


def _show_report(report: CheckReport) -> None:
    problems = [
        {"sequence": p.sequence, "kind": str(p.kind), "what": p.what.in_language(language())} for p in report.problems
    ]
    if as_json():
        show({"ok": report.ok, "records": report.records, "head": report.head, "problems": problems})
        return
    if problems:
        show(problems, _PROBLEMS)
        zh = f"存证核验未通过：{report.records:,} 条记录中发现 {len(problems)} 处问题。请保留现场并通知审计管理员。"
        en = f"The log is not what was written: {len(problems)} problems in {report.records:,} records. Keep everything as it is and tell the audit administrator."
        say(Text(zh, en))
    else:
        zh = f"存证完整：{report.records:,} 条记录，链头 {report.head[:16]}…。"
        en = f"The log is whole: {report.records:,} records, head {report.head[:16]}…."
        say(Text(zh, en))


def _summary(record: EvidenceRecord) -> dict[str, Any]:
    return {
        "sequence": record.sequence,
        "at": record.at,
        "actor": f"{record.actor_name} ({record.actor_id})",
        "action": record.action,
        "target": record.target,
        "decision": record.decision,
        "rows": record.rows,
        "purpose": record.purpose,
    }
