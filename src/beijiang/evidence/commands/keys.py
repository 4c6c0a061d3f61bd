"""``beijiang evidence keys`` and ``succeed``: the keys that sign, and how one follows another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from beijiang.kit import SYSTEM, Text
from beijiang.terminal import Column, as_json, say, show

if TYPE_CHECKING:
    from beijiang.evidence.service import Evidence, Succession

__all__ = ["add_keys"]

_KEYS = (
    Column("key", Text("公钥", "key"), whole=True),
    Column("role", Text("用途", "role")),
    Column("signs", Text("在用", "signs")),
    Column("retires_at", Text("停用时间", "retires at")),
)


def add_keys(group: typer.Typer, get: Callable[[], Succession], log: Callable[[], Evidence]) -> None:
    """Add the commands about keys."""

    @group.command("keys")
    def keys(
        details: bool = typer.Option(False, "--details", help="Say what each is for, and until when it signs."),
        handover: Path | None = typer.Option(None, help="Folder to write the notes to by which keys named the next."),  # noqa: B008
    ) -> None:
        """Print the public keys that others trust: of this log, and of this installation as a witness."""
        log().seal()
        found = get().all(SYSTEM)
        named = [one for one in found if one.handover]
        if handover is not None:
            handover.mkdir(parents=True, exist_ok=True)
            for one in named:
                (handover / f"{one.role}-{one.key.id.hex()}.handover.txt").write_text(one.handover, encoding="utf-8")
            say(Text(f"已写入 {len(named)} 份换钥声明。", f"{len(named)} notes of keys that follow were written."))
        if as_json():
            show(
                [
                    {"key": str(one.key), "role": one.role, "signs": one.signs, "retires_at": one.retires_at}
                    for one in found
                ]
            )
        elif details:
            rows = [
                {"key": str(one.key), "role": one.role, "signs": one.signs, "retires_at": one.retires_at}
                for one in found
            ]
            show(rows, _KEYS)
        elif handover is None:
            typer.echo("\n".join(str(one.key) for one in found))

    @group.command("succeed")
    def succeed(
        role: str = typer.Option("log", help="log, log-sm2 where SM2 signs too, or witness."),
        days: int = typer.Option(90, help="Days for which both keys sign, 1 to 730."),
    ) -> None:
        """Have a new key follow the one that signs the log; for a while both do, then the old one is destroyed."""
        made = get().begin(SYSTEM, role, days)
        if as_json():
            show({"key": str(made.key), "role": made.role, "handover": made.handover})
            return
        typer.echo(str(made.key))
        say(
            Text(
                f"新公钥如上；{days} 天内新旧两把同时签名。请公布它和换钥声明（beijiang evidence keys --handover 目录）。",
                f"The new key is above; both sign for {days} days. Publish it with its note (beijiang evidence keys --handover FOLDER).",
            )
        )
