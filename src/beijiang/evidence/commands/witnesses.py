"""``beijiang evidence``: witnesses and retention."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from beijiang.kit import SYSTEM, Text
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.evidence.service import Retention, Witnesses

__all__ = ["add_retention", "add_witnesses"]

_PEERS = (
    Column("id", Text("编号", "id"), whole=True),
    Column("kind", Text("种类", "kind")),
    Column("key", Text("公钥", "key"), whole=True),
    Column("url", Text("地址", "address"), spare=True),
    Column("followed_by", Text("后继公钥", "followed by"), spare=True),
    Column("trouble", Text("问题", "trouble"), spare=True),
)
_CLOCKS = (
    Column("rule", Text("规则", "rule"), whole=True),
    Column("limit", Text("至少保存", "kept at least")),
    Column("until", Text("此前可删", "may be erased before")),
    Column("due", Text("可删条数", "records"), right=True),
    Column("basis", Text("依据", "basis"), spare=True),
)


def add_witnesses(group: typer.Typer, get: Callable[[], Witnesses]) -> None:
    """Add the commands about witnesses."""

    @group.command("peers")
    def peers() -> None:
        """List trusted witnesses, and logs that are witnessed here."""
        found = get().peers(SYSTEM)
        rows = [
            {
                "id": peer.id,
                "kind": peer.kind.value,
                "key": str(peer.key),
                "url": peer.url,
                "followed_by": peer.followed_by,
                "trouble": peer.trouble.in_language(language()) if peer.trouble else "",
            }
            for peer in found
        ]
        show(rows, _PEERS)

    @group.command("trust")
    def trust(
        kind: str = typer.Argument(help="witness (of this log) or log (to witness here)."),
        key: str = typer.Argument(help="Verifier key: name+id+base64."),
        url: str = typer.Option(
            "",
            help="Address before /add-checkpoint of a witness; of a log, where its notes of succession are asked for.",
        ),
    ) -> None:
        """Trust the key of a witness, or of a log to witness."""
        from beijiang.evidence.models import PeerKind
        from beijiang.kit import Invalid

        if kind not in set(PeerKind):
            raise Invalid("种类为 witness 或 log。", "The kind is witness or log.", code="bad_peer_kind")
        peer = get().trust(SYSTEM, PeerKind(kind), key, url)
        say(Text(f"已信任 {peer.key.name}（{peer.id}）。", f"{peer.key.name} is trusted ({peer.id})."))

    @group.command("follow")
    def follow(file: Path = typer.Argument(help="Note of succession that was carried here.")) -> None:  # noqa: B008
        """Trust the key that a trusted one named to follow it."""
        peer = get().follow(SYSTEM, file.read_text(encoding="utf-8"))
        say(
            Text(
                f"已信任后继密钥 {peer.key.name} {peer.key.id.hex()}（{peer.id}）。",
                f"The key that follows, {peer.key.name} {peer.key.id.hex()}, is trusted ({peer.id}).",
            )
        )

    @group.command("distrust")
    def distrust(peer: str = typer.Argument(help="Id of the peer.")) -> None:
        """Trust a key no longer."""
        get().distrust(SYSTEM, peer)
        say(Text("已不再信任。", "It is trusted no longer."))

    @group.command("request")
    def request(
        peer: str = typer.Argument(help="Id of the witness."),
        shard: str = typer.Option("", help="Shard; default the newest."),
    ) -> None:
        """Print what a witness is asked to sign, to be carried there as a file."""
        typer.echo(get().request(SYSTEM, peer, shard), nl=False)

    @group.command("witness")
    def witness(file: Path = typer.Argument(help="Request that was carried here.")) -> None:  # noqa: B008
        """Sign, as a witness, a checkpoint that was carried here; print the note with the signature."""
        typer.echo(get().witness_file(SYSTEM, file.read_text(encoding="utf-8")), nl=False)

    @group.command("cosign")
    def cosign(file: Path = typer.Argument(help="Note that a witness signed.")) -> None:  # noqa: B008
        """Take a note that a witness signed elsewhere."""
        count = get().take(SYSTEM, file.read_text(encoding="utf-8"))
        say(Text(f"收下 {count} 个见证签名。", f"{count} signatures of witnesses taken."))


def add_retention(group: typer.Typer, get: Callable[[], Retention]) -> None:
    """Add the commands about the clocks of the law."""

    @group.command("retention")
    def retention() -> None:
        """Show how long records must be kept, and how many are past it."""
        rows = [
            {
                "rule": one.clock.rule,
                "limit": one.limit.in_language(language()),
                "until": one.until.date().isoformat(),
                "due": one.due,
                "basis": one.basis,
            }
            for one in get().kept(SYSTEM)
        ]
        show(rows, _CLOCKS)

    @group.command("erase")
    def erase(
        reason: str = typer.Option(help="Why; the log keeps it."),
        until: datetime | None = typer.Option(None, help="Older than this (local time); default all past the clock."),  # noqa: B008
        subject: str = typer.Option("", help="Only what this person or key did."),
    ) -> None:
        """Erase the text of records that are past their clocks; commitments and proofs stay."""
        count = get().erase(SYSTEM, reason, until=until and until.astimezone(), subject=subject or None)
        say(Text(f"已删除 {count:,} 条记录的内容。", f"The text of {count:,} records was erased."))
