"""``beijiang evidence``: seal, state, keys, checkpoints, receipts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from beijiang.kit import SYSTEM, Text
from beijiang.terminal import Column, as_json, say, show

if TYPE_CHECKING:
    from beijiang.evidence.service import Evidence, Receipts

__all__ = ["add_receipts"]

_ABOUT = (
    Column("sequence", Text("序号", "record"), right=True),
    Column("at", Text("时间", "at")),
    Column("action", Text("动作", "action")),
    Column("who", Text("谁", "who")),
    Column("id", Text("标识", "id"), whole=True),
)
_SHARDS = (
    Column("name", Text("分段", "shard"), whole=True),
    Column("records", Text("记录数", "records"), right=True),
    Column("algorithm", Text("散列", "hash")),
    Column("root", Text("根", "root"), spare=True),
)


def add_receipts(group: typer.Typer, get: Callable[[], Receipts], log: Callable[[], Evidence]) -> None:
    """Add the commands about the tree and its receipts."""

    @group.command("seal")
    def seal() -> None:
        """Seal what waits now and sign it."""
        count = log().seal()
        say(Text(f"已封存 {count:,} 条记录。", f"{count:,} records sealed."))
        if as_json():
            show({"sealed": count})

    _add_about(group, get)

    @group.command("state")
    def state() -> None:
        """Show how far the log is sealed and witnessed, what waits and what was lost."""
        found = get().state(SYSTEM)
        shards = [
            {"name": s.name, "records": s.size, "algorithm": s.algorithm, "root": s.root.hex()} for s in found.shards
        ]
        if as_json():
            facts = {"waiting": found.waiting, "evidence_lag_seconds": found.lag_seconds, "lost_total": found.lost}
            more = {"unwitnessed_seconds": found.unwitnessed_seconds, "spool_bytes": found.spool_bytes}
            show({"records": found.records, **facts, **more, "shards": shards})
            return
        show(shards, _SHARDS)
        unseen = "-" if found.unwitnessed_seconds is None else f"{found.unwitnessed_seconds:.0f} s"
        say(
            Text(
                f"待封存 {found.waiting:,} 条，滞后 {found.lag_seconds:.0f} 秒；未见证 {unseen}；缓存 {found.spool_bytes:,} 字节；丢失 {found.lost:,} 条。",
                f"{found.waiting:,} records wait, {found.lag_seconds:.0f} s behind; unwitnessed {unseen}; {found.spool_bytes:,} bytes in the spool; {found.lost:,} lost.",
            )
        )

    @group.command("checkpoint")
    def checkpoint(
        shard: str = typer.Option("", help="Shard, such as 2026; default the newest."),
        size: int = typer.Option(0, help="Of an earlier size."),
    ) -> None:
        """Print a signed checkpoint; keep it where the operator of this machine has no access."""
        log().seal()
        receipts = get()
        name = shard or receipts.shards(SYSTEM)[-1].name
        typer.echo(receipts.checkpoint(SYSTEM, name, size or None), nl=False)

    @group.command("receipt")
    def receipt(
        receipt_id: str = typer.Argument(help="Id of the receipt, as the answer told it."),
        out: Path | None = typer.Option(None, help="File to write; default the terminal."),  # noqa: B008
        size: int = typer.Option(0, help="Prove it in the checkpoint of this size."),
    ) -> None:
        """Write the receipt file of one access, for `beijiang verify`."""
        text = json.dumps(get().receipt(SYSTEM, receipt_id, size or None), ensure_ascii=False, indent=1)
        if out is None:
            typer.echo(text)
            return
        out.write_text(text, encoding="utf-8")
        say(Text(f"回执已写入 {out}。", f"The receipt is in {out}."))


def _add_about(group: typer.Typer, get: Callable[[], Receipts]) -> None:
    @group.command("about")
    def about(
        kind: str = typer.Argument(help="entry, request or grant."),
        subject: str = typer.Argument(help="Id of the thing."),
        record: int = typer.Option(0, min=0, help="Print this record with its proof, for beijiang verify."),
        deliveries: bool = typer.Option(False, help="Of a grant: list what was read under it; each id is a receipt."),
    ) -> None:
        """List what the log holds about a thing, or prove one of its records."""
        if record:
            sys.stdout.write(json.dumps(get().proved_about(SYSTEM, kind, subject, record), ensure_ascii=False) + "\n")
            return
        under = deliveries and kind == "grant"
        found = get().under(SYSTEM, subject, limit=500).records if under else get().about(SYSTEM, kind, subject)
        rows = [
            {"sequence": r.sequence, "at": r.at, "action": r.action, "who": r.actor_name, "id": r.id} for r in found
        ]
        show(rows, _ABOUT)
